# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a module's request and result to JSON data and back."""

from __future__ import annotations

import base64
from dataclasses import asdict, replace
from typing import Any

from ..model.messages import Request, Result
from .protocol import ProtocolError

__all__ = ["request_from_wire", "request_to_wire", "result_from_wire", "result_to_wire"]


def request_to_wire(request: Request) -> dict[str, Any]:
    """Return a request as JSON data, with the value apart as base64 and all keys as strings."""
    params = {name: _plain(value) for name, value in request.params.items() if name != "value"}
    value = request.params.get("value")
    return {
        "resource": request.resource,
        "params": params,
        "value": None if value is None else base64.b64encode(value).decode(),
        "check_mode": request.check_mode,
        **({"items": [request_to_wire(item) for item in request.items]} if request.items else {}),
    }


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(item) for item in data]
    return data if data is None or isinstance(data, (str, int, float)) else str(data)


def request_from_wire(data: Any) -> Request:
    """Return the request that `request_to_wire` converted; raise ProtocolError for anything else."""
    request = _call(data)
    items = data.get("items", [])
    if not isinstance(items, list):
        raise ProtocolError("not a list of items")
    return replace(request, items=tuple(map(_call, items)))


def _call(data: Any) -> Request:
    match data:
        case {"resource": str(), "params": dict(), "value": str() | None, "check_mode": bool()}:
            pass
        case _:
            raise ProtocolError("not a request")
    params = dict(data["params"])
    if data["value"] is not None:
        params["value"] = _bytes(data["value"])
    return Request(data["resource"], params, data["check_mode"])


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ProtocolError("not valid base64") from None


def result_to_wire(result: Result) -> dict[str, Any]:
    return asdict(result)


def result_from_wire(data: dict[str, Any]) -> Result:
    return Result(**data)
