# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret managers in memory for the tests of this folder: they count requests, and fail when a test says so."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, TypeVar

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils import managers
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import (
    ArgumentSpec,
    Capability,
    ConnectorContext,
    Found,
    KeyKeeper,
    Login,
    Manager,
    ValueKeeper,
    Writing,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim, probe_name
from ansible_collections.scoped.secrets.plugins.module_utils.managers.path_templates import PATH_TEMPLATE
from ansible_collections.scoped.secrets.plugins.module_utils.managers.probe import write_probe
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import KINDS as KINDS_BY_NAME
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import (
    InvalidInput,
    NotFound,
    ScopedSecretsError,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.references import SCHEMES

__all__ = ["OURS", "Cloud", "Kept", "MemoryKms", "MemoryProbed", "MemoryVault", "at_once", "install", "waiting_for"]

OURS = b"ours:"
"""The prefix of a value that a connector wrote, as it is stored."""
WRITES = ("write", "remove", "wrap")
T = TypeVar("T")
Hook = Callable[[str], object]


@dataclass(frozen=True)
class Kept:
    """A version of a value at the provider."""

    content: bytes
    owner: str = ""


class Cloud:
    """The provider behind all kinds here: its values, who may log in, and how often each verb was called.

    `before` has hooks by verb, called with the path before the verb runs: they raise an error, wait or meddle.
    """

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], list[Kept]] = {}
        self.labels: dict[str, tuple[str, dict[str, str]]] = {}
        self.newest_version = self.taken_version = ""
        self.wrapped_by: dict[bytes, str] = {}
        self.disabled_versions: set[str] = set()
        self.wrapped: dict[bytes, tuple[bytes, str, Mapping[str, str]]] = {}
        self.credentials = {"good"}
        self.counts: Counter[str] = Counter()
        self.asked: list[tuple[str, str]] = []
        self.before: dict[str, Hook] = {}
        self.sessions: set[int] = set()
        self.logins_do_not_last = False
        self.most_at_once = 0
        self._now = 0
        self.lock = threading.RLock()

    def log_in(self, credential: str, what: str) -> int:
        """Return the number of a new session."""
        self.count("login", what)
        if credential and credential not in self.credentials:
            raise failures.login_refused(what, "the credential is not known")
        with self.lock:
            session = self.counts["login"]
            if not self.logins_do_not_last:
                self.sessions.add(session)
            return session

    def end_sessions(self) -> None:
        """Expire all logins."""
        with self.lock:
            self.sessions.clear()

    def ask(self, session: int, verb: str, path: str, what: str) -> None:
        """Count a request; raise login_expired for an ended session, or what the hook raises."""
        with self.lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            self.count(verb, path)
            if session not in self.sessions:
                raise failures.login_expired(what)
        finally:
            with self.lock:
                self._now -= 1

    def count(self, verb: str, path: str) -> None:
        with self.lock:
            self.counts[verb] += 1
            self.asked.append((verb, path))
        self.before.get(verb, lambda _path: None)(path)

    def put(self, path: str, *contents: bytes, vault: str = "main") -> None:
        """Write a value as others would, one version for each content."""
        with self.lock:
            self.values.setdefault((vault, path), []).extend(map(Kept, contents))

    def overwrite(self, path: str, content: bytes, vault: str = "main") -> None:
        """Change a value by hand, keeping its owner."""
        versions = self.values[vault, path]
        versions.append(Kept(content, versions[-1].owner))

    def paths(self, vault: str = "main") -> list[str]:
        """Return the paths that have values."""
        return sorted(path for place, path in self.values if place == vault)

    def newest(self, path: str, vault: str = "main") -> bytes:
        """Return the newest content at a path."""
        return self.values[vault, path][-1].content

    @property
    def dump(self) -> tuple[object, ...]:
        """Everything that it holds, and how often something was written."""
        values = {place: tuple(versions) for place, versions in self.values.items()}
        return values, dict(self.wrapped), {verb: self.counts[verb] for verb in WRITES}


class Anonymous(Login):
    NAME = "anonymous"


class Token(Login):
    NAME = "token"
    OPTIONS: ClassVar[ArgumentSpec] = {"token": {"type": "str", "no_log": True}, "namespace": {"type": "str"}}
    REQUIRED = ("token",)


class Password(Login):
    NAME = "password"
    OPTIONS: ClassVar[ArgumentSpec] = {"user": {"type": "str"}, "password": {"type": "str", "no_log": True}}
    REQUIRED = ("user", "password")


class Directory(Password):
    """Takes the same options as `Password`, so that `auth_method` must tell the two apart."""

    NAME = "directory"


class _InMemory:
    """What all kinds share. `cloud` is set by `install`."""

    cloud: ClassVar[Cloud]
    TITLE = "Memory"
    LOGINS: ClassVar[Sequence[type[Login]]] = (Anonymous, Token, Password, Directory)
    REQUIREMENTS: ClassVar[Sequence[str]] = ()
    options: Mapping[str, Any]
    connector: ConnectorContext
    session = 0

    @property
    def notices(self) -> list[str]:
        return [f"{self.connector.what} is insecure."] if self.options.get("insecure") else []

    def login(self) -> None:
        self.connector.meter("logins")
        credential = self.options.get("token") or self.options.get("password") or ""
        self.session = self.cloud.log_in(str(credential), self.connector.what)

    def check(self, aim: Aim, proof: AccessProof) -> None:
        self._ask("check")
        proof.read, proof.write = "asked", f"asked for '{aim.right}'"

    def close(self) -> None:
        self.cloud.count("close", self.connector.what)

    def _ask(self, verb: str, path: str = "") -> None:
        self.connector.meter("requests")
        self.cloud.ask(self.session, verb, path, self.connector.what)


class MemoryVault(_InMemory, ValueKeeper):
    KIND = "memory_vault"
    OPTIONS: ClassVar[ArgumentSpec] = {
        "vault": {"type": "str"},
        "base": {"type": "str"},
        **PATH_TEMPLATE,
        "ca_cert": {"type": "str"},
        "timeout": {"type": "int"},
        "insecure": {"type": "bool"},
        "more_refs": {"type": "dict"},
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"vault": "main", "base": "app", "timeout": 30}
    LOCATION = frozenset({"vault", "base"}) | PATH_TEMPLATE.keys()
    REFERABLE = frozenset({"ca_cert"})
    REFERENCE_DICTS = frozenset({"more_refs"})
    CAPABILITIES = frozenset(Capability)
    MAX_VALUE = 1000

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        if options.get("timeout", 1) < 1:
            raise InvalidInput("invalid_option", "'timeout' is too small.", hint="Take one from 1 on.")

    def settled(self) -> dict[str, Any]:
        return {"found_by_login": self.session}

    def path_of(self, *names: str) -> str:
        if "$" in names[-1]:
            raise failures.name_not_allowed(self.connector.what, names[-1], "no $")
        return "/".join([self.options["base"], *names])

    def read(self, path: str, version: str = "") -> Found:
        self._ask("read", path)
        return self._found(path, version)

    def _found(self, path: str, version: str = "") -> Found:
        with self.cloud.lock:
            versions = self.cloud.values.get((self.options["vault"], path), [])
            number = int(version or len(versions))
            if not 0 < number <= len(versions):
                raise failures.unknown_path(self.connector.what, path, version)
            return Found(versions[number - 1].content, str(number))

    def value_in(self, content: bytes) -> bytes:
        if not content.startswith(OURS):
            raise NotFound(
                "value_field_missing", f"{self.connector.what} has no value there.", hint="Somebody changed it."
            )
        return content.removeprefix(OURS)

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self._ask("write", path)
        with self.cloud.lock:
            versions = self.cloud.values.setdefault((self.options["vault"], path), [])
            if not writing.adopt:
                self._refuse_foreign(path, versions, writing.owner)
            versions.append(Kept(OURS + value, writing.owner))
            self.cloud.labels[path] = writing.description, dict(writing.tags)
            return str(len(versions))

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        self._ask("foresee", path)
        if not writing.adopt:
            self._refuse_foreign(path, self.cloud.values.get((self.options["vault"], path), []), writing.owner)

    def check_owner(self, path: str, owner: str) -> None:
        self._ask("check_owner", path)
        self._refuse_foreign(path, self.cloud.values.get((self.options["vault"], path), []), owner)

    def relabel(self, path: str, writing: Writing) -> None:
        self._ask("relabel", path)
        with self.cloud.lock:
            versions = self.cloud.values.get((self.options["vault"], path), [])
            if not versions:
                raise failures.unknown_path(self.connector.what, path)
            self._refuse_foreign(path, versions, writing.owner)
            self.cloud.labels[path] = writing.description, dict(writing.tags)

    def remove(self, path: str, owner: str) -> None:
        self._ask("remove", path)
        with self.cloud.lock:
            self._refuse_foreign(path, self.cloud.values.get((self.options["vault"], path), []), owner)
            self.cloud.values.pop((self.options["vault"], path), None)

    def _refuse_foreign(self, path: str, versions: list[Kept], owner: str) -> None:
        if versions and versions[-1].owner != owner:
            raise failures.foreign_secret(self.connector.what, path)


class MemoryBatch(MemoryVault):
    KIND = "memory_batch"
    BATCH = 20

    def read_many(self, paths: Sequence[str]) -> dict[str, Found | ScopedSecretsError]:
        self._ask("read_many", ",".join(paths))
        return {path: self._found_or_error(path) for path in paths}

    def _found_or_error(self, path: str) -> Found | ScopedSecretsError:
        try:
            self.cloud.before.get("read_of_many", lambda _path: None)(path)
            return self._found(path)
        except ScopedSecretsError as error:
            return error


class MemoryProbed(MemoryVault):
    """Proves writing by a secret that it writes."""

    KIND = "memory_probed"

    def check(self, aim: Aim, proof: AccessProof) -> None:
        ValueKeeper.check(self, aim, proof)

    def prove_reading(self) -> str:
        self._ask("check")
        return "asked"

    def prove_writing(self, aim: Aim) -> str:
        path = self.place_of_check(probe_name(self.connector.what))
        write_probe(self, path, aim.turn, by_hand=f"remove {path}")
        return f"wrote {path}"


class MemoryUnproved(MemoryVault):
    """Can't prove anything."""

    KIND = "memory_unproved"
    TITLE = "it"

    def check(self, aim: Aim, proof: AccessProof) -> None:
        ValueKeeper.check(self, aim, proof)


class MemoryReader(MemoryVault):
    KIND = "memory_reader"
    CAPABILITIES = frozenset({Capability.READ_PATH})


class MemoryPlain(MemoryVault):
    """Keeps only texts and only the newest value, and can't remove any."""

    KIND = "memory_plain"
    CAPABILITIES = frozenset({Capability.READ_PATH, Capability.WRITE})


class MemoryKms(_InMemory, KeyKeeper):
    KIND = "memory_kms"
    OPTIONS: ClassVar[ArgumentSpec] = {"key": {"type": "str"}, "data_key_reuse": {"type": "str", "no_log": False}}
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"key": "main", "data_key_reuse": "none"}
    LOCATION = frozenset({"key"})

    def newest_version(self) -> str:
        return self.cloud.newest_version

    def wrap(self, data_key: bytes, context: Mapping[str, str], *, version: str = "") -> bytes:
        self._ask("wrap")
        with self.cloud.lock:
            wrapped = uuid.uuid4().bytes
            self.cloud.wrapped_by[wrapped] = version or self.cloud.taken_version
            self.cloud.wrapped[wrapped] = data_key, self.options["key"], dict(context)
            return wrapped

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        self._ask("unwrap")
        if self.cloud.wrapped_by.get(wrapped) in self.cloud.disabled_versions:
            raise failures.key_unusable(self.connector.what, "the required version is disabled")
        data_key, key, bound = self.cloud.wrapped.get(wrapped, (b"", "", {}))
        if (key, bound) != (self.options["key"], dict(context)):
            raise failures.wrong_data_key(self.connector.what)
        return data_key


def waiting_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return as soon as a condition holds; fail if it does not within a time that is ample on any machine."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.001)


def at_once(threads: int, work: Callable[[int], T]) -> list[T]:
    """Call `work` with each number in a thread of its own, all starting together; return the results or raise."""
    start = threading.Barrier(threads, timeout=30)

    def begin(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


KINDS: tuple[type[Manager], ...] = (
    MemoryVault,
    MemoryBatch,
    MemoryProbed,
    MemoryUnproved,
    MemoryReader,
    MemoryPlain,
    MemoryKms,
)


def install(patch: pytest.MonkeyPatch) -> Cloud:
    """Return a new provider, and register the kinds and URL schemes (memory://, batch://, reader://) that use it."""
    cloud = Cloud()
    for kind in KINDS:
        name = f"{managers.__name__}.{kind.KIND}"
        module = ModuleType(name)
        module.MANAGER = type(kind.__name__, (kind,), {"cloud": cloud})  # type: ignore[attr-defined]
        patch.setitem(sys.modules, name, module)
        patch.setitem(KINDS_BY_NAME, kind.KIND, kind.KIND)
    for scheme in ("vault", "batch", "reader"):
        patch.setitem(SCHEMES, scheme if scheme != "vault" else "memory", (f"memory_{scheme}", False))
    return cloud
