# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and results are plain data that can be sent to another process."""

from __future__ import annotations

import pickle

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result


@pytest.mark.parametrize(
    "message",
    [
        Request("secret_text", {"identifier": "a", "value": b"\0", "tags": {"a": "b"}}, True),
        Result(True, {"secret": None}, {"a": 1}, {"b": 2}, ["careful"]),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_can_be_pickled(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


def test_results_share_no_state() -> None:
    first, second = Result(), Result()
    first.warnings.append("x")
    first.returned["secret"] = {}
    first.before["a"] = first.after["a"] = 1
    assert second == Result(False, {}, {}, {}, [])
