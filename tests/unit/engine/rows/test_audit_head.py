# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The head of an audit chain is signed with all that decides. Chains: engine/audit."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.audit_head import (
    first_head,
    is_signed,
    signed,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.entities import Scope
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath

KEY = ScopeKey("id", 7, bytes(range(32)))
SCOPE = Scope("id", ScopePath("payments"), "parent", "name")


def test_a_new_chain_begins_before_its_first_record() -> None:
    head = first_head(SCOPE, KEY)
    assert head[:5] == ("id", "account/payments", 0, 7, bytes(32))
    assert (head.begin, head.verified, head.verified_link) == ((0, bytes(32)), 0, bytes(32))
    assert head.tag == KEY.audit_mac("head", "id", *(0, bytes(32)) * 3)
    assert is_signed(head, KEY)


CHANGES: list[dict[str, Any]] = [
    {"scope_id": "x"},
    {"sequence": 4},
    {"link": b"x"},
    {"tag": b"x"},
    {"closed_by": "x"},
    {"archived": 2},
    {"archived_link": b"x"},
    {"verified": 4},
    {"verified_link": b"x"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_an_edited_head_is_not_signed(change: dict[str, Any]) -> None:
    head = signed(first_head(SCOPE, KEY)._replace(sequence=3, link=b"link"), KEY)
    assert is_signed(head, KEY)
    assert not is_signed(head._replace(**change), KEY)
    assert not is_signed(head, ScopeKey("id", 7, bytes(32)))
