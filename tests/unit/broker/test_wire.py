# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and results cross a process boundary unchanged."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.broker.protocol import ProtocolError
from ansible_collections.scoped.secrets.plugins.module_utils.broker.wire import (
    request_from_wire,
    request_to_wire,
    result_from_wire,
    result_to_wire,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result


def over_the_wire(request: Request) -> Request:
    return request_from_wire(json.loads(json.dumps(request_to_wire(request))))


@pytest.mark.parametrize("value", [b"", b"text", bytes(range(256)), None])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_request_arrives_as_it_was(value: bytes | None, check_mode: bool) -> None:
    params: dict[str, Any] = {
        "identifier": "ü\ud800",
        "force": False,
        "length": 3,
        "tags": {"a": "b"},
        "list": [1, "2"],
    }
    if value is not None:
        params["value"] = value
    request = Request("secret_text", params, check_mode)
    assert over_the_wire(request) == request
    manifest = Request("manifest", {"on_error": "stop"}, check_mode, (request, Request("scope", {}, check_mode)))
    assert over_the_wire(manifest) == manifest


def test_values_unknown_to_json_arrive_as_text() -> None:
    params = {"expires": datetime.date(2030, 1, 2), "tags": {1: {True: (None, 1.5)}}}
    arrived = over_the_wire(Request("secret_text", params)).params
    assert arrived == {"expires": "2030-01-02", "tags": {"1": {"True": [None, 1.5]}}}


def test_a_result_arrives_as_it_was() -> None:
    result = Result(True, {"secret": {"identifier": "a", "tags": {}, "version": 1}}, {"a": 1}, {"a": 2}, ["careful"])
    assert result_from_wire(json.loads(json.dumps(result_to_wire(result)))) == result


@pytest.mark.parametrize("items", [None, {"resource": "scope"}, "scope", 7])
def test_items_that_are_no_list_are_refused(items: Any) -> None:
    message = {**json.loads(json.dumps(request_to_wire(Request("manifest", {})))), "items": items}
    with pytest.raises(ProtocolError):
        request_from_wire(message)
