# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor tells whether output is masked, and what to do if it is not."""

from __future__ import annotations

import pytest
from ansible import constants as C
from ansible_collections.scoped.secrets.plugins.module_utils.masking.revealing import reveal_to
from ansible_collections.scoped.secrets.plugins.plugin_utils.doctor import MASK, _check_masking


@pytest.mark.parametrize(
    ("enabled", "is_loaded", "verdict", "advice"),
    [
        ([MASK], True, "ok", ""),
        ([MASK], False, "warning", "Set bin_ansible_callbacks = true in section"),
        ([], False, "warning", "Set callbacks_enabled = scoped.secrets.mask"),
    ],
)
def test_what_it_says_of_masking(
    monkeypatch: pytest.MonkeyPatch, enabled: list[str], is_loaded: bool, verdict: str, advice: str
) -> None:
    monkeypatch.setattr(C, "CALLBACKS_ENABLED", enabled, raising=False)
    reveal_to((lambda _kind, _value: None) if is_loaded else None)
    try:
        check = _check_masking()
    finally:
        reveal_to(None)
    assert check["verdict"] == verdict
    assert check["hint"].startswith(advice)
    assert bool(check["hint"]) == bool(advice)
