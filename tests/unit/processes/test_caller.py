# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs ansible-playbook: all its workers give the same answer."""

from __future__ import annotations

import getpass
import multiprocessing
import pwd
import socket

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.processes.caller import passed_on, this_caller
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import as_user, needs_root


def test_worker_belongs_to_the_run_of_its_parent() -> None:
    caller = this_caller()
    assert (caller.user, caller.host) == (getpass.getuser(), socket.gethostname())
    assert len(caller.run) == 16
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        assert pool.apply(this_caller) == caller


def test_job_comes_from_awx(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOB_ID", "AWX_JOB_ID", "TOWER_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    assert this_caller().job == ""
    monkeypatch.setenv("JOB_ID", "7")
    assert this_caller().job == "7"
    monkeypatch.setenv("AWX_JOB_ID", "8\n")
    assert this_caller().job == "8?"


def test_module_on_another_host_reports_the_same_run_and_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWX_JOB_ID", "7")
    given = passed_on()
    caller = this_caller()
    monkeypatch.setenv("AWX_JOB_ID", "")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert this_caller() == caller
    for run, is_taken in (("0123456789abcdef", True), ("no run", False), ("", False)):
        monkeypatch.setenv("SCOPED_SECRETS_RUN", run)
        assert (this_caller().run == run) == is_taken


@needs_root
def test_user_without_an_account_is_a_number() -> None:
    with pytest.raises(KeyError):
        pwd.getpwuid(54321)
    assert as_user(54321, this_caller).user == "54321"
