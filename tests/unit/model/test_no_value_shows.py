# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No value, credential or key shows when an object is printed, for example in a traceback with its locals."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins import module_utils
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.kinit import TicketRequest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.changes.intents import ValueAtProvider
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.value_placement import Placement
from ansible_collections.scoped.secrets.plugins.module_utils.engine.rows.signed_rows import NewValue
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.connector_options import WantedOptions
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.connectors import PreparedConnector
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secrets import PreparedSecret
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Found
from ansible_collections.scoped.secrets.plugins.module_utils.managers.http import Reply
from ansible_collections.scoped.secrets.plugins.module_utils.masking.escapes import Gap
from ansible_collections.scoped.secrets.plugins.module_utils.masking.spellings import Spelling
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request
from ansible_collections.scoped.secrets.plugins.module_utils.model.queries import Answer
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

# Fields that may show: encrypted, keyed or random, or hashes of such.
HARMLESS = {
    "archived_link",
    "audit_link",
    "children_root",
    "public_key",
    "under_active",
    "body",
    "bound",
    "commitment",
    "connectors_digest",
    "digest",
    "envelope",
    "fingerprint",
    "history",
    "keys_digest",
    "link",
    "link_before",
    "mac",
    "nonce",
    "root",
    "salt",
    "secrets_root",
    "shares_digest",
    "tag",
    "verified_link",
    "version_digest",
    "wrapped",
}
SECRET_NAMES = {"content", "credentials", "inline", "observed", "params", "passphrase", "root_key", "token", "value"}
PREPARED = PreparedSecret("id", b"canary", Placement("p", "1", b"canary"))
HOLDERS = [
    Answer("text", b"canary"),
    ValueAtProvider(b"canary", "1"),
    Found(b"canary", "1"),
    NewValue(b"canary"),
    Reply(200, {"X-Echo": "canary"}, b"canary"),
    Gap("canary", False, b"canary"),
    Spelling(b"canary"),
    Placement("p", "1", b"canary"),
    PREPARED,
    PreparedConnector("id", credentials={"token": PREPARED}),
    Request("secret_text", {"identifier": "a", "value": b"canary", "token": "canary"}),
    TicketRequest("admin@EXAMPLE", keytab=b"canary", password="canary"),
    Settings("postgresql://user:canary@host/db", "file", root_key="canary", passphrase="canary", scope_key="canary"),
    WantedOptions({"token_ref": "a"}, {"token": "canary"}, ("token",)),
]


def classes() -> Iterator[type[Any]]:
    for module in pkgutil.walk_packages(module_utils.__path__, f"{module_utils.__name__}."):
        for found in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(found) and found.__module__ == module.name:
                yield found


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_no_value_shows(holder: object) -> None:
    assert "canary" not in repr(holder) + str(holder) + repr([holder])


def test_dataclasses_hide_fields_that_may_hold_a_value() -> None:
    """Hide a new field of bytes from the repr, or list it as harmless above."""
    shown = [
        f"{kind.__module__}.{kind.__name__}.{field.name}"
        for kind in classes()
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
        if field.repr and ("bytes" in str(field.type) or field.name in SECRET_NAMES) and field.name not in HARMLESS
    ]
    # The items of these fields hide their own values.
    things = "engine.things.connectors"
    allowed = {f"{things}.PreparedConnector.credentials", f"{things}.ConnectorState.credentials"}
    assert {name.removeprefix(f"{module_utils.__name__}.") for name in shown} == allowed


def may_hold_a_value(kind: type[Any], name: str) -> bool:
    type_name = kind.__annotations__[name].__forward_arg__
    return name in SECRET_NAMES or (type_name.startswith("bytes") and name not in HARMLESS)


def test_tuples_that_may_hold_a_value_define_their_own_repr() -> None:
    """Hide a new field of bytes from the repr, or list it as harmless above."""
    tuples = [kind for kind in classes() if issubclass(kind, tuple) and hasattr(kind, "_fields")]
    holders = [kind for kind in tuples if any(may_hold_a_value(kind, name) for name in kind._fields)]
    known = {
        "Answer",
        "Found",
        "Gap",
        "NewValue",
        "Reply",
        "Settings",
        "Spelling",
        "TicketRequest",
        "ValueAtProvider",
    }
    assert {kind.__name__ for kind in holders} == known
    assert {kind.__name__ for kind in holders} <= {type(holder).__name__ for holder in HOLDERS}
