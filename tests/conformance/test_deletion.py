# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is removed is gone, here and at the provider, and may come back."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability

from conformance.choosing import managers, proves
from conformance.subject import Subject


@managers(able=Capability.DELETE)
@proves("delete")
def test_it_is_gone_and_may_be_removed_again(subject: Subject) -> None:
    subject.keep("a", "one")
    subject.keep("a", "two")
    assert subject.drop("a").changed
    assert subject.provider.present() == set()
    assert subject.work.rows("secret_version") == subject.work.rows("secret")
    assert subject.refused_read("a").code == "unknown_secret"
    subject.provider.forget_requests()
    assert not subject.drop("a").changed
    assert list(subject.provider.requests) == []


@managers(able=Capability.DELETE)
def test_it_comes_back(subject: Subject) -> None:
    for value in ("one", "two", "three"):
        created = subject.keep("a", value)
        assert (created.changed, created.returned["secret"]["version"]) == (True, 1)
        assert subject.read("a") == value.encode()
        if Capability.VERSIONS in subject.provider.able():
            assert subject.read("a@1") == value.encode()
        subject.drop("a")


@managers(able=Capability.DELETE, keeps_values=True)
@pytest.mark.parametrize("is_for_good", [False, True])
def test_what_others_removed_is_removed(subject: Subject, is_for_good: bool) -> None:
    subject.keep("a", "value")
    (subject.provider.remove if is_for_good else subject.provider.retire)(subject.provider.path("a"))
    assert subject.drop("a").changed
    assert "a" not in subject.names()


@managers(able=Capability.DELETE)
def test_only_the_named_one_goes(subject: Subject) -> None:
    for name in ("a", "ab", "A"):
        subject.keep(name, name)
    subject.drop("a")
    assert [subject.read("ab"), subject.read("A")] == [b"ab", b"A"]


@managers(able=Capability.WRITE, unable=Capability.DELETE)
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_can_not_be_deleted_is_forgotten_by_force_only(subject: Subject, check_mode: bool) -> None:
    path = subject.provider.path("a")
    subject.keep("a", "value")
    subject.provider.forget_requests()
    error = subject.work.refused(lambda: subject.drop("a", force=False, check_mode=check_mode))
    assert (error.code, "force: true" in error.hint) == ("not_supported", True)
    assert list(subject.provider.requests) == []
    (warning,) = subject.drop("a", force=True).warnings
    assert path in warning
    assert (subject.provider.value_at(path), subject.names()) == (b"value", [f"subject_{subject.provider.CREDENTIAL}"])
