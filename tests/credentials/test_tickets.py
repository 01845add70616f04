# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets from a real KDC, and every failure that it or kinit has."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import kinit
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import tickets as tickets_module
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.tickets import TicketRequest, Tickets
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from servers.kerberos import Kerberos, serve

PASSWORD = "canary pässword"


@pytest.fixture
def tickets(folder: Path) -> Iterator[Tickets]:
    tickets = Tickets(str(folder))
    yield tickets
    tickets.close()


@pytest.fixture
def request_of(kerberos: Kerberos) -> Callable[..., TicketRequest]:
    return lambda principal, **proof: TicketRequest(principal, str(kerberos.config), **proof)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that our own clock is ahead of the machine's."""
    ahead, now = [0.0], tickets_module.time.time
    monkeypatch.setattr(tickets_module.time, "time", lambda: now() + ahead[0])
    return ahead


def holder(cache: str) -> str:
    """Return whose ticket is in a cache."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(["klist", "-c", cache], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.partition("Default principal: ")[2].splitlines()[0]


def code_of(tickets: Tickets, request: TicketRequest) -> str:
    with pytest.raises(ScopedSecretsError) as caught:
        tickets.cache(request)
    shown = f"{caught.value} {caught.value.to_dict()} {caught.value!r} {request!r}"
    assert "canary" not in shown
    assert "{" not in caught.value.message + caught.value.hint
    return caught.value.code


def test_each_proof_gets_a_ticket(
    kerberos: Kerberos, tickets: Tickets, folder: Path, request_of: Callable[..., TicketRequest]
) -> None:
    by_password = kerberos.add("by_password", PASSWORD)
    by_keytab = kerberos.add("by_keytab")
    keytab = kerberos.keytab(by_keytab)
    (folder / "own keytab").write_bytes(keytab)
    requests = [
        request_of(by_password, password=PASSWORD),
        request_of(by_keytab, keytab=keytab),
        request_of(by_keytab, keytab_path=str(folder / "own keytab")),
    ]
    caches = [tickets.cache(request) for request in requests]
    assert [holder(cache) for cache in caches] == [by_password, by_keytab, by_keytab]
    assert len(set(caches)) == 3
    files = [Path(cache.removeprefix("FILE:")) for cache in caches]
    assert {file.parent for file in files} == {folder}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    tickets.close()
    assert [file.name for file in folder.iterdir()] == ["own keytab"]


def test_one_request_for_all_who_ask(
    kerberos: Kerberos, tickets: Tickets, folder: Path, request_of: Callable[..., TicketRequest]
) -> None:
    principal = kerberos.add("wanted", "secret")
    with ThreadPoolExecutor(16) as threads:
        caches = set(threads.map(lambda _n: tickets.cache(request_of(principal, password="secret")), range(64)))
    assert len(caches) == kerberos.issued(principal) == 1
    assert len(list(folder.iterdir())) == 1


def test_it_is_renewed_in_its_place_when_half_of_its_life_is_over(
    kerberos: Kerberos, tickets: Tickets, clock: list[float], request_of: Callable[..., TicketRequest]
) -> None:
    request = request_of(kerberos.add("brief", "secret", '-maxlife "20 minutes"'), password="secret")
    cache = tickets.cache(request)
    clock[0] = 8 * 60
    assert (tickets.cache(request), kerberos.issued(request.principal)) == (cache, 1)
    clock[0] = 11 * 60
    assert (tickets.cache(request), kerberos.issued(request.principal)) == (cache, 2)
    assert holder(cache) == request.principal


def test_one_that_is_valid_does_while_the_kdc_is_down(
    kerberos: Kerberos,
    tickets: Tickets,
    clock: list[float],
    request_of: Callable[..., TicketRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetches, fetch = [], tickets_module.fetch
    monkeypatch.setattr(tickets_module, "fetch", lambda *which: (fetches.append(which), fetch(*which)))
    request = request_of(kerberos.add("lasting", "secret", '-maxlife "20 minutes"'), password="secret")
    cache = tickets.cache(request)
    with kerberos.down():
        clock[0] = 12 * 60
        assert (tickets.cache(request), tickets.cache(request), holder(cache)) == (cache, cache, request.principal)
        assert len(fetches) == 2
        clock[0] = 25 * 60
        assert code_of(tickets, request) == "kdc_unreachable"
    assert holder(tickets.cache(request)) == request.principal
    assert kerberos.issued(request.principal) == 2


def test_who_is_refused_is_asked_for_once(
    kerberos: Kerberos, tickets: Tickets, folder: Path, request_of: Callable[..., TicketRequest]
) -> None:
    principal = kerberos.add("refused", "secret")
    codes = [code_of(tickets, request_of(principal, password="canary wrong")) for _number in range(3)]
    assert codes == ["principal_refused"] * 3
    assert (kerberos.asked(principal), kerberos.issued(principal)) == (2, 0)  # The first tells what is to be proved.
    assert holder(tickets.cache(request_of(principal, password="secret"))) == principal
    assert len(list(folder.iterdir())) == 1


def test_what_the_kdc_says_of_a_principal(
    kerberos: Kerberos, tickets: Tickets, request_of: Callable[..., TicketRequest]
) -> None:
    states = {"-pwexpire 2001-01-01": "principal_expired", "+needchange": "principal_expired"}
    states |= {"-allow_tix": "principal_locked", "-expire 2001-01-01": "principal_locked"}
    for number, (options, code) in enumerate(states.items()):
        principal = kerberos.add(f"state{number}", "canary", options)
        assert (code_of(tickets, request_of(principal, password="canary")), options) == (code, options)
    nobody = f"nobody@{kerberos.realm}"
    assert code_of(tickets, request_of(nobody, password="canary")) == "unknown_principal"
    assert code_of(tickets, request_of("nobody@OTHER.TEST", password="canary")) == "unknown_realm"
    assert code_of(tickets, request_of("-V", password="canary")) == "unknown_principal"


def test_what_is_wrong_with_a_keytab(
    kerberos: Kerberos, tickets: Tickets, folder: Path, request_of: Callable[..., TicketRequest]
) -> None:
    principal, other = kerberos.add("mine"), kerberos.add("theirs")
    (folder / "text").write_text("canary: no keytab at all", encoding="utf-8")
    theirs, mine = kerberos.keytab(other), kerberos.keytab(principal)
    assert code_of(tickets, request_of(principal, keytab=theirs)) == "not_in_keytab"
    for proof in ({"keytab": b"canary"}, {"keytab_path": str(folder / "text")}, {"keytab_path": f"{folder}/none"}):
        assert code_of(tickets, request_of(principal, **proof)) == "unreadable_keytab"
    assert code_of(tickets, request_of(principal, keytab_path=str(folder))) == "unreadable_keytab"
    kerberos.change_key(principal)
    assert code_of(tickets, request_of(principal, keytab=mine)) == "principal_refused"


def test_a_configuration_that_is_none(kerberos: Kerberos, tickets: Tickets, folder: Path) -> None:
    principal = kerberos.add("configured", "canary")
    (folder / "krb5.conf").write_text("[libdefaults\n default_realm", encoding="utf-8")
    request = TicketRequest(principal, str(folder / "krb5.conf"), password="canary")
    assert code_of(tickets, request) == "unreadable_krb5_config"
    missing = TicketRequest(principal, str(folder / "none"), password="canary")
    assert code_of(tickets, missing) == "unknown_realm"


def test_a_clock_that_is_wrong(tmp_path: Path, tickets: Tickets) -> None:
    with serve(tmp_path, ahead="1h") as kerberos:
        principal = kerberos.add("late", "canary")
        request = TicketRequest(principal, str(kerberos.config), password="canary")
        assert code_of(tickets, request) == "clock_skew"


def test_a_password_of_two_lines(tickets: Tickets) -> None:
    assert code_of(tickets, TicketRequest("a@B", password="canary\nsecond")) == "password_of_lines"


def test_where_there_are_no_files_in_memory(tickets: Tickets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert code_of(tickets, TicketRequest("a@B", keytab=b"canary")) == "keytab_needs_file"


@pytest.mark.parametrize("missing", ["kinit", "klist"])
def test_a_program_that_is_missing(
    missing: str, kerberos: Kerberos, tickets: Tickets, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    principal, found = kerberos.add(f"without_{missing}", "canary"), shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else found(name))
    request = TicketRequest(principal, str(kerberos.config), password="canary")
    assert code_of(tickets, request) == "missing_program"
    assert list(folder.iterdir()) == []


def test_a_list_that_nobody_understands(
    kerberos: Kerberos, tickets: Tickets, request_of: Callable[..., TicketRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinit, "_TIMES", ("%d. %m. %Y",))
    request = request_of(kerberos.add("unlisted", "canary"), password="canary")
    assert code_of(tickets, request) == "ticket_unreadable"


def test_a_reason_that_we_do_not_know() -> None:
    said = "Password for a@B: \nkinit: KDC policy rejects request while getting initial credentials\n"
    error = kinit.failure_of(TicketRequest("a@B"), said)
    assert (error.code, error.message) == (
        "ticket_failed",
        "kinit can't get a ticket for 'a@B': KDC policy rejects request.",
    )
