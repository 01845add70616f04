# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References: how lookup terms, `_ref` options and expressions name a secret.

[account.|org.]identifier[@version][#key]
[account.|org.]scheme://connector/path[@version][#key]

In a path, %23, %40 and %25 stand for # @ %. Any other % stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import Forbidden, InvalidInput, NotFound
from .identifiers import check_identifier
from .json_text import read_json, write_json
from .scopes import Level, ScopePath

__all__ = [
    "EXPRESSION",
    "SCHEMES",
    "Reference",
    "credential_not_value",
    "parse_path",
    "references_among",
    "select_field",
    "select_key",
    "written_path",
]

# URL scheme -> the kind of connector it addresses, and whether `/version` may follow its path, too.
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

# The Harness platform's expression, accepted wherever text is resolved.
EXPRESSION = re.compile(r"""<\+secrets\.getValue\(\s*(?P<quote>["'])(?P<reference>.*?)(?P=quote)\s*\)>""")

# Numbers, ids, and names of versions. What looks like a host name belongs to a path, such as that of a mail address.
_VERSION = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_ESCAPED = re.compile(r"%(23|40|25)")
_TO_ESCAPE = re.compile(r"[#@]|%(?=23|40|25)")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)\Z", re.DOTALL)
_MAX_LENGTH = 4096


class Reference(NamedTuple):
    """A parsed reference. Without a `scheme` it names a secret of the store, else `path` at connector `identifier`."""

    identifier: str
    level: Level | None = None
    version: str = ""
    key: str = ""
    scheme: str = ""
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse a reference; raise InvalidInput, or Forbidden if it points to a lower scope."""
        if not isinstance(text, str) or not text or len(text) > _MAX_LENGTH:
            raise _invalid(str(text), f"it must have 1 to {_MAX_LENGTH} characters")
        head, hash_sign, key = text.partition("#")
        if hash_sign and not key:
            raise _invalid(text, "a field name must follow '#'")
        level, head = _split_level(head, text)
        url = _URL.match(head)
        if url:
            return cls._of_url(text, level, url["scheme"], url["rest"], key)
        identifier, at_sign, version = head.partition("@")
        if at_sign and not _is_version(version):
            raise _invalid(text, "a version must be a number from 1 on, as in name@3, or a name that its manager has")
        number = str(int(version)) if version.isdigit() else version
        return cls(check_identifier(identifier, "secret"), level, number, key)

    @classmethod
    def _of_url(cls, text: str, level: Level | None, scheme: str, rest: str, key: str) -> Reference:
        if scheme not in SCHEMES:
            raise _invalid(text, f"'{scheme}://' is not one of {', '.join(s + '://' for s in SCHEMES)}")
        connector, slash, path = rest.partition("/")
        if not slash or not path.strip("/") or (SCHEMES[scheme][1] and path.startswith("/")):
            raise _invalid(text, f"write {scheme}://connector/path")
        after_slash = ""
        if SCHEMES[scheme][1]:
            path, _slash, after_slash = path.partition("/")
        try:
            path, version = parse_path(path)
            version = _only_version(version, after_slash)
        except ValueError as error:
            raise _invalid(text, str(error)) from None
        return cls(check_identifier(connector, "connector"), level, version, key, scheme, path)

    def with_options(self, *, version: str = "", key: str = "") -> Reference:
        """Return the reference with a version or key from options; raise InvalidInput if it has different ones.

        Versions start at 1 everywhere, so 0 is refused before anybody takes it for none.
        """
        if version and not version.strip("0"):
            raise InvalidInput(
                "invalid_version",
                f"{version[:40]!r} is not a valid version: versions start at 1.",
                hint="Write NAME@2, or set version=2.",
            )
        for option, given, own in (("version", version, self.version), ("key", key, self.key)):
            if given and own and given != own:
                raise InvalidInput(
                    "conflicting_reference",
                    f"The reference '{self}' and the option '{option}' name two different {option}s.",
                    hint=f"Give the {option} only once.",
                )
        return self._replace(version=self.version or version, key=self.key or key)

    def scope(self, caller: ScopePath) -> ScopePath:
        """Return the scope that this reference means for `caller`; raise Forbidden if that is a lower scope."""
        return caller if self.level is None else caller.at(self.level)

    def __str__(self) -> str:
        prefix = f"{self.level.value}." if self.level else ""
        key = f"#{self.key}" if self.key else ""
        if not self.scheme:
            return f"{prefix}{self.identifier}{'@' + self.version if self.version else ''}{key}"
        return f"{prefix}{self.scheme}://{self.identifier}/{written_path(self.path, self.version)}{key}"


def parse_path(text: str) -> tuple[str, str]:
    """Return a path at a secret manager and its version (empty: none) from `path[@version]`; raise ValueError.

    A version is at the very end: an @ before a slash belongs to the path.
    """
    path, at_sign, version = text.rpartition("@")
    if not at_sign or "/" in version:
        return _unescaped(text), ""
    if not path.strip("/"):
        raise ValueError("a path must precede '@'")
    return _unescaped(path), _checked(version)


def _is_version(text: str) -> bool:
    return bool(_VERSION.fullmatch(text) and text.strip("0"))


def _checked(version: str) -> str:
    if not _is_version(version):
        raise ValueError(f"{version[:40]!r} can't be a version; write %40 for an '@' that belongs to the path")
    return version


def _only_version(after_at: str, after_slash: str) -> str:
    if after_at and after_slash:
        raise ValueError("it names two versions")
    return _checked(after_slash) if after_slash else after_at


def written_path(path: str, version: str = "") -> str:
    """Return what `parse_path` reads as this path and version."""
    escaped = _TO_ESCAPE.sub(lambda match: f"%{ord(match[0]):X}", path)
    return f"{escaped}@{version}" if version else escaped


def _unescaped(path: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), path)


def _split_level(head: str, text: str) -> tuple[Level | None, str]:
    """Split a leading `account.` or `org.` off the head."""
    first, dot, rest = head.partition(".")
    if not dot or "://" in first:
        return None, head
    if first in (Level.ACCOUNT.value, Level.ORG.value):
        if first == Level.ORG.value and "." in rest.partition("://")[0]:
            raise _downward(text)
        return Level(first), rest
    if first == Level.PROJECT.value:
        raise _downward(text)
    raise _invalid(text, "only 'account.' or 'org.' may precede an identifier, which can't contain dots")


def _invalid(text: str, why: str) -> InvalidInput:
    return InvalidInput(
        "invalid_reference",
        f"{text[:200]!r} is not a valid reference: {why}.",
        hint="Write identifier, org.identifier or account.identifier, optionally with @version and #key, "
        "or scheme://connector/path#key, with %23, %40 and %25 for # @ % in the path.",
    )


def _downward(text: str) -> Forbidden:
    return Forbidden(
        "reference_downward",
        f"{text[:200]!r} points to a scope below or beside the caller's own.",
        hint="Refer to the caller's scope (bare identifier), its organization (org.) or the account (account.). "
        "To read a project's secret, set 'org' and 'project'.",
    )


def select_key(value: str | bytes, key: str, what: str) -> str:
    """Return the field `key` of the JSON object or array in `value`.

    A string is returned as it is, a number as it was written, and anything else as JSON on one line. A key that starts
    with / is a JSON pointer (RFC 6901). `what` names the secret in errors.
    Raises InvalidInput if the value is not JSON, NotFound if it has no such field.
    """
    try:
        node: Any = read_json(value)
        for token in _tokens(key):
            node = _step(node, token, key, what)
        return str(node) if isinstance(node, str) else write_json(node)
    except (ValueError, RecursionError):
        raise InvalidInput(
            "value_not_json",
            f"{what} is not JSON, so it has no field '{key}'.",
            hint="Leave out '#key' to get the whole value.",
        ) from None


def select_field(value: bytes, key: str, what: str) -> bytes:
    """Return a field of a JSON value; raise InvalidInput for other values, NotFound for a missing field."""
    text = select_key(value, key, what)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "value_not_json",
            f"{what} has a field '{key}' that is not text: half a surrogate pair (\\ud800 to \\udfff) is in it.",
            hint="Remove '#field' and 'key' to read the whole value.",
        ) from None


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
        hint="Name a field of the JSON object, or use a JSON pointer such as /database/password for a nested field.",
    )


def references_among(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that reference a secret, named `<name>_ref`, as text."""
    return {name: str(text) for name, text in options.items() if name.endswith("_ref")}


def credential_not_value(reference: str) -> InvalidInput:
    """Return the error for a credential where a value is needed."""
    return InvalidInput(
        "credential_not_value",
        f"'{reference}' is a credential for hosts and has no value of its own.",
        hint="Name one of its fields, such as NAME#password, or a secret that it refers to.",
    )
