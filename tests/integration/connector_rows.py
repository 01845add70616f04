# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the secrecy tables for every connector to a server, made of what tests/conformance/kinds declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds, login_options
from conformance.kinds import providers
from conformance.provider import Provider
from site_of_runs import Task

__all__ = ["SERVED", "canary_rows", "isolation_rows"]

Options = dict[str, Any]
SERVED = {one.KIND: one for one in providers() if one.OFFLINE}
"""The kinds whose connectors have the address of a server. The other ones have rows of their own."""
CANARIES = ("text", "password", "key", "short")


def canary_rows(kind: str, **scope: str) -> tuple[list[Task], list[Task]]:
    """Return tasks with canaries as credentials: tasks that succeed without a server, and tasks that fail."""
    one = SERVED[kind]
    logins = [with_canaries(one, login) for login in one.LOGINS]
    first, credential = logins[0], credentials_in(one, one.LOGINS[0])[0]

    def task(login: Options, **changes: Any) -> Task:
        return {f"scoped.secrets.connector_{kind}": {**scope, "identifier": kind, **one.OFFLINE, **login, **changes}}

    good = [
        *(task(login, check=False, tags={"team": "payments"}) for login in logins),
        task({**first, credential: "{{ canary.changed }}"}, check=False),
        task(with_references(one, one.LOGINS[0]), check=False),
        task(first, identifier="gone", check=False),
        {f"scoped.secrets.connector_{kind}": {**scope, "identifier": "gone", "state": "absent"}},
    ]
    bad = [
        *(task(login, identifier="other") for login in logins),
        task(first, **{f"{credential}_ref": "text"}),
        task(first, check=False, auth_method=other_login(one, credential)),
        task({**first, credential: ["{{ canary.text }}"]}, timeout="soon"),
        task({**without(first, credential), misspelt(credential): "{{ canary.text }}"}),
        *(task(first, check=False, **{name: url}) for name in addresses(one) for url in URLS),
        task(first, check=False, org="nobody", project=""),
    ]
    return good, bad


def isolation_rows(kind: str) -> Iterator[tuple[str, Options]]:
    """Yield each option that takes a reference, and the other options of a connector."""
    one = SERVED[kind]
    for login in one.LOGINS:
        for credential in credentials_in(one, login):
            yield credential, {**one.OFFLINE, **without(login, credential), "check": False}
    for option in sorted(kinds()[kind].REFERABLE):
        yield option, {**without(one.OFFLINE, option), **one.LOGINS[0], "check": False}


URLS = ("https://u:{{ canary.short }}@localhost", "https://u:{{ canary.password | urlencode }}@localhost")


def addresses(one: type[Provider]) -> list[str]:
    return [name for name, value in one.OFFLINE.items() if str(value).startswith("http")]


def credentials_in(one: type[Provider], login: Options) -> list[str]:
    options = login_options(kinds()[one.KIND])
    return [name for name in login if options[name].get("no_log")]


def with_canaries(one: type[Provider], login: Options) -> Options:
    pairs = zip(credentials_in(one, login), CANARIES, strict=False)
    return {**login, **{name: f"{{{{ canary.{canary} }}}}" for name, canary in pairs}}


def with_references(one: type[Provider], login: Options) -> Options:
    credentials = credentials_in(one, login)
    return {**without(login, *credentials), **{f"{name}_ref": "text" for name in credentials}}


def other_login(one: type[Provider], credential: str) -> str:
    """Return the name of a login that doesn't take a credential."""
    return next((login.NAME for login in kinds()[one.KIND].LOGINS if credential not in login.OPTIONS), "nothing")


def without(options: Options, *names: str) -> Options:
    return {name: value for name, value in options.items() if name not in names}


def misspelt(name: str) -> str:
    return name[:-2] + name[-1] + name[-2]
