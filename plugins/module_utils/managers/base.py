# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind of secret manager declares and implements: its options, its logins and its verbs.

Each kind is one class in a folder beside this file. The engine resolves credentials, keeps one logged-in instance per
run and connector, logs in again when a verb raises `login_expired`, and counts requests. A kind knows nothing about
stores or scopes. Importing its file must not import an SDK, because module files and the router read its options.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from ..model.errors import Forbidden, ScopedSecretsError
from ..model.libraries import check_version
from . import failures
from .checks import READ, WRITE, AccessProof, Aim, not_proved
from .network import PEM_OR_PATH, Network, is_path

__all__ = [
    "ArgumentSpec",
    "Capability",
    "Command",
    "ConnectorContext",
    "ExpectedError",
    "Found",
    "KeyKeeper",
    "Login",
    "Manager",
    "NoLogin",
    "ValueKeeper",
    "Writing",
    "is_blank",
]

ArgumentSpec = Mapping[str, Mapping[str, Any]]

_MAX_REUSE = 1_000_000


class Capability(Enum):
    """What a kind can do. The values are columns of the table in docs/managers/index.md."""

    WRITE = "writes"
    READ_PATH = "reads by path"
    VERSIONS = "versions"
    FILES = "files"
    DELETE = "delete"


class Command(NamedTuple):
    """What a connector runs on this machine: the absolute path of a program, or the full name of a lookup plugin.

    `variables` are the environment variables that the connector sets for it.
    """

    name: str
    variables: tuple[str, ...] = ()


class ConnectorContext(NamedTuple):
    """The connector that an instance serves.

    `what` names it in messages, and `meter` is called with "logins", "requests" or "renewals" once for each of them.
    `names` returns what `path_of` takes for a secret of the connector's own scope.
    """

    what: str
    meter: Callable[[str], None] = lambda _what: None
    names: Callable[[str], Sequence[str]] = lambda identifier: [identifier]


class Login(ABC):
    """One way to log in.

    Options with `no_log` are credentials: a connector takes each one directly or as a reference in `<name>_ref`.
    `REQUIRED` names the options without which this login is not chosen automatically.
    """

    NAME: ClassVar[str]
    OPTIONS: ClassVar[ArgumentSpec] = {}
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ()
    """The options that name a file of the machine that logs in."""

    @classmethod
    def is_ambient(cls, options: Mapping[str, Any]) -> bool:
        """Return whether a login with these options uses an identity that the machine has."""
        return False

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the connector's options, including resolved credentials under their plain names."""
        self.options = options

    @classmethod
    def validate(cls, given: frozenset[str]) -> None:
        """Raise InvalidInput if the options with these names (without `_ref`) don't suffice for this login."""
        missing = [name for name in cls.REQUIRED if name not in given]
        if missing:
            raise failures.incomplete_login(cls.NAME, missing)


def is_blank(options: Mapping[str, Any], name: str) -> bool:
    """Return whether an option has no content. Blanks around it don't count, as when it is used."""
    return not str(options.get(name) or "").strip()


class NoLogin(Login):
    """For connectors without credentials."""

    NAME = "none"


class ExpectedError(Exception):
    """The provider answered with an error that the caller expects. Raised by a kind's client."""

    def __init__(self, code: str) -> None:
        """Take the error's code, as the client names it."""
        super().__init__(code)
        self.code = code


class Manager(ABC):
    """A secret manager as a connector describes it. An instance belongs to one process; its verbs are thread-safe."""

    KIND: ClassVar[str]
    TITLE: ClassVar[str]
    OPTIONS: ClassVar[ArgumentSpec]
    """The kind's own options, without those of logins. No defaults: an omitted option keeps its stored value."""
    DEFAULTS: ClassVar[Mapping[str, Any]] = {}
    """Values of options omitted at creation."""
    NETWORK: ClassVar[Network] = Network.of()
    """The shared network options that the kind has."""
    LOCATION: ClassVar[frozenset[str]]
    """Options that determine where values are stored. They can't change while the connector has secrets."""
    REFERABLE: ClassVar[frozenset[str]] = frozenset()
    """The kind's own options that can also be given as `<name>_ref`, a reference to a secret."""
    REFERENCE_DICTS: ClassVar[frozenset[str]] = frozenset()
    """The kind's own options that are dictionaries of references. An instance gets each value as `<option>.<name>`."""
    LOGINS: ClassVar[Sequence[type[Login]]]
    CAPABILITIES: ClassVar[frozenset[Capability]]
    MAX_VALUE: ClassVar[int]
    """The largest value in bytes, from the provider's documentation."""
    REQUIREMENTS: ClassVar[Sequence[str]]
    """Requirements for pip, with the oldest version that works."""

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        """Take the connector's options, including `auth_method` and resolved credentials as text. No I/O.

        Raises MissingLibrary for a library that is too old.
        """
        for requirement in self.REQUIREMENTS:
            check_version(requirement, f"for {self.TITLE}")
        self.options = {**self.DEFAULTS, **options}
        self.connector = connector

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        """Raise InvalidInput for options that can never work. No I/O."""
        cls.NETWORK.check(options)

    @classmethod
    def command(cls, options: Mapping[str, Any]) -> Command | None:
        """Return what a connector with these options runs on this machine, None for nothing."""
        return None

    @classmethod
    def taken_from_machine(cls, options: Mapping[str, Any], credentials: Mapping[str, str]) -> dict[str, str]:
        """Return what a connector takes from the machine that uses it, with what to call it in messages.

        These are files by their absolute paths, or `KIND.LOGIN`. `credentials` are those of its options that it has as
        secrets, as far as they are known; they are never shown.
        """
        given = {**options, **credentials}
        login = next((one for one in cls.LOGINS if options.get("auth_method") == one.NAME), NoLogin)
        names = [name for name in login.FILES if not is_blank(given, name)]
        names += [name for name in sorted(PEM_OR_PATH & given.keys()) if is_path(str(given[name] or ""))]
        paths = {name: os.path.normpath(os.path.expanduser(str(given[name]).strip())) for name in names}
        taken = {path: f"the file of '{name}'" if name in credentials else path for name, path in paths.items()}
        ambient = f"{cls.KIND}.{login.NAME}"
        return {**taken, ambient: ambient} if login.is_ambient(given) else taken

    @property
    def notices(self) -> list[str]:
        """Return the warnings of every run, for example that TLS certificates are not verified."""
        return self.NETWORK.notices(self.options, self.connector.what)

    @abstractmethod
    def login(self) -> None:
        """Log in once. Raises login_refused or an Unavailable."""

    @abstractmethod
    def check(self, aim: Aim, proof: AccessProof) -> None:
        """Prove that the login has the permissions it needs, and fill in how. Leaves nothing behind.

        Reads no value but that of a secret that the check itself wrote. Raises what is refused.
        """

    def check_writing(self, value: bytes | None) -> None:
        """Raise InvalidInput for a value that can never be written. None stands for a value not yet known. No I/O."""
        if value is not None and len(value) > self.MAX_VALUE:
            raise failures.too_large(self.connector.what, len(value), self.MAX_VALUE)

    def settled(self) -> dict[str, Any]:
        """Return what to store with the connector from what the provider told. Called after `login`."""
        return {}

    def close(self) -> None:  # noqa: B027 -- most kinds have nothing to clean up
        """Release what this instance holds at the provider, such as the token of its own login."""

    def chosen_login(self) -> Login:
        """Return the login that `auth_method` names."""
        return next(login for login in self.LOGINS if self.options["auth_method"] == login.NAME)(self.options)


class KeyKeeper(Manager):
    """Wraps the data keys of values that are kept in the store."""

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
        """Return the data key, wrapped with the provider's key and bound to the context (ids, never names).

        `version` is one that `newest_version` returned; empty lets the provider choose.
        """

    @abstractmethod
    def newest_version(self) -> str:
        """Return the provider's name for the key version that wraps now, empty if it has none."""

    @abstractmethod
    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the data key. Raises Damaged for another key or context; never tries a second key."""


class Found(NamedTuple):
    """The whole content at a path (text as UTF-8, fields as a JSON object) and the provider's version of it."""

    content: bytes
    version: str = ""

    def __repr__(self) -> str:
        return f"Found(version={self.version!r})"


class Writing(NamedTuple):
    """How to write a value. `owner` marks it at the provider; `adopt` allows overwriting what has another mark or none,
    and with `drop_fields` also what has more than a value.

    `previous` is the version that the last `write` of this secret returned, empty for a new one. A kind whose provider
    can't store an owner mark recognizes its own secrets by it.
    """

    owner: str
    adopt: bool = False
    drop_fields: bool = False
    description: str = ""
    tags: Mapping[str, str] = {}
    is_text: bool = True
    previous: str = ""


class ValueKeeper(Manager):
    """Keeps values at the provider; the store has only their paths. Read-only kinds don't override `write`."""

    BATCH: ClassVar[int] = 1
    """The number of paths that `read_many` reads in one request."""
    DEFAULT_KEY: ClassVar[str] = ""
    """The field to read where a reference to someone else's secret names none; empty for the whole content."""
    ASKS_RIGHTS: ClassVar[bool] = False
    """Whether `prove_writing` only asks the provider for rights, so that check mode may call it, too."""

    def check(self, aim: Aim, proof: AccessProof) -> None:
        """Prove reading, then writing if that is aimed at."""
        writes = self.aims_at_writing(aim)
        proof.read = self.prove_reading()
        if not writes:
            proof.write = self.why_only_reading()
        elif not aim.may_write and not self.ASKS_RIGHTS:
            proof.write = not_proved("check mode writes nothing")
        else:
            proof.write = self._proved_writing(aim)

    @property
    def only_reads(self) -> bool:
        """Return whether the connector is for reading only."""
        return Capability.WRITE not in self.CAPABILITIES or bool(self.options.get("read_only"))

    def aims_at_writing(self, aim: Aim) -> bool:
        """Return whether a check is to prove writing. Raises InvalidInput if the task wants that of a reader."""
        if aim.right == WRITE and Capability.WRITE not in self.CAPABILITIES:
            raise failures.not_able(self.connector.what, self.TITLE, "write secrets")
        if aim.right == WRITE and self.only_reads:
            raise failures.read_only_manager(self.connector.what)
        return aim.right != READ and not self.only_reads

    def why_only_reading(self) -> str:
        return not_proved("the connector only reads" if self.only_reads else "only reading was to be proved")

    def place_of_check(self, name: str) -> str:
        """Return where a secret of the connector's own scope would be."""
        return self.path_of(*self.connector.names(name))

    def _proved_writing(self, aim: Aim) -> str:
        try:
            return self.prove_writing(aim)
        except Forbidden as error:
            if error.code != "provider_denied" or aim.right:
                raise
            hint = f"{error.hint} If the connector only reads, set 'check: read'."
            raise Forbidden(error.code, error.message, hint=hint) from None

    def prove_reading(self) -> str:
        """Return how it is proved that the login may read, or why it is not. Raises what is refused."""
        return not_proved(f"{self.TITLE} has no check for it")

    def prove_writing(self, aim: Aim) -> str:
        """Return how it is proved that the login may write, or why it is not. Raises what is refused, probe_left."""
        return not_proved(f"{self.TITLE} has no check for it")

    @abstractmethod
    def path_of(self, *names: str) -> str:
        """Return the path of a secret with this name: its identifier, perhaps after the names of folders.

        Different names have different paths. Raises InvalidInput for a name the provider can't take.
        """

    @abstractmethod
    def read(self, path: str, version: str = "") -> Found:
        """Return the content at `path`, in its newest version if `version` is empty.

        Raises unknown_path, denied, or an Unavailable (incomplete_reply for a reply without the value).
        """

    def read_many(self, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        """Return the content at each path (at most `BATCH` of them), or the error that prevented reading it."""
        return {path: self._found_or_error(path) for path in paths}

    def _found_or_error(self, path: str) -> Found | ScopedSecretsError:
        try:
            return self.read(path)
        except ScopedSecretsError as error:
            return error

    def value_in(self, content: bytes) -> bytes:
        """Return the value that `write` stored, extracted from what `read` found."""
        return content

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        """Create or update a secret and return the provider's version. Raises foreign_secret for someone else's."""
        raise failures.not_able(self.connector.what, self.TITLE, "write secrets")

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        """Raise what `write` would raise because of what is at `path` now, as far as that shows. Changes nothing."""
        return

    def check_owner(self, path: str, owner: str) -> None:
        """Raise foreign_secret unless what is at `path` has this owner's mark. Raises unknown_path, denied.

        A kind that keeps no marks always raises.
        """
        raise failures.foreign_secret(self.connector.what, path)

    def relabel(self, path: str, writing: Writing) -> None:
        """Bring description and tags of a secret up to date, without a new value, as far as the provider has them.

        Raises foreign_secret for what has another mark or none, unknown_path for what is gone.
        """
        return

    def remove(self, path: str, owner: str) -> None:
        """Remove a secret that `write` created for this owner; one that is gone is fine.

        Raises foreign_secret for what has another mark or none.
        """
        raise failures.not_able(self.connector.what, self.TITLE, "delete secrets")
