# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the secrets of several scopes at one value keeper. No two secrets of a connector have the same name."""

from __future__ import annotations

import difflib
import re

from . import failures
from .base import ArgumentSpec

__all__ = ["PATH_TEMPLATE", "check_template", "names_of"]

PATH_TEMPLATE: ArgumentSpec = {"path_template": {"type": "str"}}
"""The option of value keepers that scopes below that of a connector can write to."""

_FIELDS = ("org", "project", "identifier")
_STANDARD = "{org}/{project}/{identifier}"
_FIELD = re.compile(r"\{([^{}]*)\}")
_TEXT = re.compile(r"[A-Za-z0-9_-]*")
_START = re.compile(r"[A-Za-z_{]")


def check_template(template: str, varying: set[str]) -> None:
    """Raise InvalidInput for a template that could give two secrets the same name.

    `varying` are the fields, among `org` and `project`, that differ between the scopes that can use the connector. Each
    field stands in a part of its own, so that a part is left out where its field is empty.
    """
    if not template:
        return
    named = _FIELD.findall(template)
    unknown = next((name for name in named if name not in _FIELDS), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, _FIELDS, 1)
        meant = f" Did you mean '{{{near[0]}}}'?" if near else ""
        raise _refused(f"names '{{{unknown[:40]}}}', which does not exist", f"Use {_listed(_FIELDS)}.{meant}")
    missing = [name for name in _FIELDS if name in varying | {"identifier"} and name not in named]
    if missing:
        raise _refused(
            f"lacks {_listed(missing)}", "Without it, secrets of several scopes would have the same name. Add it."
        )
    if len(set(named)) < len(named):
        raise _refused("names a field twice", "Name each field once.")
    for part in template.split("/"):
        is_text = _START.match(part) and _TEXT.fullmatch(_FIELD.sub("", part))
        if not is_text or len(_FIELD.findall(part)) > 1:
            raise _refused(
                f"has the part '{part[:40]}'",
                "Separate parts with '/'. Each has one field at most, and besides that letters, digits, _ and -, but "
                "no digit or - in front.",
            )


def names_of(template: str, identifier: str, org: str, project: str, *, is_own: bool) -> list[str]:
    """Return the name of a secret as `path_of` takes it.

    `org` and `project` are those of the secret, empty above its level. `is_own`: it belongs to the connector's scope.
    Without a template, the secrets of that scope have just their identifiers for names.
    """
    values = {"identifier": identifier, "org": org, "project": project}
    if is_own and not template:
        return [identifier]
    parts = (template or _STANDARD).split("/")
    return [_FIELD.sub(lambda found: values[found[1]], part) for part in parts if _has_value(part, values)]


def _has_value(part: str, values: dict[str, str]) -> bool:
    return all(values[name] for name in _FIELD.findall(part))


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"'{{{name}}}'" for name in names)


def _refused(why: str, rule: str) -> Exception:
    return failures.invalid_option("path_template", why, rule)
