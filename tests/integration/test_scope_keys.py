# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A team with the key of its project: real runs without the root key."""

from __future__ import annotations

import stat

import pytest
from connector_tasks import Connector
from site_of_runs import BROKER, Site, Task

API = {"org": "payments", "project": "api"}


def of(module: str, name: str = "", **options: object) -> Task:
    return {f"scoped.secrets.{module}": options, **({"name": name} if name else {})}


@pytest.fixture
def team(site: Site) -> tuple[Site, dict[str, str]]:
    """The site without its root key, and the environment of a team."""
    file = site.folder / "api.key"
    site.declare(
        of("scope", org="payments"),
        of("scope", **API),
        of("secret_text", **API, identifier="a", value="first"),
        of("scope_key", **API, dest=str(file)),
    )
    site.key_file.rename(site.folder / "root.key.away")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return site, {
        "SCOPED_SECRETS_SCOPE_KEY_FILE": str(file),
        "SCOPED_SECRETS_ORG": "payments",
        "SCOPED_SECRETS_PROJECT": "api",
    }


@pytest.mark.inline
@pytest.mark.each_store
def test_a_team_works_in_its_project(team: tuple[Site, dict[str, str]], vault: Connector) -> None:
    site, environment = team
    tasks = [
        of("secret_text", "changed", identifier="a", value="second"),
        of("secret_text", "same", identifier="a", value="second"),
        {**of("secret_text", "predicted", identifier="a", value="third"), "check_mode": True},
        {**vault.task(), "name": "connector"},
        of("secret_text", identifier="there", value="kept in the vault", secret_manager=vault.options["identifier"]),
        of("secret_ssh", identifier="host", user="web", password="p"),
        of("secret_info", "listed"),
        of("scope_info", "verified", verify=True),
        {
            "ansible.builtin.debug": {"msg": "{{ query('scoped.secrets.secret', 'a', 'there', 'host#password') }}"},
            "name": "read",
        },
    ]
    run = site.run(tasks, environment=environment)
    changed = {name: run.result(name)["changed"] for name in ("changed", "same", "predicted")}
    assert changed == {"changed": True, "same": False, "predicted": True}
    assert run.result("read")["msg"] == ["second", "kept in the vault", "p"]
    assert {"a", "there", "host"} <= {one["identifier"] for one in run.result("listed")["secrets"]}
    assert [one["project"] for one in run.result("verified")["scopes"]] == ["api"]


@pytest.mark.each_store
def test_the_key_may_come_from_the_configuration_or_an_option(team: tuple[Site, dict[str, str]]) -> None:
    site, _environment = team
    (site.folder / "ansible.cfg").write_text(f"[scoped_secrets]\nscope_key_file = {site.folder}/api.key\n")
    key = "{{ lookup('ansible.builtin.file', 'api.key') }}"
    shown = "lookup('scoped.secrets.secret', 'a', org='payments', project='api'"
    tasks = [
        {"ansible.builtin.debug": {"msg": f"{{{{ {shown}) }}}}"}, "name": "configured"},
        of("secret_info", **API, scope_key=key),
        of("secret_info", **API, scope_key_file=str(site.folder / "api.key")),
        {**of("secret_info", "lifted", **API, scope_key=""), "ignore_errors": True},
    ]
    run = site.run(tasks, environment={"ANSIBLE_CONFIG": str(site.folder / "ansible.cfg")})
    assert run.result("configured")["msg"] == "first"
    # Without the scope key the root key would be needed, which is away.
    assert run.result("lifted")["code"] == "missing_key_file"


@pytest.mark.each_store
def test_each_key_has_a_broker_of_its_own(team: tuple[Site, dict[str, str]]) -> None:
    """A play may hold the keys of several scopes, and none opens what is another's."""
    site, _environment = team
    (site.folder / "root.key.away").rename(site.key_file)
    web = {"org": "payments", "project": "web"}
    site.declare(
        of("scope", **web),
        of("secret_text", **web, identifier="a", value="w"),
        of("scope_key", **web, dest=str(site.folder / "web.key")),
    )
    site.key_file.rename(site.folder / "root.key.away")
    api_key, web_key = ((site.folder / name).read_text().strip() for name in ("api.key", "web.key"))
    tasks = [
        {**of("secret_info", f"{scope['project']} {number}", **scope, scope_key="{{ key }}"), "vars": {"key": key}}
        | {"ignore_errors": True}
        for scope in (API, web)
        for number, key in enumerate((api_key, web_key))
    ]
    run = site.run(tasks, environment=BROKER)
    found = [task["result"].get("code", "read") for task in run.tasks]
    assert found == ["read", "scope_locked", "scope_locked", "read"]
    assert "No broker is available" not in run.output


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda text: text[:-5], "malformed_scope_key"),
        (lambda text: "AAAA\n", "malformed_scope_key"),
        (lambda text: text, "exposed_key_file"),
    ],
    ids=["cut", "something else", "open to others"],
)
def test_a_bad_key_file_is_refused(team: tuple[Site, dict[str, str]], edit: object, code: str) -> None:
    site, environment = team
    file = site.folder / "api.key"
    file.write_text(edit(file.read_text()))  # type: ignore[operator]
    file.chmod(0o644 if code == "exposed_key_file" else 0o600)
    run = site.run([of("secret_info")], environment=environment, fails=True)
    assert run.last["code"] == code
    assert str(file) in run.last["msg"]
