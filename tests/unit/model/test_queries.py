# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries and answers."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer, Query


def test_query_defaults_to_the_account_and_the_current_version() -> None:
    assert Query("a") == Query("a", org="", project="", version="", key="", cache_ttl=None)


def test_answer_has_a_value_or_an_error() -> None:
    error = ScopedSecretsError("c", "m", hint="h")
    assert (Answer(error=error).value, Answer(error=error).error) == (b"", error)
    assert Answer("text", b"").error is None
