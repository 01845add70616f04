# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What declarations of all kinds of secrets share: name, description, tags, expiry and users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model.entities import Secret, SecretUser
from ...model.errors import Conflict
from ...model.identifiers import check_name, check_tags
from ...model.messages import View
from ...model.moments import in_utc
from ..changes.resource import pick

__all__ = ["broken_users", "check_kind", "wanted_fields", "with_fields"]


def wanted_fields(params: View) -> View:
    """Return the common fields that the user gave, in their stored form; raise InvalidInput."""
    wanted = pick(params, "name", "description", "tags", "expires")
    if "name" in wanted:
        check_name(wanted["name"])
    if "tags" in wanted:
        wanted["tags"] = check_tags(wanted["tags"])
    if "expires" in wanted:
        wanted["expires"] = in_utc(wanted["expires"], "expires") if wanted["expires"] else ""
    return wanted


def with_fields(secret: Secret, fields: Mapping[str, Any]) -> Secret:
    """Return the secret with the fields that a plan changes."""
    changes = pick(fields, "name", "description", "tags")
    if "expires" in fields:
        changes["expires_at"] = fields["expires"]
    if "reference_to" in fields:
        path, key, version = fields["reference_to"]
        changes |= {"path": path, "reference_key": key, "options": {"version": version} if version else {}}
    return secret._replace(**changes)


def check_kind(secret: Secret, kind: str, what: str) -> None:
    """Raise Conflict if a secret exists as another kind than it is declared as."""
    if secret.kind != kind:
        raise Conflict(
            "other_kind",
            f"The {what} exists as a {secret.kind} secret, not as a {kind} secret.",
            hint=f"Use scoped.secrets.secret_{secret.kind} for it, choose another identifier, or remove it first.",
        )


def broken_users(users: Sequence[SecretUser], what: str, *, is_forced: bool) -> list[str]:
    """Return a warning for removing a secret that is in use; raise Conflict unless that is forced."""
    names = ", ".join(map(str, users))
    if names and not is_forced:
        raise Conflict(
            "secret_in_use",
            f"The {what} is used by {names}.",
            hint="Change or remove what uses it first, or set 'force: true'.",
            details={"used_by": [str(user) for user in users]},
        )
    return [f"The {what} was removed although it is used by {names}."] if names else []
