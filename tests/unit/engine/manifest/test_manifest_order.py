# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a manifest's items: each comes after what it needs, and nothing else matters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.manifest.order import (
    Thing,
    order_of,
    thing_of,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Conflict
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath

PAY: dict[str, Any] = {"org": "pay", "project": ""}
API = MappingProxyType({"org": "pay", "project": "api"})


def request(resource: str, scope: Mapping[str, Any] = API, **params: Any) -> Request:
    return Request(resource, {**scope, **params})


def secret(identifier: str, scope: Mapping[str, Any] = API, **params: Any) -> Request:
    return request("secret_text", scope, identifier=identifier, **params)


def vault(identifier: str, scope: Mapping[str, Any] = API, **params: Any) -> Request:
    return request("connector_memory_vault", scope, identifier=identifier, **params)


def before(*requests: Request) -> list[set[int]]:
    """Return for each request the indexes of those that come before it."""
    return list(order_of(requests, [thing_of(one) for one in requests]).values())


def test_what_a_request_declares() -> None:
    things = [thing_of(one) for one in (request("scope"), secret("a"), vault("a"), request("default_secret_manager"))]
    path = ScopePath("pay", "api")
    assert things == [
        Thing("scope", path),
        Thing("secret", path, "a"),
        Thing("connector", path, "a"),
        Thing("default", path),
    ]
    assert thing_of(request("secret_ssh", identifier="a")) == things[1]
    assert [str(thing) for thing in things] == [
        "project 'pay/api'",
        "secret 'a' of project 'pay/api'",
        "connector 'a' of project 'pay/api'",
        "the default secret manager of project 'pay/api'",
    ]


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ([secret("a"), secret("b")], [set(), set()]),
        ([request("scope"), request("scope", PAY), secret("a")], [{1}, set(), {0, 1}]),
        ([secret("a", secret_manager="v"), vault("v")], [{1}, set()]),
        ([secret("a", secret_manager="builtin"), vault("builtin")], [set(), set()]),
        ([secret("a", secret_manager="org.v"), vault("v"), vault("v", PAY)], [{2}, set(), set()]),
        ([vault("v", token_ref="t"), secret("t")], [{1}, set()]),
        ([vault("v", token_ref="org.t#key"), secret("t"), secret("t", PAY)], [{2}, set(), set()]),
        ([vault("v", token_ref="memory://w/a"), vault("w")], [{1}, set()]),
        ([vault("v", option_refs={"a": "t"}), secret("t")], [{1}, set()]),
        ([request("secret_ssh", identifier="h", private_key_ref="k"), secret("k")], [{1}, set()]),
        ([vault("v", token_ref="no reference!")], [set()]),
        ([request("default_secret_manager", secret_manager="v"), vault("v")], [{1}, set()]),
        # What is new goes to the default manager once there is one.
        ([secret("a"), secret("a", PAY), vault("v", use_as_default=True)], [{2}, set(), set()]),
        ([secret("a"), vault("v"), request("default_secret_manager", secret_manager="v")], [{2}, set(), {1}]),
        ([vault("w"), vault("v", use_as_default=True)], [{1}, set()]),
        # But what the default manager needs to log in was there before.
        ([secret("t"), vault("v", token_ref="t", use_as_default=True), secret("a")], [set(), {0}, {1}]),
        (
            [secret("t", secret_manager="w"), vault("v", token_ref="t", use_as_default=True), vault("w")],
            [{2}, {0}, set()],
        ),
    ],
)
def test_the_order_of_items(requests: list[Request], expected: list[set[int]]) -> None:
    assert before(*requests) == expected


def test_a_share_comes_after_its_secret_and_its_grantee() -> None:
    share = request("secret_share", {"org": "pay"}, identifier="a", to_project="api")
    assert thing_of(share) == Thing("share", ScopePath("pay"), "a/pay/api")
    assert before(share, secret("a", {"org": "pay"}), request("scope"), request("scope", {"org": "pay"})) == [
        {1, 2, 3},
        {3},
        {3},
        set(),
    ]


def test_items_that_need_each_other_are_refused_and_the_loop_is_shown() -> None:
    with pytest.raises(Conflict) as caught:
        before(vault("v", token_ref="t"), secret("t", secret_manager="v"))
    assert caught.value.code == "manifest_loop"
    v, t = "connector 'v' of project 'pay/api'", "secret 't' of project 'pay/api'"
    assert any(f"{one} needs {other} needs {one}" in caught.value.message for one, other in ((v, t), (t, v)))
