# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests through real runs: a whole tree at once, again, changed, in check mode, in pieces, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from connector_tasks import Connector
from site_of_runs import BROKER, Site, Task

TREE: list[dict[str, Any]] = [
    {"secret_ssh": {"project": "api", "identifier": "host", "user": "web", "password_ref": "db"}},
    {"secret_text": {"project": "api", "identifier": "db", "value": "of the api"}},
    {"secret_file": {"identifier": "licence", "src": "licence.txt"}},
    {"scoped.secrets.scope": {"project": "api", "description": "The API"}},
    {"scope": {"tags": {"team": "a"}}},
]


def manifest(*items: dict[str, Any], **options: Any) -> Task:
    return {
        "name": "manifest",
        "scoped.secrets.manifest": {"defaults": {"org": "payments"}, "resources": list(items), **options},
    }


def statuses(result: dict[str, Any]) -> list[str]:
    return [one["status"] for one in result["results"]]


@pytest.fixture
def site(site: Site) -> Site:
    (site.folder / "licence.txt").write_text("1234-5678")
    return site


@pytest.mark.each_core
@pytest.mark.inline
@pytest.mark.each_store
def test_a_tree_is_declared_in_any_order_and_once(site: Site) -> None:
    first, again = (site.run([manifest(*TREE)]).result("manifest") for _run in range(2))
    assert (first["changed"], first["counts"]) == (
        True,
        {"ok": 0, "changed": 5, "failed": 0, "skipped": 0, "pruned": 0},
    )
    assert [one["module"] for one in first["results"]] == [
        "secret_ssh",
        "secret_text",
        "secret_file",
        "scope",
        "scope",
    ]
    assert first["results"][1]["secret"]["version"] == 1
    assert (again["changed"], statuses(again)) == (False, ["ok"] * 5)
    assert [one["secret"].get("version") for one in again["results"][:3]] == [None, 1, 1]


def test_the_diff_has_what_changes_and_no_value(site: Site) -> None:
    changed = [{"secret_text": {"project": "api", "identifier": "db", "value": "another value"}}, *TREE[2:]]
    run = site.run([manifest(*TREE), manifest(*changed)], "--diff")
    (diff,) = run.result("manifest")["diff"]
    assert (diff["before"]["version"], diff["after"]["version"]) == (1, 2)
    assert diff["before_header"] == "secret_text secret 'db' of project 'payments/api'"
    assert "another value" not in run.output


def test_check_mode_tells_what_would_be_done_and_does_nothing(site: Site) -> None:
    told = site.run([manifest(*TREE)], "--check").result("manifest")
    assert (told["changed"], statuses(told)) == (True, ["changed"] * 5)
    info = {"scoped.secrets.secret_info": {"org": "payments"}}
    run = site.run([manifest(TREE[4]), {**manifest(*TREE), "check_mode": True}, info])
    assert statuses(run.result("manifest")) == ["changed"] * 4 + ["ok"]
    assert run.last["secrets"] == []


@pytest.mark.each_core
def test_all_mistakes_are_told_before_anything_is_done(site: Site) -> None:
    wrong = [
        TREE[4],
        {"secret_text": {"identifier": "a", "vaule": "x"}},
        {"secret_info": {"identifier": "a"}},
        {"secret_text": {"identifier": "a", "value": "x", "store": "sqlite:////x"}},
        {"secret_file": {"identifier": "a", "src": "none.txt"}},
        {},
    ]
    failed = site.run([manifest(*wrong)], fails=True).result("manifest")
    assert failed["code"] == "invalid_manifest"
    assert [error.split(":")[0] for error in failed["details"]["errors"]] == [
        "item 2 (secret_text)",
        "item 3 (secret_info)",
        "item 4 (secret_text)",
        "item 5 (secret_file)",
        "item 6 (not a module)",
    ]
    assert site.run([{"scoped.secrets.scope_info": {"org": "payments"}}]).last["scopes"] == []


@pytest.mark.inline
def test_a_failure_stops_or_not_as_wanted(site: Site) -> None:
    bad = {"secret_text": {"identifier": "bad", "value": "x", "secret_manager": "nobody"}}
    after = {"secret_ssh": {"identifier": "h", "user": "web", "password_ref": "bad"}}
    other = {"secret_ssh": {"identifier": "o", "user": "web", "password_ref": "good"}}
    good = {"secret_text": {"identifier": "good", "value": "x"}}
    items = (bad, after, good, other, TREE[4])
    stopped = site.run([manifest(*items)], fails=True).result("manifest")
    assert (stopped["changed"], stopped["code"]) == (True, "unknown_connector")
    assert "secret 'bad' of organization 'payments'" in stopped["msg"]
    assert statuses(stopped) == ["failed", "skipped", "changed", "skipped", "changed"]
    went_on = site.run([manifest(*items, on_error="continue")], fails=True).result("manifest")
    assert statuses(went_on) == ["failed", "skipped", "ok", "changed", "ok"]
    assert went_on["results"][1]["msg"].startswith("Not declared: secret 'bad'")


@pytest.mark.each_store
def test_what_is_removed_goes_in_the_right_order(site: Site) -> None:
    gone = [
        {"scope": {}},
        {"scope": {"project": "api"}},
        {"secret_text": {"project": "api", "identifier": "db"}},
        {"secret_file": {"identifier": "licence"}},
        {"secret_ssh": {"project": "api", "identifier": "host"}},
    ]
    options = {"defaults": {"org": "payments", "state": "absent"}}
    info = {"scoped.secrets.scope_info": {"org": "payments"}}
    for before, expected in ((TREE, "changed"), ([], "ok")):
        run = site.run([manifest(*before), manifest(*gone, **options), info])
        assert statuses(run.result("manifest")) == [expected] * 5
        assert run.last["scopes"] == []


@pytest.mark.each_store
def test_what_is_listed_no_longer_goes(site: Site) -> None:
    by_hand = {"scoped.secrets.secret_text": {"org": "payments", "identifier": "by_hand", "value": "stays"}}
    left = manifest(TREE[4], {"secret_text": {"identifier": "by_hand", "value": "stays"}}, prune=True)
    check = {**left, "check_mode": True, "diff": True}
    told = site.run([manifest(*TREE), by_hand, check]).result("manifest")
    info = {"name": "info", "scoped.secrets.secret_info": {"org": "payments"}}
    run = site.run([left, info, {**left, "name": "again"}])
    gone = run.result("manifest")
    for result in (told, gone):
        assert result["counts"] == {"ok": 2, "changed": 4, "failed": 0, "skipped": 0, "pruned": 4}
        assert [(one["item"], one["state"]) for one in result["results"][2:]] == [
            ("project 'payments/api'", "absent"),
            ("secret 'licence' of organization 'payments'", "absent"),
            ("secret 'db' of project 'payments/api'", "absent"),
            ("secret 'host' of project 'payments/api'", "absent"),
        ]
    assert [(diff["before"]["name"], diff["after"]) for diff in told["diff"]] == [
        (name, {}) for name in ("api", "licence", "db", "host")
    ]
    assert [one["identifier"] for one in run.result("info")["secrets"]] == ["by_hand"]
    assert (run.result("again")["changed"], run.result("again")["counts"]["pruned"]) == (False, 0)


@pytest.mark.each_core
def test_a_manifest_is_not_delegated(site: Site) -> None:
    task = {**manifest(TREE[4]), "delegate_to": "other"}
    assert site.run([task], fails=True).result("manifest")["code"] == "manifest_not_delegated"


def test_a_manager_comes_before_its_secrets_and_after_its_login(site: Site, vault: Connector) -> None:
    token = vault.options["token"]
    connector = vault.at(token=None, token_ref="vault_login", use_as_default=True).task()
    items = [
        *({"secret_text": {"identifier": f"s{number}", "value": f"value {number}"}} for number in range(20)),
        connector,
        {"secret_text": {"identifier": "vault_login", "value": token}},
        {"scope": {}},
    ]
    first = site.run([manifest(*items)], environment=BROKER).result("manifest")
    assert statuses(first) == ["changed"] * 23
    managers = [one["secret"]["secret_manager"] for one in first["results"] if "secret" in one]
    assert managers == ["vault"] * 20 + ["builtin"]
    again = site.run([manifest(*items)], environment=BROKER).result("manifest")
    assert statuses(again) == ["ok"] * 23
    # The default manager goes back to the built-in one; the rest goes.
    gone = site.run([manifest({"scope": {}}, prune=True)], environment=BROKER).result("manifest")
    assert gone["counts"] == {"ok": 1, "changed": 23, "failed": 0, "skipped": 0, "pruned": 23}
