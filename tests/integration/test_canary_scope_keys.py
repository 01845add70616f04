# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scope's key goes in by a file, the environment or an option, and out to a file or a secret: seen nowhere else."""

from __future__ import annotations

import pytest
from canaries import LOUD, Watch, check_output, spellings
from site_of_runs import Run, Site, Task

API = {"org": "payments", "project": "api"}
FIELDS = {"fields": {}, "url": "://u:no-canary-at-all@"}


def of(module: str, **options: object) -> Task:
    return {f"scoped.secrets.{module}": options}


def looked_up(reference: str, **options: str) -> Task:
    given = ", ".join(f"{name}={value!r}" for name, value in {**API, **options}.items())
    return {"ansible.builtin.debug": {"msg": f"{{{{ lookup('scoped.secrets.secret', '{reference}', {given}) }}}}"}}


@pytest.fixture
def holder(site: Site) -> tuple[Site, str]:
    """The site without its root key, and the key of a project, which lies in the folder `meant`."""
    (site.folder / "meant").mkdir()
    site.declare(
        of("scope", org="payments"),
        of("scope", **API),
        of("secret_text", **API, identifier="a", value="plain"),
        of("secret_text", identifier="above", value="plain"),
        of("scope_key", **API, dest=str(site.folder / "meant" / "api.key")),
    )
    site.key_file.rename(site.folder / "meant" / "root.key")
    return site, (site.folder / "meant" / "api.key").read_text().strip()


def wanted(key: str) -> set[bytes]:
    """Return how the key may be written: all of it, and what is secret in it."""
    return spellings({"all": key, "secret": key.split(":")[4], **FIELDS})


GOOD = (
    looked_up("a"),
    of("secret_text", **API, identifier="b", value="plain"),
    of("secret_info", **API),
    of("scope_info", **API, recursive=True, verify=True),
    of("scope_key", **API, dest="meant/api.key"),
    of("doctor"),
)
BAD = (
    looked_up("account.above"),
    of("secret_text", org="payments", identifier="b", value="plain"),
    of("scope_key", **API, secret={"identifier": "k", **API}),
    of("store_backup", dest="b"),
    of("store_info"),
)


def run_loudly(site: Site, environment: dict[str, str], good: list[Task], bad: list[Task]) -> Run:
    failing = [{**task, "name": f"bad {number}", "ignore_errors": True} for number, task in enumerate(bad)]
    logs = {"ANSIBLE_LOG_PATH": str(site.folder / "ansible.log"), "JUNIT_OUTPUT_DIR": str(site.folder / "junit")}
    tree = {"ANSIBLE_CALLBACK_TREE_DIR": str(site.folder / "tree"), "ANSIBLE_DEBUG": "1"}
    run = site.run([*good, *failing], "-vvvvv", "--diff", environment={**LOUD, **logs, **tree, **environment})
    failed = [task["task"] for task in run.tasks if task["status"] == "failed"]
    assert failed == [task["name"] for task in failing], run.output
    return run


def test_a_key_in_a_file_is_seen_nowhere(holder: tuple[Site, str]) -> None:
    site, key = holder
    with Watch(wanted(key)) as watch:
        run = run_loudly(site, {"SCOPED_SECRETS_SCOPE_KEY_FILE": str(site.folder / "meant/api.key")}, [*GOOD], [*BAD])
    check_output(site, run, wanted(key))
    assert not watch.seen
    assert watch.looks > 10


def test_a_key_in_the_environment_is_seen_only_there(holder: tuple[Site, str]) -> None:
    """Processes of Ansible inherit it, as from whoever set it; the broker does not."""
    site, key = holder
    with Watch(wanted(key), site) as watch:
        run = run_loudly(site, {"SCOPED_SECRETS_SCOPE_KEY": key}, [*GOOD], [*BAD])
    check_output(site, run, wanted(key))
    assert [seen for seen in watch.seen if "/cmdline" in seen] == []


def test_a_key_given_as_an_option_is_seen_nowhere(holder: tuple[Site, str]) -> None:
    site, key = holder
    given = {"scope_key": "{{ lookup('ansible.builtin.file', 'meant/api.key') }}"}
    good = [of("secret_text", **API, **given, identifier="c", value="plain"), of("secret_info", **API, **given)]
    bad = [
        of("secret_text", **given, identifier="c", value="plain"),
        of("secret_info", **API, **given, kind="none"),
        of("secret_info", **API, scope_key=given["scope_key"] + "x"),
        of("secret_info", **API, root_key=given["scope_key"]),
    ]
    with Watch(wanted(key)) as watch:
        run = run_loudly(site, {}, good, bad)
    check_output(site, run, wanted(key))
    assert not watch.seen


def test_an_exported_key_is_seen_only_where_it_is_to_go(holder: tuple[Site, str]) -> None:
    site, key = holder
    (site.folder / "meant" / "root.key").rename(site.key_file)
    good = [
        of("scope_key", **API, dest="meant/second.key"),
        of("scope_key", **API, secret={"identifier": "api_key", "org": "payments"}),
        of("scope_key", **API, secret={"identifier": "api_key", "org": "payments"}),
    ]
    bad = [of("scope_key", **API, dest="none/api.key"), of("scope_key", **API, dest="inventory.ini")]
    with Watch(wanted(key)) as watch:
        run = run_loudly(site, {}, good, bad)
    check_output(site, run, wanted(key))
    assert not watch.seen
    assert (site.folder / "meant" / "second.key").read_text().strip() == key
