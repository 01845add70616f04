# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of secret manager is: its options, its logins, and the verbs that it has.

A kind is one file beside this one with one class. The engine resolves credentials, keeps one logged-in instance per run
and connector, logs in again when `login_expired` is raised, and counts. A kind knows nothing of stores or scopes.
Importing the file must not import an SDK: module files and the router read its options.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from ..model.errors import ScopedSecretsError
from ..model.libraries import check_version
from . import failures
from .network import Network

__all__ = [
    "ArgumentSpec",
    "Capability",
    "ConnectorContext",
    "ExpectedError",
    "Found",
    "KeyKeeper",
    "Login",
    "Manager",
    "NoLogin",
    "ValueKeeper",
    "Writing",
]

ArgumentSpec = Mapping[str, Mapping[str, Any]]

_MAX_REUSE = 1_000_000


class Capability(Enum):
    """What a kind may be able to do."""

    WRITE = "writes"
    READ_PATH = "reads by path"
    VERSIONS = "versions"
    FILES = "files"
    DELETE = "delete"


class ConnectorContext(NamedTuple):
    """Which connector an instance serves. `what` names it for people, `owner` marks what it makes at the provider.

    `meter` is called with "logins", "requests" or "renewals" for each one made.
    """

    what: str
    owner: str
    meter: Callable[[str], None] = lambda _what: None


class Login(ABC):
    """One way to log in. Options with `no_log` are credentials: a connector takes each as itself or as `<name>_ref`.

    `REQUIRED` are those that must be given for this login to be chosen without `auth_method`.
    """

    NAME: ClassVar[str]
    OPTIONS: ClassVar[ArgumentSpec] = {}
    REQUIRED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the connector's options, credentials among them by their own names."""
        self.options = options

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        """Raise InvalidInput if options of these names (without `_ref`) don't make this login."""
        missing = [name for name in cls.REQUIRED if name not in given]
        if missing:
            raise failures.incomplete_login(cls.NAME, missing)


class NoLogin(Login):
    """For a connector that has nothing to log in with."""

    NAME = "none"


class ExpectedError(Exception):
    """The provider answered with an error that the caller said it expects. A kind's client raises it."""

    def __init__(self, code: str) -> None:
        """`code` is what the client calls the error."""
        super().__init__(code)
        self.code = code


class Manager(ABC):
    """A secret manager that a connector describes. An instance belongs to one process; many threads may use it."""

    KIND: ClassVar[str]
    TITLE: ClassVar[str]
    OPTIONS: ClassVar[ArgumentSpec]
    """The kind's own options, without logins; no defaults: what is left out must stay as it is stored."""
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}
    """What an option is at creation when it is left out."""
    NETWORK: ClassVar[Network] = Network.of()
    """Which of the shared network options are among its own."""
    LOCATION: ClassVar[frozenset[str]]
    """Options that say where values lie: fixed while there are any."""
    REFERABLE: ClassVar[frozenset[str]] = frozenset()
    """Own options that may also be given as `<name>_ref`, a reference to a secret."""
    REFERENCE_DICTS: ClassVar[frozenset[str]] = frozenset()
    """Own options that are dictionaries of references; an instance finds what each names as `<option>.<name>`."""
    LOGINS: ClassVar[Sequence[type[Login]]]
    CAPABILITIES: ClassVar[frozenset[Capability]]
    MAX_VALUE: ClassVar[int]
    """The largest value in bytes, by the provider's documentation."""
    REQUIREMENTS: ClassVar[Sequence[str]]
    """What pip must install, in the oldest version that works."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        """Take the connector's options, `auth_method` and resolved credentials (text) among them. No I/O.

        Raise MissingLibrary.
        """
        for requirement in self.REQUIREMENTS:
            check_version(requirement, f"for {self.TITLE}")
        self.options = {**self.DEFAULTS, **options}
        self.connector = connector

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        """Raise InvalidInput for options of the kind that can't work, whatever the provider says. No I/O."""
        cls.NETWORK.check(options)

    @property
    def notices(self) -> list[str]:
        """What people must be told in every run, for example that TLS certificates are not verified."""
        return self.NETWORK.notices(self.options, self.connector.what)

    @abstractmethod
    def login(self) -> None:
        """Log in, once. Raise login_refused, or an Unavailable."""

    @abstractmethod
    def check(self) -> None:
        """Prove that the login may do what the connector is for, without reading a value or leaving anything."""

    def check_writing(self, value: bytes | None) -> None:
        """Raise InvalidInput if a value (None: not known yet) can't be written, whatever the provider says. No I/O."""
        if value is not None and len(value) > self.MAX_VALUE:
            raise failures.too_large(self.connector.what, len(value), self.MAX_VALUE)

    def settled(self) -> dict[str, Any]:
        """Return what to keep with the connector of what was found out at the provider; after `login`."""
        return {}

    def close(self) -> None:  # noqa: B027 -- most kinds make nothing
        """Give back what this instance made at the provider for itself, such as a token of its own login."""

    def chosen_login(self) -> Login:
        """Return the login that the connector names."""
        return next(login for login in self.LOGINS if self.options["auth_method"] == login.NAME)(self.options)


class KeyKeeper(Manager):
    """Wraps data keys of values that the store keeps."""

    LOCATION = frozenset()
    CAPABILITIES = frozenset({Capability.WRITE, Capability.VERSIONS, Capability.FILES, Capability.DELETE})
    MAX_VALUE = 10 * 1024 * 1024
    REUSE_OPTION: ClassVar[ArgumentSpec] = {"data_key_reuse": {"type": "str", "no_log": False}}
    REUSE_DEFAULT: ClassVar[Mapping[str, Any]] = {"data_key_reuse": "none"}

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        reuse = str(options.get("data_key_reuse") or "none")
        if reuse in ("none", "run") or (re.fullmatch(r"[1-9][0-9]{0,6}", reuse) and int(reuse) <= _MAX_REUSE):
            return
        rule = f"Set it to none, run, or a number from 1 to {_MAX_REUSE}."
        raise failures.invalid_option("data_key_reuse", "can't be used", rule)

    @abstractmethod
    def wrap(self, data_key: bytes, context: Mapping[str, str], *, version: str = "") -> bytes:
        """Return a data key wrapped by the provider's key and bound to the context (ids, never names).

        `version`: one that `newest_version` named, empty for the one that the provider takes now.
        """

    def newest_version(self) -> str:
        """Return what the provider calls the version of its key that wraps now, empty where it has no name for it."""
        return ""

    @abstractmethod
    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key; raise Damaged where key or context are others, never trying another key."""


class Found(NamedTuple):
    """What lies at a path: all of it (text as UTF-8, fields as a JSON object), and the provider's own version."""

    content: bytes
    version: str = ""

    def __repr__(self) -> str:
        return f"Found(version={self.version!r})"


class Writing(NamedTuple):
    """How a value is to be written. `adopt`: even over what others made; `tags`: for the provider to show.

    `previous` is the version that `write` returned last for this secret, empty for a new one: by it a kind whose
    provider takes no mark knows its own.
    """

    adopt: bool = False
    description: str = ""
    tags: Mapping[str, str] = {}
    is_text: bool = True
    previous: str = ""


class ValueKeeper(Manager):
    """Keeps values; the store has their paths. Kinds that only read leave the writing verbs as they are."""

    BATCH: ClassVar[int] = 1
    """How many paths `read_many` reads in one request."""
    DEFAULT_KEY: ClassVar[str] = ""
    """The field of what others keep there that is the value, where a reference names none; empty: all of it."""

    @abstractmethod
    def path_of(self, identifier: str) -> str:
        """Return where a secret of this identifier is kept; raise InvalidInput if its name can't be used there."""

    @abstractmethod
    def read(self, path: str, version: str = "") -> Found:
        """Return what lies at `path`, the newest if `version` is empty.

        Raise unknown_path, denied, an Unavailable (incomplete_reply for a reply without the value).
        """

    def read_many(self, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        """Return what lies at each path (`BATCH` at most), or the error that stands in its way."""
        return {path: self._found_or_error(path) for path in paths}

    def _found_or_error(self, path: str) -> Found | ScopedSecretsError:
        try:
            return self.read(path)
        except ScopedSecretsError as error:
            return error

    def value_in(self, content: bytes) -> bytes:
        """Return the value of a secret that `write` wrote, out of what `read` found."""
        return content

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        """Make or update a secret and return the provider's version; raise foreign_secret for one of others."""
        raise failures.not_able(self.connector.what, self.TITLE, "write secrets")

    def remove(self, path: str) -> None:
        """Remove what `write` made; what is gone already is no error. Raise foreign_secret for one of others."""
        raise failures.not_able(self.connector.what, self.TITLE, "delete secrets")
