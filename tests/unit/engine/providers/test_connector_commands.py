# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that another team could have chosen does not run with the keys of this run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import NotFound, ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.plugins.module_utils.store.database import Transaction
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, error_of, holding, read, shown

SCOPES: dict[str, dict[str, str]] = {
    "account": {},
    "org": {"org": "payments"},
    "api": {"org": "payments", "project": "api"},
    "web": {"org": "payments", "project": "web"},
}
PROGRAM = """#!/bin/sh
read -r request
echo run >> {ran}
case $request in
  *'"capabilities"'*) echo '{{"verbs": ["get", "put", "delete"]}}' ;;
  *'"get"'*) echo '{{"value": "of the program"}}' ;;
  *) echo '{{}}' ;;
esac
"""

# This process imports the collection without Ansible's loader. Once a lookup plugin has brought that in, it wants this.
vars(import_module("ansible_collections.scoped.secrets")).setdefault("_collection_meta", {})


class Team:
    """A store with scopes, and a program that records its runs."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.admin = Engine(settings)
        self.folder = folder
        self.ran = folder / "ran"
        self.program = folder / "program"
        self.program.write_text(PROGRAM.format(ran=self.ran))
        self.program.chmod(0o755)
        for scope in ("org", "api", "web"):
            declare(self.admin, "scope", **SCOPES[scope])

    def hand_out(self, *scopes: str, by: Engine | None = None) -> None:
        for scope in scopes:
            declare(by or self.admin, "scope_key", **SCOPES[scope], dest=str(self.folder / f"{scope}.key"))

    def add(self, scope: str, **options: Any) -> None:
        """Declare a connector with the key of its own scope, as its team does."""
        given = {"command": [str(self.program)], **options}
        declare(self.holder(scope), "connector_custom", **SCOPES[scope], identifier="own", check=False, **given)

    def add_plugin(self, scope: str, plugin: str) -> None:
        declare(self.holder(scope), "connector_lookup", **SCOPES[scope], identifier="plugin", plugin=plugin)

    def holder(self, scope: str) -> Engine:
        return self.admin if scope == "root" else holding(self.settings, **SCOPES[scope])

    def allowing(self, *allowed: object) -> Engine:
        """Return an engine with the root key where a list of what may run is set."""
        return Engine(self.settings._replace(allowed_commands=",".join(map(str, allowed))))

    def runs(self) -> int:
        return len(self.ran.read_text().splitlines()) if self.ran.exists() else 0


@pytest.fixture
def team(settings: Settings, tmp_path: Path) -> Team:
    return Team(settings, tmp_path)


def read_own(engine: Engine, scope: str) -> bytes:
    return read(engine, "custom://own/a", **SCOPES[scope])


def refused(call: Callable[[], object]) -> ScopedSecretsError:
    error = error_of(call)
    assert (error.code, error.category) == ("command_not_allowed", "forbidden")
    assert "SCOPED_SECRETS_ALLOWED_COMMANDS" in error.hint
    return error


# Whose command runs. A letter for each scope whose key was handed out: a(ccount), o(rg), p(roject api), w(eb).


@pytest.mark.parametrize(
    ("runner", "connector", "handed_out", "runs"),
    [
        ("root", "api", [], True),
        ("root", "api", ["web"], True),
        ("root", "api", ["api"], False),
        ("root", "api", ["org"], False),
        ("root", "api", ["account"], False),
        ("root", "org", ["api"], True),
        ("root", "org", ["org"], False),
        ("root", "account", ["org", "api"], True),
        ("root", "account", ["account"], False),
        ("account", "account", ["account"], True),
        ("account", "org", ["account"], True),
        ("account", "org", ["account", "org"], False),
        ("account", "api", ["account", "api"], False),
        ("org", "org", ["account", "org"], True),
        ("org", "api", ["account", "org", "web"], True),
        ("org", "api", ["account", "org", "api"], False),
        ("api", "api", ["account", "org", "api"], True),
    ],
)
def test_a_command_runs_unless_someone_with_a_lower_key_could_have_chosen_it(
    team: Team, runner: str, connector: str, handed_out: list[str], runs: bool
) -> None:
    team.add(connector)
    team.hand_out(*handed_out)
    engine = team.holder(runner)
    if runs:
        assert read_own(engine, connector) == b"of the program"
    else:
        refused(lambda: read_own(engine, connector))
    assert (team.runs() > 0) == runs


def test_the_error_names_the_scope_and_the_program(team: Team) -> None:
    team.add("api", environment={"MODE": "1"})
    team.hand_out("org")
    error = refused(lambda: read_own(team.admin, "api"))
    assert "key of organization 'payments' was handed out" in error.message
    assert f"runs {team.program}" in error.message
    assert f"{team.program}, MODE can do no harm" in error.hint


@pytest.mark.parametrize("plugin", ["ansible.builtin.pipe", "ansible.builtin.file", "ansible.builtin.env"])
def test_every_lookup_plugin_counts_as_a_command(team: Team, plugin: str) -> None:
    team.add_plugin("api", plugin)
    team.hand_out("api")
    term = f"lookup://plugin/{team.program}"
    assert plugin in refused(lambda: read(team.admin, term, **SCOPES["api"])).message
    refused(lambda: read(team.allowing("ansible.builtin.url"), term, **SCOPES["api"]))
    with suppress(NotFound):  # No variable has this name.
        read(team.allowing(plugin), term, **SCOPES["api"])
    assert team.runs() == (plugin == "ansible.builtin.pipe")


def test_other_kinds_run_nothing(team: Team) -> None:
    declare(team.admin, "connector_memory_vault", **SCOPES["api"], identifier="m", token="good")
    declare(team.admin, "secret_text", **SCOPES["api"], identifier="a", value=b"kept", secret_manager="m")
    team.hand_out("api", "org", "account")
    assert read(team.admin, "a", **SCOPES["api"]) == b"kept"
    assert read(team.allowing("none"), "a", **SCOPES["api"]) == b"kept"


# Each way to start it


@pytest.fixture
def handed_out(team: Team) -> Team:
    """A project whose key was handed out, and with a secret that its team keeps with its program."""
    team.add("api")
    declare(team.holder("api"), "secret_text", **SCOPES["api"], identifier="a", value=b"v", secret_manager="own")
    team.hand_out("api")
    team.ran.unlink()
    return team


@pytest.mark.parametrize(
    "call",
    [
        lambda engine, api: read(engine, "a", **api),
        lambda engine, api: read(engine, "custom://own/b", **api),
        lambda engine, api: declare(engine, "secret_text", **api, identifier="a", value=b"new"),
        lambda engine, api: check(engine, "secret_text", **api, identifier="a", value=b"new"),
        lambda engine, api: declare(engine, "secret_text", **api, identifier="b", value=b"n", secret_manager="own"),
        lambda engine, api: declare(engine, "secret_text", **api, identifier="r", reference="x", secret_manager="own"),
        lambda engine, api: declare(engine, "secret_text", **api, identifier="a", state="absent"),
        lambda engine, api: declare(engine, "connector_custom", **api, identifier="own", timeout=5),
        lambda engine, api: declare(engine, "connector_custom", **api, identifier="other", command=["cat"]),
    ],
    ids=["read", "URL", "update", "check mode", "create", "reference", "remove", "declare again", "declare"],
)
def test_nothing_starts_it(handed_out: Team, call: Callable[[Engine, dict[str, str]], object]) -> None:
    refused(lambda: call(handed_out.admin, SCOPES["api"]))
    assert handed_out.runs() == 0


def test_connector_check_reports_it(handed_out: Team) -> None:
    checked = shown(handed_out.admin, "connector_check", **SCOPES["api"], identifier="own")
    assert (checked["status"], checked["code"], handed_out.runs()) == ("error", "command_not_allowed", 0)


def test_a_credential_that_it_would_give_is_refused(handed_out: Team) -> None:
    login = {"auth_method": "token", "token_ref": "custom://own/token"}
    refused(lambda: declare(handed_out.admin, "connector_memory_vault", **SCOPES["api"], identifier="m", **login))
    assert handed_out.runs() == 0


@pytest.mark.parametrize("thing", ["secret", "scope"])
def test_force_removes_what_it_keeps_from_the_store_only(handed_out: Team, thing: str) -> None:
    api = SCOPES["api"]
    if thing == "secret":
        result = declare(handed_out.admin, "secret_text", **api, identifier="a", state="absent", force=True)
    else:
        result = declare(handed_out.admin, "scope", **api, state="absent", force=True)
    assert "'a' was left at connector 'own' of project 'payments/api'" in " ".join(result.warnings)
    assert handed_out.runs() == 0
    with pytest.raises(ScopedSecretsError):
        read(handed_out.holder("org"), "a", **api)


def test_a_connector_can_be_declared_without_running_it(handed_out: Team) -> None:
    result = declare(
        handed_out.admin, "connector_custom", **SCOPES["api"], identifier="own", description="checked", check=False
    )
    assert (result.changed, handed_out.runs()) == (True, 0)


def test_an_engine_in_use_notices_that_the_key_was_handed_out(team: Team) -> None:
    team.add("api")
    assert read_own(team.admin, "api") == b"of the program"
    team.hand_out("api", by=Engine(team.settings))
    refused(lambda: read(team.admin, "custom://own/another", **SCOPES["api"]))


# The list


def test_the_list_alone_decides(team: Team) -> None:
    team.add("api")
    listed, other = team.allowing(team.program), team.allowing("/usr/bin/other")
    refused(lambda: read_own(other, "api"))
    team.hand_out("api")
    assert read_own(listed, "api") == b"of the program"
    refused(lambda: read_own(team.allowing("none"), "api"))
    with_key = Engine(team.holder("api").settings._replace(allowed_commands="none"))
    assert "'allowed_commands' does not list" in refused(lambda: read_own(with_key, "api")).message


def test_a_name_on_path_is_compared_by_its_absolute_path(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{team.folder}:/usr/bin:/bin")
    team.add("api", command=["program"])
    assert str(team.program) in refused(lambda: read_own(team.allowing("program"), "api")).message
    assert read_own(team.allowing(team.program), "api") == b"of the program"


@pytest.mark.parametrize("command", ["link", "sub/../program", "sub/../link"])
def test_another_way_to_a_program_counts_as_what_is_started(team: Team, command: str) -> None:
    """A link is another program: what it leads to can change."""
    (team.folder / "sub").mkdir()
    (team.folder / "link").symlink_to(team.program)
    team.add("api", command=[f"{team.folder}/{command}"])
    listed = team.allowing(team.program)
    if "link" in command:
        assert f"{team.folder}/link" in refused(lambda: read_own(listed, "api")).message
        listed = team.allowing(team.folder / "link")
    assert read_own(listed, "api") == b"of the program"


def test_dots_behind_a_link_start_what_is_compared(team: Team, tmp_path: Path) -> None:
    """The system would follow the link first, and start another program than the one that is listed."""
    (tmp_path / "theirs" / "sub").mkdir(parents=True)
    (tmp_path / "theirs" / "program").write_text(f"#!/bin/sh\necho theirs >> {tmp_path}/theirs/ran\n")
    (tmp_path / "theirs" / "program").chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path / "theirs" / "sub")
    team.add("api", command=[f"{tmp_path}/link/../program"])
    assert read_own(team.allowing(team.program), "api") == b"of the program"
    assert not (tmp_path / "theirs" / "ran").exists()


def test_variables_of_a_connector_must_be_listed_too(team: Team) -> None:
    """With BASH_ENV or LD_PRELOAD, a listed program runs what someone else wrote."""
    team.add("api", environment={"BASH_ENV": "/tmp/theirs", "MODE": "1"})
    error = refused(lambda: read_own(team.allowing(team.program, "MODE"), "api"))
    assert "uses BASH_ENV, which" in error.message
    assert read_own(team.allowing(team.program, "MODE", "BASH_ENV"), "api") == b"of the program"


def test_a_program_that_does_not_exist_is_not_taken_for_a_listed_one(team: Team) -> None:
    team.add("api", command=["no-such-program"])
    refused(lambda: read_own(team.allowing(team.program), "api"))
    assert error_of(lambda: read_own(team.admin, "api")).code == "program_failed"


# What it costs


def test_the_check_needs_no_query(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.add("api")
    declare(team.admin, "connector_memory_vault", **SCOPES["web"], identifier="own")
    for scope in ("api", "web"):
        holder = team.holder(scope)
        declare(holder, "secret_text", **SCOPES[scope], identifier="a", value=b"v", secret_manager="own")
    asked: list[str] = []
    for name in ("one", "all"):
        original = getattr(Transaction, name)

        def counting(tx: Transaction, statement: str, original: Any = original, **values: Any) -> Any:
            asked.append(statement)
            return original(tx, statement, **values)

        monkeypatch.setattr(Transaction, name, counting)

    def queries(scope: str) -> list[str]:
        engine = Engine(team.settings._replace(audit="off"))
        asked.clear()
        read(engine, "a", **SCOPES[scope])
        return list(asked)

    assert queries("api") == queries("web") != []
    before = queries("api")
    team.hand_out("web")
    assert queries("api") == before


def test_the_doctor_lists_connectors_whose_command_may_not_run(team: Team) -> None:
    def found(engine: Engine) -> str:
        checks = declare(engine, "doctor").returned["checks"]
        return next(str(one["message"]) for one in checks if one["check"] == "commands")

    for scope in ("account", "api", "web"):
        team.add(scope)
    all_may = "All connectors may use the programs, files and identities of this machine they name."
    assert found(team.admin) == all_may
    team.hand_out("api")
    assert found(team.admin) == (
        "These connectors may not use the programs, files or identities they name: connector 'own' of project "
        "'payments/api'."
    )
    assert found(team.holder("org")) == found(team.admin)
    for engine in (team.holder("api"), team.allowing(team.program)):
        assert found(engine) == all_may
    assert found(team.allowing("none")).count("connector 'own'") == 3
    assert team.runs() == 0
