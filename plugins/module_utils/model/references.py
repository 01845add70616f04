# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References: how a secret is named in a lookup term, a `_ref` option or an expression.

[account.|org.]identifier[@version][#key]
[account.|org.]scheme://connector/path[#key]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import Forbidden, InvalidInput, NotFound
from .identifiers import check_identifier
from .scopes import Level, ScopePath

__all__ = [
    "EXPRESSION",
    "SCHEMES",
    "Reference",
    "credential_not_value",
    "references_among",
    "select_field",
    "select_key",
]

# URL scheme -> the kind of connector that answers it, and whether a version may end its path.
SCHEMES: dict[str, tuple[str, bool]] = {
    "hashicorpvault": ("hashicorp_vault", False),
    "awssecretsmanager": ("aws_secrets_manager", False),
    "azurevault": ("azure_key_vault", True),
    "gcpsecretsmanager": ("gcp_secret_manager", True),
    "conjur": ("cyberark_conjur", False),
    "cyberark": ("cyberark_ccp", False),
    "custom": ("custom", False),
    "lookup": ("lookup", False),
}

# The platform's expression, accepted wherever text is resolved.
EXPRESSION = re.compile(r"""<\+secrets\.getValue\(\s*(?P<quote>["'])(?P<reference>.*?)(?P=quote)\s*\)>""")

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)\Z", re.DOTALL)
_MAX_LENGTH = 4096


class Reference(NamedTuple):
    """A parsed reference. `scheme` is empty for a secret of the store; else `path` lies at connector `identifier`."""

    identifier: str
    level: Level | None = None
    version: str = ""
    key: str = ""
    scheme: str = ""
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the reference that `text` writes; raise InvalidInput, or Forbidden for one that points downward."""
        if not isinstance(text, str) or not text or len(text) > _MAX_LENGTH:
            raise _invalid(str(text)[:80], f"a reference has 1 to {_MAX_LENGTH} characters")
        head, hash_sign, key = text.partition("#")
        if hash_sign and not key:
            raise _invalid(text, "nothing stands after '#'")
        level, head = _split_level(head, text)
        url = _URL.match(head)
        if url:
            return cls._of_url(text, level, url["scheme"], url["rest"], key)
        identifier, at_sign, version = head.partition("@")
        if at_sign and not (version.isascii() and version.isdigit() and int(version) > 0):
            raise _invalid(text, "a version is a number from 1 on, as in name@3")
        return cls(check_identifier(identifier, "secret"), level, str(int(version)) if version else "", key)

    @classmethod
    def _of_url(cls, text: str, level: Level | None, scheme: str, rest: str, key: str) -> Reference:
        if scheme not in SCHEMES:
            raise _invalid(text, f"'{scheme}://' is none of {', '.join(s + '://' for s in SCHEMES)}")
        connector, slash, path = rest.partition("/")
        if not slash or not path.strip("/") or (SCHEMES[scheme][1] and path.startswith("/")):
            raise _invalid(text, f"write {scheme}://connector/path")
        version = ""
        if SCHEMES[scheme][1]:
            path, _slash, version = path.partition("/")
        return cls(check_identifier(connector, "connector"), level, version, key, scheme, path)

    def with_options(self, *, version: str = "", key: str = "") -> Reference:
        """Return the reference with a version or key given apart from it; raise InvalidInput where both differ."""
        for option, apart, within in (("version", version, self.version), ("key", key, self.key)):
            if apart and within and apart != within:
                raise InvalidInput(
                    "conflicting_reference",
                    f"The reference '{self}' and the option '{option}' name two different {option}s.",
                    hint="Give it in one of the two places.",
                )
        return self._replace(version=self.version or version, key=self.key or key)

    def scope(self, caller: ScopePath) -> ScopePath:
        """Return the scope that is meant when `caller` uses this reference; raise Forbidden where that is downward."""
        return caller if self.level is None else caller.at(self.level)

    def __str__(self) -> str:
        prefix = f"{self.level.value}." if self.level else ""
        key = f"#{self.key}" if self.key else ""
        if not self.scheme:
            return f"{prefix}{self.identifier}{'@' + self.version if self.version else ''}{key}"
        version = f"/{self.version}" if self.version else ""
        return f"{prefix}{self.scheme}://{self.identifier}/{self.path}{version}{key}"


def _split_level(head: str, text: str) -> tuple[Level | None, str]:
    """Take `account.` or `org.` off the head."""
    first, dot, rest = head.partition(".")
    if not dot or "://" in first:
        return None, head
    if first in (Level.ACCOUNT.value, Level.ORG.value):
        if first == Level.ORG.value and "." in rest.partition("://")[0]:
            raise _downward(text)
        return Level(first), rest
    if first == Level.PROJECT.value:
        raise _downward(text)
    raise _invalid(text, "only 'account.' and 'org.' may stand before an identifier, which has no dots")


def _invalid(text: str, why: str) -> InvalidInput:
    return InvalidInput(
        "invalid_reference",
        f"{text[:200]!r} is no reference: {why}.",
        hint="Write identifier, org.identifier, account.identifier (each with @version or #key), "
        "or scheme://connector/path#key.",
    )


def _downward(text: str) -> Forbidden:
    return Forbidden(
        "reference_downward",
        f"{text[:200]!r} points to a scope below or beside the caller's own.",
        hint="A reference goes to the own scope (bare identifier), its organization (org.) or the account (account.). "
        "To read what a project owns, set 'org' and 'project'.",
    )


def select_key(value: str, key: str, what: str) -> str:
    """Return the field `key` of the JSON object or array in `value`: text as it is, anything else as JSON.

    A key that starts with / is a JSON pointer (RFC 6901). `what` names the secret in errors.
    Raises InvalidInput if the value is no JSON, NotFound if it has no such field.
    """
    try:
        node: Any = json.loads(value)
    except (ValueError, RecursionError):
        raise InvalidInput(
            "value_not_json",
            f"{what} holds no JSON, so it has no field '{key}'.",
            hint="Leave out '#key' to get the whole value.",
        ) from None
    for token in _tokens(key):
        node = _step(node, token, key, what)
    return node if isinstance(node, str) else json.dumps(node, ensure_ascii=False, separators=(",", ":"))


def select_field(value: bytes, key: str, what: str) -> bytes:
    """Return a field of a JSON value; raise InvalidInput, or NotFound for a field that is not there."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            "value_not_json",
            f"{what} holds no text, so it has no field '{key}'.",
            hint="Leave '#field' and 'key' out to read all of it.",
        ) from None
    return select_key(text, key, what).encode()


def _tokens(key: str) -> list[str]:
    if not key.startswith("/"):
        return [key]
    return [token.replace("~1", "/").replace("~0", "~") for token in key[1:].split("/")]


def _step(node: Any, token: str, key: str, what: str) -> Any:
    if isinstance(node, dict) and token in node:
        return node[token]
    # RFC 6901 section 4: an array index has no leading zero.
    if isinstance(node, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", token) and int(token) < len(node):
        return node[int(token)]
    raise NotFound(
        "unknown_key",
        f"{what} has no field '{key}'.",
        hint="A key names a field of a JSON object; start it with / to reach deeper (JSON pointer).",
    )


def references_among(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that name a secret: `<name>_ref`."""
    return {name: str(text) for name, text in options.items() if name.endswith("_ref")}


def credential_not_value(reference: str) -> InvalidInput:
    """Return the error for a credential where a value is needed."""
    return InvalidInput(
        "credential_not_value",
        f"'{reference}' is a credential for hosts and has no value of its own.",
        hint="Name the secret that it is made of, or one field of it: NAME#password.",
    )
