# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HashiCorp Vault and OpenBao: keeps values in a key-value engine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from ...model.errors import Conflict, Forbidden, InvalidInput, NotFound, ScopedSecretsError
from .. import failures
from ..base import ArgumentSpec, Capability, ConnectorContext, Found, ValueKeeper, Writing
from ..checks import PROBE, AccessProof, Aim, not_proved
from ..network import Network, check_url
from ..path_templates import PATH_TEMPLATE
from .client import REQUIREMENTS, TITLE, VaultClient
from .engines import (
    MAX_VALUE,
    KvEngine,
    KvVersion1,
    KvVersion2,
    check_size,
    fields_of,
    find_version,
    value_of,
)
from .logins import LOGINS
from .replies import content_of, kv_version_mismatch, misplaced_mount

__all__ = ["MANAGER", "HashicorpVault"]

ENGINES: dict[int, type[KvEngine]] = {1: KvVersion1, 2: KvVersion2}


class HashicorpVault(ValueKeeper):
    """Secrets in a key-value engine, version 1 or 2, of HashiCorp Vault or OpenBao."""

    KIND = "hashicorp_vault"
    TITLE = TITLE
    NETWORK = Network.all()
    OPTIONS: ClassVar[ArgumentSpec] = {
        "url": {"type": "str"},
        "namespace": {"type": "str"},
        "engine": {"type": "str"},
        "engine_version": {"type": "str", "choices": ["auto", "1", "2"]},
        "base_path": {"type": "str"},
        **PATH_TEMPLATE,
        "read_only": {"type": "bool"},
        "delete": {"type": "str", "choices": ["soft", "destroy"]},
        **NETWORK.spec,
    }
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "namespace": "",
        "engine": "secret",
        "engine_version": "auto",
        "base_path": "",
        "read_only": False,
        "delete": "soft",
        **NETWORK.defaults,
    }
    LOCATION = frozenset({"namespace", "engine", "base_path"}) | PATH_TEMPLATE.keys()
    REFERABLE = NETWORK.referable
    LOGINS = LOGINS
    CAPABILITIES = frozenset(Capability)
    MAX_VALUE = MAX_VALUE
    REQUIREMENTS = REQUIREMENTS

    def __init__(self, options: Mapping[str, Any], connector: ConnectorContext) -> None:
        super().__init__(options, connector)
        self._mount = self.options["engine"].strip("/")
        self._lock = threading.RLock()
        self._client: VaultClient | None = None
        self._version: int | None = None
        self._is_verified = False

    @classmethod
    def validate(cls, options: Mapping[str, Any]) -> None:
        super().validate(options)
        given = {**cls.DEFAULTS, **options}
        if not given.get("url"):
            raise failures.incomplete_connector(cls.TITLE, "url")
        check_url(cls.TITLE, "url", given["url"], allow_plain_http=given["allow_plain_http"])
        if given["url"].rstrip("/").endswith("/v1"):
            raise InvalidInput(
                "invalid_url",
                f"'url' of {cls.TITLE} ends with '/v1', which is the beginning of the paths of its API.",
                hint="Set 'url' to the address without '/v1', as VAULT_ADDR has it.",
            )
        _clean(cls.TITLE, given["engine"])
        for option in ("namespace", "base_path"):
            if (given[option] or "").strip("/"):
                _clean(cls.TITLE, given[option])

    def login(self) -> None:
        with self._lock:
            self._client = self._client or VaultClient(self.options, self.connector, self.chosen_login())
            self._client.login()

    def check(self, aim: Aim, proof: AccessProof) -> None:
        """Ask for the capabilities on a secret that doesn't exist. A reader may have some on other paths only."""
        writes = self.aims_at_writing(aim)
        is_seen = self._verify()
        engine = self._engine()
        path = self.place_of_check(PROBE)
        needs, reads = engine.needs(path, is_written=writes), engine.needs(path, is_written=False)
        granted = self._granted(list(needs))
        if granted is None:
            self._prove_by_reading(engine, path)
            proof.read = f"read '{path}', which does not exist"
            proof.write = not_proved("it may not ask sys/capabilities-self") if writes else self.why_only_reading()
            return
        if not _missing(reads, granted):
            proof.read = _asked(reads)
        missing = _missing(needs, granted)
        if missing and (writes or not is_seen):
            raise self._lacks(*next(iter(missing.items())))
        proof.read = proof.read or not_proved("its policy lists other paths of the engine")
        proof.write = _asked(needs) if writes else self.why_only_reading()

    def _lacks(self, at: str, missing: list[str]) -> ScopedSecretsError:
        at = at.removesuffix(PROBE) + "*"
        listed = ", ".join(f'"{one}"' for one in missing)
        needs = f'path "{at}" {{ capabilities = [{listed}] }}'
        return failures.denied(self.connector.what, f"{' or '.join(missing)} '{at}'", needs)

    def settled(self) -> dict[str, Any]:
        return {"detected_engine_version": self._version} if self._version else {}

    def close(self) -> None:
        client, self._client = self._client, None
        if client:
            client.close()

    def path_of(self, *names: str) -> str:
        return _clean(self.connector.what, "/".join([self.options["base_path"] or "", *names]))

    def read(self, path: str, version: str = "") -> Found:
        path = _clean(self.connector.what, path)
        try:
            return self._read(path, version)
        except (NotFound, Forbidden) as error:
            if error.code not in ("unknown_path", "provider_denied"):
                raise
            raise misplaced_mount(error, path, self._mount) from None

    def _read(self, path: str, version: str) -> Found:
        engine = self._engine()
        try:
            return engine.read(path, version)
        except (NotFound, Conflict) as error:
            # The stored KV version may be outdated.
            if error.code not in ("unknown_path", "kv_version_mismatch") or self._is_verified:
                raise
            self._verify()
            if self._engine().VERSION == engine.VERSION:
                raise
        return self._engine().read(path, version)

    def value_in(self, content: bytes) -> bytes:
        return value_of(self.connector.what, content)

    def check_writing(self, value: bytes | None) -> None:
        if self.options["read_only"]:
            raise failures.read_only_manager(self.connector.what)
        super().check_writing(value)
        if value is not None:
            check_size(self.connector.what, fields_of(value))

    def write(self, path: str, value: bytes, writing: Writing) -> str:
        self.check_writing(value)
        return self._writable().write(_clean(self.connector.what, path), value, writing)

    def foresee(self, path: str, value: bytes, writing: Writing) -> None:
        self._writable().foresee(_clean(self.connector.what, path), writing)

    def check_owner(self, path: str, owner: str) -> None:
        self._known_engine().check_owner(_clean(self.connector.what, path), owner)

    def relabel(self, path: str, writing: Writing) -> None:
        self._writable().relabel(_clean(self.connector.what, path), writing)

    def remove(self, path: str, owner: str) -> None:
        is_for_good = self.options["delete"] == "destroy"
        self._writable().remove(_clean(self.connector.what, path), owner, is_for_good=is_for_good)

    def _logged_in(self) -> VaultClient:
        with self._lock:
            if not self._client:
                self.login()
            return self._client  # type: ignore[return-value]

    def _engine(self) -> KvEngine:
        """Return the engine in the detected or configured version, 2 if it is unknown."""
        named = self.options["engine_version"]
        known = self._version or (self.options.get("detected_engine_version") if named == "auto" else named)
        if not known:
            self._verify()
        return ENGINES[int(self._version or known or 2)](self._logged_in(), self.connector, self._mount)

    def _writable(self) -> KvEngine:
        if self.options["read_only"]:
            raise failures.read_only_manager(self.connector.what)
        return self._known_engine()

    def _known_engine(self) -> KvEngine:
        """Return the engine in its verified version. A version 1 engine would accept version 2 paths."""
        if not self.options.get("detected_engine_version"):
            self._verify()
        return self._engine()

    def _verify(self) -> bool:
        """Detect the engine's version once; return whether that succeeded. Raises unknown_mount, Conflict."""
        with self._lock:
            if not self._is_verified:
                self._version = self._found_version()
                self._is_verified = True
            return self._version is not None

    def _found_version(self) -> int | None:
        found = find_version(self._logged_in(), self._mount)
        named = self.options["engine_version"]
        if found and named != "auto" and int(named) != found:
            raise kv_version_mismatch(self.connector.what, self._mount, int(named), found)
        return found

    def _granted(self, paths: list[str]) -> dict[str, Any] | None:
        """Return the token's capabilities by path, None if it may not query them."""
        reply = self._logged_in().call(
            lambda vault: vault.adapter.post("/v1/sys/capabilities-self", json={"paths": paths})
        )
        if not reply.ok:
            return None
        data = content_of(self.connector.what, reply).get("data")
        return data if isinstance(data, dict) else None

    def _prove_by_reading(self, engine: KvEngine, path: str) -> None:
        try:
            engine.read(path, "")
        except ScopedSecretsError as error:
            if error.code != "unknown_path":
                raise


def _missing(needs: Mapping[str, list[str]], granted: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the capabilities that are not granted, by path; only paths that lack some."""
    held = {at: {*(granted.get(at) or [])} for at in needs}
    missing = {at: [one for one in needs[at] if not {one, "root"} & held[at]] for at in needs}
    return {at: capabilities for at, capabilities in missing.items() if capabilities}


def _asked(needs: Mapping[str, list[str]]) -> str:
    listed = "; ".join(f"{', '.join(capabilities)} on '{at}'" for at, capabilities in needs.items())
    return f"sys/capabilities-self has {listed}"


def _clean(what: str, path: str) -> str:
    """Return a path below the mount without redundant slashes. Raises name_not_allowed if it could leave the mount."""
    parts = [part for part in path.split("/") if part]
    if not parts or {".", ".."} & set(parts) or not path.isprintable():
        raise failures.name_not_allowed(what, path, "printable parts separated by '/', none of them '.' or '..'")
    return "/".join(parts)


MANAGER = HashicorpVault
