# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of keys share."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials import openssh_form


@pytest.fixture
def quick_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypt keys with one round; the tests of OpenSSH's container cover the real number."""
    monkeypatch.setattr(openssh_form, "_ROUNDS", 1)
