# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that people write: identifiers, references, keys of JSON values, URLs, times, root keys."""

from __future__ import annotations

import base64
import json

from ansible_collections.scoped.secrets.plugins.module_utils.crypto.rootkey import from_base64
from ansible_collections.scoped.secrets.plugins.module_utils.engine.things.secret_fields import wanted_fields
from ansible_collections.scoped.secrets.plugins.module_utils.managers.http import tls_context
from ansible_collections.scoped.secrets.plugins.module_utils.managers.network import check_url
from ansible_collections.scoped.secrets.plugins.module_utils.model.identifiers import (
    check_identifier,
    check_name,
    check_tags,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.references import SCHEMES, Reference, select_key
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import ScopePath
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from fuzz.target import Target, text_of

_REFERENCES = (
    "name",
    "org.name@3#key",
    "account.name#/a/0/b~1c",
    *(f"account.{scheme}://connector/a/b#key" for scheme in SCHEMES),
    "cyberark://connector/Safe=a;Object=b",
    "azurevault://connector/name/version",
    "hashicorpvault://connector/me%40example.com/%23%25@3#key",
    "awssecretsmanager://connector/a@b@AWSPREVIOUS",
)


def _reference(data: bytes) -> None:
    """What was parsed is written as something that is parsed to the same."""
    reference = Reference.parse(text_of(data))
    if Reference.parse(str(reference)) != reference:
        raise AssertionError(f"{reference!r} reads back as something else")


def _identifier(data: bytes) -> None:
    text = text_of(data)
    for kind in ("secret", "connector", "organization", "project"):
        check_identifier(text, kind)
    check_name(text)
    check_tags({text: text})
    ScopePath(text, text)


def _key(data: bytes) -> None:
    value, _zero, key = text_of(data).partition("\0")
    if not isinstance(select_key(value, key, "The secret"), str):
        raise AssertionError("a field that is no text")


def _store_url(data: bytes) -> None:
    Location.parse(text_of(data))


def _server_url(data: bytes) -> None:
    check_url("the connector", "url", text_of(data), allow_plain_http=False)


def _time(data: bytes) -> None:
    wanted_fields({"expires": text_of(data)})


def _root_key(data: bytes) -> None:
    from_base64(text_of(data), "a test")


def _certificate(data: bytes) -> None:
    """PEM only: anything else is the path of a file, and a fuzzer has no business there."""
    text = "-----BEGIN " + text_of(data)
    tls_context(ca_cert=text)
    tls_context(validate_certs=False, client_cert=text)


def _certificates() -> list[bytes]:
    body = base64.encodebytes(bytes(range(256))).decode()
    return [f"CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode(), "# für alle\n".encode()]


TARGETS = (
    Target("reference", lambda: [text.encode() for text in _REFERENCES], _reference),
    Target("identifier", lambda: [b"name", b"_A$9", b"x" * 128], _identifier),
    Target("key", lambda: [b'{"a": [1, {"b/c": null}]}\0/a/1/b~1c', json.dumps(["é"]).encode() + b"\0/0"], _key),
    Target(
        "store_url",
        lambda: [b"sqlite:////srv/store.db", b"sqlite:///~/x", b"postgresql://u:p%40@h:5432,[::1]/d?sslmode=require"],
        _store_url,
    ),
    Target("server_url", lambda: [b"https://host:8200/a", b"http://[::1]:8200", b"http://127.0.0.1"], _server_url),
    Target("time", lambda: [b"2027-01-31", b"2027-01-31T18:00:00+02:00", b"0001-01-01T00:00:00+14:00"], _time),
    Target("root_key", lambda: [base64.b64encode(bytes(range(100, 132)))], _root_key),
    Target("certificate", _certificates, _certificate),
)
