# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation at a KMS: rewraps data keys with the newest version of the KMS key, so that old versions can go."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, cast
from weakref import WeakKeyDictionary

from ...crypto.envelope import rewrap
from ...managers.base import KeyKeeper, Manager
from ...managers.data_keys import DataKeys, DataKeyWrapping, data_keys_of
from ...model.entities import Scope, Secret, SecretVersion
from ...model.errors import Conflict, InvalidInput
from ...model.messages import Result, Tell, View
from ...model.scopes import ScopePath
from ...store.rotation import count_wrapped_elsewhere, kept_after, update_version
from ...store.scopes import path_of
from ...store.secrets import count_kept, find_version, versions_of
from ..providers.fetch_cache import in_parallel
from ..providers.runtime import Runtime
from ..rows.scoped_connectors import ScopedConnector
from ..rows.session import Session
from ..things.connector_views import ConnectorCheck

__all__ = ["rotate_at_provider"]

_ROUNDS = 5
_BATCH_BYTES = 8 * 1024 * 1024


class _Sealed(NamedTuple):
    """A version to rewrap, with its secret and scope chain."""

    chain: list[Scope]
    secret: Secret
    version: SecretVersion


class _VersionBatch(NamedTuple):
    """Versions to rewrap, the id of the last secret read, and how many secrets were read (0: there are no more)."""

    sealed: list[_Sealed]
    last: str
    secrets: int


def rotate_at_provider(
    runtime: Runtime, path: ScopePath, params: View, *, batch_size: int, check_mode: bool, tell: Tell
) -> Result:
    """Rewrap every data key of one connector and return the result.

    Raises ScopedSecretsError; keys rewrapped before the error stay rewrapped.
    """
    connector = _connector(runtime, path, params)
    rotation = _ProviderRotation(runtime, path, connector, batch_size, tell)
    before = rotation.left()
    if not before or check_mode:
        return rotation.result(before, before, is_predicted=check_mode)
    left = rotation.run()
    if left:
        raise _not_finished(connector, left)
    return rotation.result(before, left)


def _connector(runtime: Runtime, path: ScopePath, params: View) -> ScopedConnector:
    if not params.get("connector"):
        raise InvalidInput(
            "connector_needed",
            "'target: provider' rotates the data keys of one connector, but 'connector' is not set.",
            hint="Set 'connector' to the identifier of a connector_aws_kms or connector_gcp_kms in this scope.",
        )
    connector, _view = runtime.read(ConnectorCheck({**params, "identifier": params["connector"]}).load, path)
    if not connector.keeps_keys:
        raise InvalidInput(
            "no_key_keeper",
            f"The {connector.what} stores values at its provider, so there are no data keys to rewrap.",
            hint="Use the provider's own tools to rotate the keys that protect its values.",
        )
    return connector


class _ProviderRotation:
    def __init__(
        self, runtime: Runtime, path: ScopePath, connector: ScopedConnector, batch_size: int, tell: Tell
    ) -> None:
        self._runtime = runtime
        self._access = runtime.access()
        self._path = path
        self._connector = connector
        self._batch_size = batch_size
        self._tell = tell
        self._lock = threading.Lock()
        self._new: WeakKeyDictionary[KeyKeeper, DataKeys] = WeakKeyDictionary()
        self._rewrapped = 0
        found = self._access.call(connector, lambda manager: cast(KeyKeeper, manager).newest_version())
        # Without a version name every rotation gets a mark of its own and rewraps every data key.
        self._version, self._mark = found, found or f"rotation {uuid.uuid4()}"

    def left(self) -> int:
        """Return how many data keys are not marked as wrapped with the newest version."""
        connector_id = self._connector.row.id
        return self._runtime.read(
            lambda session: count_wrapped_elsewhere(session.tx, connector_id, self._mark), self._path
        )

    def run(self) -> int:
        """Rewrap everything and return how many data keys are left; repeats for what other runs write meanwhile."""
        for _round in range(_ROUNDS):
            done, after = 0, ""
            total = self._runtime.read(lambda session: count_kept(session.tx, self._connector.row.id), self._path)
            while batch := self._next(after):
                after, done = batch.last, done + batch.secrets
                self._rewrap(batch)
                self._tell(f"Rewrapped the data keys of {done} of {max(done, total)} secrets")
            left = self.left()
            if not left:
                break
        return left

    def _next(self, after: str) -> _VersionBatch | None:
        batch = self._runtime.read(lambda session: self._load(session, after), self._path)
        return batch if batch.secrets else None

    def _load(self, session: Session, after: str) -> _VersionBatch:
        secrets = kept_after(session.tx, self._connector.row.id, after=after, limit=self._batch_size)
        sealed: list[_Sealed] = []
        last, seen = "", 0
        for secret in secrets:
            if sum(len(one.version.envelope) for one in sealed) > _BATCH_BYTES:
                break
            last, seen = secret.id, seen + 1
            chain = session.chain(path_of(session.tx, secret.scope_id))
            session.prove(chain, secret)
            for version in versions_of(session.tx, secret.id):
                if version.at_provider != self._mark:
                    proved = session.version(chain, secret, version.version)
                    sealed.append(_Sealed(chain, secret, proved))
        return _VersionBatch(sealed, last, seen)

    def _rewrap(self, batch: _VersionBatch) -> None:
        """Call the provider for each version, eight at a time, then update the store in one transaction."""
        envelopes: dict[tuple[str, int], bytes] = {}
        jobs = [partial(self._rewrap_one, one, envelopes) for one in batch.sealed]
        in_parallel(jobs)
        written = self._runtime.write(lambda session: self._write(session, batch.sealed, envelopes), self._path)
        self._rewrapped += written

    def _rewrap_one(self, one: _Sealed, envelopes: dict[tuple[str, int], bytes]) -> None:
        context = self._access.context(one.chain[-1], one.secret.id, one.secret.kind, one.version.version)

        def work(manager: Manager) -> bytes:
            keeper = cast(KeyKeeper, manager)
            old, new = DataKeyWrapping(data_keys_of(keeper), context), DataKeyWrapping(self._renewed(keeper), context)
            connector_id = uuid.UUID(self._connector.row.id)
            return rewrap(one.version.envelope, context, old=old, new=new, connector_id=connector_id)

        envelopes[one.secret.id, one.version.version] = self._access.call(self._connector, work)

    def _renewed(self, keeper: KeyKeeper) -> DataKeys:
        """Return data keys that wrap with the newest version and reuse no earlier branch key."""
        with self._lock:
            return self._new.setdefault(keeper, DataKeys(keeper, version=self._version))

    def _write(self, session: Session, sealed: Sequence[_Sealed], envelopes: dict[tuple[str, int], bytes]) -> int:
        written = 0
        for one in sealed:
            version = find_version(session.tx, one.secret.id, one.version.version)
            # Removed, or rewritten by another rotation, since it was read: the next round checks again.
            if version is None or version.envelope != one.version.envelope:
                continue
            envelope = envelopes[version.secret_id, version.version]
            update_version(session.tx, version, version._replace(envelope=envelope, at_provider=self._mark))
            written += 1
        return written

    def result(self, before: int, left: int, *, is_predicted: bool = False) -> Result:
        view: View = {
            "target": "provider",
            "org": self._path.org,
            "project": self._path.project,
            "connector": self._connector.row.identifier,
            "key_version": self._version,
            "moved": {"data_keys": self._rewrapped} if self._rewrapped else {},
            "left": {"data_keys": left} if left else {},
            "left_total": left,
        }
        after = 0 if is_predicted else left
        return Result(before > 0, {"rotation": view}, {"data_keys_left": before}, {"data_keys_left": after})


def _not_finished(connector: ScopedConnector, left: int) -> Conflict:
    return Conflict(
        "rotation_not_finished",
        f"{left} data keys of the {connector.what} still use an older key version: other runs keep writing values.",
        hint="Run the rotation again.",
        details={"data_keys": left},
    )
