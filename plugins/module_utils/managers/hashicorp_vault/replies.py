# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates answers of Vault and OpenBao into our errors. Their texts never go into a message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...model.errors import Conflict, NotFound, ScopedSecretsError, Unavailable
from .. import failures
from ..http import Reply

__all__ = [
    "content_of",
    "deleted_version",
    "engine_is_not_kv",
    "errors_in",
    "is_lost_race",
    "is_unknown_mount",
    "kv_version_mismatch",
    "misplaced_mount",
    "not_a_mount",
    "refusal",
    "unknown_mount",
    "value_field_missing",
    "warns_of_version_2",
]


def content_of(what: str, reply: Reply, read: Callable[[bytes], Any] = json.loads) -> dict[str, Any]:
    """Return the JSON object of a reply. Raises malformed_reply."""
    try:
        content = read(reply.content)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise failures.malformed_reply(what, "it is not a JSON object, or it was truncated")
    return content


def errors_in(reply: Reply) -> str:
    """Return the errors of a reply in lower case. They may be searched but never shown."""
    return _texts(reply, "errors")


def is_lost_race(reply: Reply) -> bool:
    """Return whether check-and-set failed because the secret has another version by now."""
    return reply.status_code == 400 and "check-and-set" in errors_in(reply)


def is_unknown_mount(reply: Reply) -> bool:
    return reply.status_code == 404 and "no handler for route" in errors_in(reply)


def warns_of_version_2(reply: Reply) -> bool:
    """Return whether a version 2 engine got a version 1 request."""
    return reply.status_code == 404 and "versioned k/v" in _texts(reply, "warnings")


def _texts(reply: Reply, name: str) -> str:
    try:
        texts = reply.json()[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return " ".join(text.lower() for text in texts if isinstance(text, str)) if isinstance(texts, list) else ""


def refusal(what: str, doing: str, reply: Reply, needs: str = "") -> ScopedSecretsError:
    """Return the error for an unsuccessful reply. `needs` is the policy line that would allow the request."""
    status = reply.status_code
    if status == 503 and "sealed" in errors_in(reply):
        return _sealed(what)
    if status in (401, 403):
        return failures.denied(what, doing, needs)
    if status >= 500:
        return failures.unavailable(what, f"it answers with HTTP status {status}")
    if status == 400 and "upgrading from non-versioned" in errors_in(reply):
        return failures.unavailable(what, "its engine was just mounted and is not ready yet")
    if status == 400 and "relative paths" in errors_in(reply):
        return failures.name_not_allowed(what, doing.split("'")[1], "no part of the path may be '..'")
    return failures.request_refused(what, doing, f"HTTP status {status}")


def _sealed(what: str) -> Unavailable:
    return Unavailable(
        "vault_sealed",
        f"{what} is sealed.",
        hint="Ask its operators to unseal it.",
        retryable=True,
    )


def unknown_mount(what: str, engine: str) -> NotFound:
    return NotFound(
        "unknown_mount",
        f"{what} has no secrets engine mounted at '{engine}'.",
        hint="Set 'engine' and 'namespace' of the connector to an existing mount: vault secrets list",
    )


def deleted_version(what: str, path: str, mount: str, version: int, *, is_destroyed: bool) -> NotFound:
    if is_destroyed:
        return NotFound(
            "unknown_path",
            f"Version {version} of '{path}' was destroyed at {what}.",
            hint="Its value is lost. Declare the secret again.",
        )
    return NotFound(
        "unknown_path",
        f"Version {version} of '{path}' was deleted at {what}.",
        hint=f"Restore it with: vault kv undelete -mount={mount} -versions={version} {path}. Or declare it again.",
    )


def kv_version_mismatch(what: str, engine: str, expected: int, found: int) -> Conflict:
    return Conflict(
        "kv_version_mismatch",
        f"The engine '{engine}' of {what} is a version {found} key-value engine, not version {expected}.",
        hint=f"Set 'engine_version: {found}' or 'auto' on the connector.",
    )


def engine_is_not_kv(what: str, engine: str) -> Conflict:
    return Conflict(
        "not_a_kv_engine",
        f"The engine '{engine}' of {what} is not a key-value engine.",
        hint="Set 'engine' of the connector to the mount of a key-value engine: vault secrets list",
    )


def not_a_mount(what: str, engine: str, mount: str) -> Conflict:
    """Return the error for an engine that goes on after its mount, perhaps with the `data` of version 2's API."""
    rest = _below_api(engine.removeprefix(f"{mount}/"))
    base_path = f" and 'base_path: {rest}'" if rest else ""
    return Conflict(
        "not_a_mount",
        f"'{engine}' is not a mount of {what}: the engine is mounted at '{mount}'.",
        hint=f"Set 'engine: {mount}'{base_path} on the connector. 'data' and 'metadata' are never part of either.",
    )


def misplaced_mount(error: ScopedSecretsError, path: str, mount: str) -> ScopedSecretsError:
    """Return the error for a path, with another hint if the path begins with the mount, or as in version 2's API."""
    within = _below_api(path.removeprefix(f"{mount}/"))
    if within == path:
        return error
    hint = f"A path has neither the mount nor 'data/' before it: write '{within}'. {error.hint}"
    return type(error)(error.code, error.message, hint=hint)


def _below_api(path: str) -> str:
    for part in ("data", "metadata"):
        if path == part or path.startswith(f"{part}/"):
            return path.removeprefix(part).removeprefix("/")
    return path


def value_field_missing(what: str, fields: Mapping[str, Any]) -> NotFound:
    return NotFound(
        "value_field_missing",
        f"A secret of {what} no longer has a valid field 'value' or 'value_base64' (it has {len(fields)} fields).",
        hint="Someone changed it at the provider. Restore an older version there, declare the secret again with its "
        "value, or use 'reference: path#field' for secrets that others write.",
    )
