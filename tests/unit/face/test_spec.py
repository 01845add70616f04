# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Spec: a module's own options and the shared ones."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.face.options import COMMON_SPEC
from ansible_collections.scoped.secrets.plugins.module_utils.face.spec import (
    DESCRIPTION_SPEC,
    SECRET_SPEC,
    STATE_SPEC,
    Spec,
)


def test_the_argument_spec_has_shared_and_own_options() -> None:
    spec = Spec("thing", {"colour": {"type": "str"}})
    assert spec.argument_spec == {**COMMON_SPEC, "colour": {"type": "str"}}
    assert Spec("thing").argument_spec == COMMON_SPEC


def test_changing_one_spec_leaves_others_alone() -> None:
    first, second = Spec("a"), Spec("b")
    first.argument_spec["x"] = {}
    first.options["y"] = {}
    first.mutually_exclusive.append(["a", "b"])
    assert second.argument_spec == COMMON_SPEC
    assert second.mutually_exclusive == []


def test_the_groups_do_not_overlap() -> None:
    groups = [set(group) for group in (COMMON_SPEC, DESCRIPTION_SPEC, SECRET_SPEC, STATE_SPEC)]
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_no_default_would_overwrite_a_stored_value() -> None:
    shared = {**COMMON_SPEC, **DESCRIPTION_SPEC, **SECRET_SPEC, **STATE_SPEC}
    defaults = {name: option["default"] for name, option in shared.items() if "default" in option}
    assert defaults == {
        "update_value": "always",
        "adopt": False,
        "drop_fields": False,
        "state": "present",
        "force": False,
    }
