# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Spec: the options of a module and those that every module has."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.face.options import COMMON_SPEC
from ansible_collections.scoped.secrets.plugins.module_utils.face.spec import (
    DESCRIPTION_SPEC,
    SECRET_SPEC,
    STATE_SPEC,
    Spec,
)


def test_the_argument_spec_has_the_common_options_and_ones_own() -> None:
    spec = Spec("thing", {"colour": {"type": "str"}})
    assert spec.argument_spec == {**COMMON_SPEC, "colour": {"type": "str"}}
    assert Spec("thing").argument_spec == COMMON_SPEC


def test_specs_share_nothing_that_one_may_change() -> None:
    first, second = Spec("a"), Spec("b")
    first.argument_spec["x"] = {}
    first.options["y"] = {}
    first.mutually_exclusive.append(["a", "b"])
    assert second.argument_spec == COMMON_SPEC
    assert second.mutually_exclusive == []


def test_the_groups_do_not_overlap() -> None:
    groups = [set(group) for group in (COMMON_SPEC, DESCRIPTION_SPEC, SECRET_SPEC, STATE_SPEC)]
    assert len(set.union(*groups)) == sum(map(len, groups))


def test_what_is_left_out_has_no_default_that_would_overwrite() -> None:
    shared = {**COMMON_SPEC, **DESCRIPTION_SPEC, **SECRET_SPEC, **STATE_SPEC}
    defaults = {name: option["default"] for name, option in shared.items() if "default" in option}
    assert defaults == {"update_value": "always", "adopt": False, "state": "present", "force": False}
