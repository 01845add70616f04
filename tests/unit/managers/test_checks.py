# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check is to prove, and what is said of a proof."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import (
    PROBE,
    AccessProof,
    is_denied,
    not_proved,
    probe_name,
    right_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, ScopedSecretsError


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("", [True, "true", "True", "yes", "on", "1", 1, 1.0, "y", "t", " YES "]),
        (None, [False, "false", "no", "off", "0", 0, 0.0, "n", "f"]),
        ("read", ["read", "READ"]),
        ("write", ["write", " write"]),
    ],
)
def test_the_option_is_a_boolean_or_a_right(expected: str | None, given: list[object]) -> None:
    assert [right_of(one) for one in given] == [expected] * len(given)


@pytest.mark.parametrize("given", [None, "", "delete", 2, [], {"read": True}])
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        right_of(given)
    assert (caught.value.code, "'check'" in caught.value.message) == ("invalid_option", True)


def test_a_right_is_proved_or_not_or_not_known_yet() -> None:
    assert not AccessProof().has_writing
    assert not AccessProof(write=not_proved("it can't be")).has_writing
    assert AccessProof(write="wrote 'x'").has_writing


def test_an_error_leaves_what_was_proved_before_it() -> None:
    proof, none = AccessProof(read="read 'x'"), AccessProof()
    for one in (proof, none):
        one.end(failures.denied("it", "write"))
    assert proof.view == {"read": "read 'x'", "write": "not proved: it may not write."}
    assert none.view == dict.fromkeys(("read", "write"), "not proved: it may not write.")


def test_the_secret_of_a_check_has_one_name_for_each_connector() -> None:
    names = [probe_name(what) for what in ("connector 'a' of org 'x'", "connector 'a' of org 'y'")]
    assert names == [probe_name(what) for what in ("connector 'a' of org 'x'", "connector 'a' of org 'y'")]
    assert len({*names}) == 2
    assert all(name.startswith(f"{PROBE}-") for name in names)


def test_only_a_right_that_is_missing_is_a_denial() -> None:
    def fail(error: ScopedSecretsError) -> None:
        raise error

    assert not is_denied(lambda: None)
    assert is_denied(lambda: fail(failures.denied("it", "write")))
    for error in (failures.login_expired("it"), failures.unavailable("it", "down")):
        with pytest.raises(type(error)):
            is_denied(lambda error=error: fail(error))  # type: ignore[misc]
