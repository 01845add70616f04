# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in manager: envelopes under a generation of the scope's key."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.context import Context
from ansible_collections.scoped.secrets.plugins.module_utils.crypto.scopekey import ScopeKey
from ansible_collections.scoped.secrets.plugins.module_utils.managers.builtin import NAME, keep, read
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Damaged
from ansible_collections.scoped.secrets.plugins.module_utils.model.identifiers import BUILTIN

PLACE = Context("store", "account", "scope", "secret", "text", "value", 1)


@pytest.mark.parametrize("value", [b"", b"a value", b"\0" * 100_000])
def test_what_is_kept_can_be_read(value: bytes) -> None:
    key = ScopeKey.generate("scope", 3)
    envelope = keep(value, PLACE, key)
    assert read(envelope, PLACE, key) == value
    assert b"a value" not in envelope


def test_another_generation_is_refused_even_with_the_same_key() -> None:
    key = ScopeKey.generate("scope", 1)
    envelope = keep(b"v", PLACE, key)
    with pytest.raises(Damaged) as caught:
        read(envelope, PLACE, ScopeKey("scope", 2, key.export()))
    assert caught.value.code == "damaged_value"


def test_its_name_is_the_reserved_word() -> None:
    assert NAME == BUILTIN == "builtin"
