# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intents: a change of a provider and the store is recorded before it begins, so that the next run can finish it.

After an interrupted change the store and the provider are made to agree:

* Both have the secret, with different values: the provider's value becomes the newest version.
* Only the store has the secret, and it was being removed: it is removed from the store too.
* Only the provider has the secret, and we wrote it: it is removed there.

Whoever changes a value at a provider holds an intent for it, and no one else changes it meanwhile: writers of a store
take turns, so the intents that a writer has read stay true until it has written.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from ...managers.base import Found
from ...model.entities import Intent, Scope, Secret
from ...model.errors import Conflict, InvalidInput, NotFound, ScopedSecretsError, Unavailable
from ...model.scopes import ScopePath
from ...processes.identity import has_ended, this_process
from ...store.intents import claim_intent, delete_intents, pending_intents, release_intents, unfinished
from ...store.scopes import path_of
from ...store.secrets import find_kept
from ..providers.access import Access
from ..providers.runtime import Runtime
from ..providers.value_paths import kept_path
from ..rows.integrity import changed_outside
from ..rows.scoped_connectors import ScopedConnector, load_managers
from ..rows.session import NewValue, Session

__all__ = ["PATIENCE", "Goal", "Held", "Intents", "Moved", "Settled", "ValueAtProvider", "settle_left", "settle_once"]

# A process on another machine counts as ended after this time, which is longer than any call of a provider.
ABANDONED_AFTER = timedelta(minutes=20)
# Wait limit and polling interval, in seconds.
PATIENCE = 15.0
_INTERVAL = 0.05


class Moved(Exception):
    """The store changed while a secret manager was asked: the change must be planned again."""


class Held(Moved):
    """Another change works at the same value.

    `wait` returns once that is done, or raises Unavailable when time.monotonic() has passed its argument.
    """

    def __init__(self, wait: Callable[[float], None]) -> None:
        self.wait = wait


class Goal(NamedTuple):
    """What a change does to the value at a path of a connector: write it, or remove it.

    `going` is the secret that is removed. `is_last`: it is done after the store has changed, not before.
    """

    scope: ScopePath
    connector: ScopedConnector
    path: str
    going: Secret | None = None
    is_last: bool = False

    @property
    def word(self) -> str:
        return "absent" if self.going else "present"

    @property
    def about(self) -> str:
        return _about(self.going) if self.going else ""


class Intents:
    """The intents of one change."""

    def __init__(self, runtime: Runtime, access: Access, goals: Iterable[Goal]) -> None:
        self._runtime = runtime
        self._access = access
        self._goals = {str(uuid.uuid4()): goal for goal in goals}
        self._pending: frozenset[str] = frozenset()

    @property
    def has_goals(self) -> bool:
        return bool(self._goals)

    def check_free(self, session: Session, begun: Iterable[Intent]) -> None:
        """Raise Held while another change works at one of the values. `begun` are the intents of all changes."""
        if self._holder_among(session, begun):
            raise Held(self.wait)

    def write(self, session: Session) -> list[Intent]:
        """Write the intents, and return them."""
        written = []
        for intent_id, goal in self._goals.items():
            chain = session.chain(goal.scope)
            place = goal.connector.row.id, goal.path, goal.word
            written.append(Intent(intent_id, chain[-1].id, *place, this_process(), session.now, about=goal.about))
            session.record(chain, written[-1])
        return written

    def is_recorded(self) -> None:
        """Take note that the intents are in the store: from now on they must be cleared."""
        self._pending = frozenset(self._goals)

    def wait(self, until: float) -> None:
        """Wait until no other change works at the same values; raise Unavailable at `until` (time.monotonic())."""
        while found := self._runtime.read(self._holder):
            if time.monotonic() > until:
                raise _held(found)
            time.sleep(_INTERVAL)

    def _holder(self, session: Session) -> Intent | None:
        return self._holder_among(session, unfinished(session.tx))

    def _holder_among(self, session: Session, begun: Iterable[Intent]) -> Intent | None:
        """Return another change's intent that this change must wait for."""
        goals = {(goal.connector.row.id, goal.path): goal for goal in self._goals.values()}
        for other in begun:
            goal = goals.get((other.connector_id, other.path))
            if goal and other.id not in self._goals and _holds_back(session, other, goal):
                return other
        return None

    def clear_done(self, session: Session) -> None:
        """Delete the intents of what is done, in the transaction that changes the store."""
        delete_intents(session.tx, [intent_id for intent_id, goal in self._goals.items() if not goal.is_last])

    def clear_rest(self) -> None:
        """Carry out the goals that come last. What fails is left to a later run, with a warning."""
        rest = [intent_id for intent_id, goal in self._goals.items() if goal.is_last]
        if rest:
            self._access.warnings += settle_left(self._runtime, only=frozenset(rest)).warnings
        self._pending = frozenset()

    def give_up(self, error: BaseException) -> None:
        """Clean up after a failure, or leave that to a later run if the provider does not answer."""
        if not self._pending:
            return
        is_clear = isinstance(error, ScopedSecretsError) and error.category != "unavailable"
        if not self._access.has_changed and (is_clear or isinstance(error, Moved)):
            self._runtime.write(lambda session: delete_intents(session.tx, self._pending))
        elif is_clear:
            settle_left(self._runtime, only=self._pending)
        else:
            _release(self._runtime, self._pending)


def _holds_back(session: Session, other: Intent, goal: Goal) -> bool:
    """Tell whether a change must wait for another one of the same value.

    A process on another machine may have been killed, which shows only after a long time. It is harmless where the
    store has the secret and both write it: whoever commits later plans again. Otherwise one could remove what the
    other wrote.
    """
    if _is_abandoned(other, session.now):
        return False
    is_kept = other.goal == goal.word == "present" and find_kept(session.tx, other.connector_id, other.path) is not None
    return has_ended(other.process) is False or not is_kept


def _held(holder: Intent) -> Unavailable:
    machine, pid = holder.process.split("/")[0], holder.process.split("/")[-2]
    return Unavailable(
        "being_changed",
        f"Another run has been changing the value at '{holder.path}' since {holder.created_at}: process {pid} on "
        f"{machine}.",
        hint="Run the task again once that run has ended. If it was killed, any run on that machine takes over at "
        f"once, and a run on another machine {ABANDONED_AFTER.seconds // 60} minutes after it began.",
        retryable=True,
    )


@dataclass(slots=True)
class Settled:
    """How many intents were settled and how many are pending, with warnings about the latter."""

    settled: int = 0
    pending: int = 0
    warnings: tuple[str, ...] = ()


class _Left(NamedTuple):
    """An abandoned intent, its connector (None: removed), and whether the store has its secret.

    `is_doubtful`: people without the key of the connector can have written the intent.
    """

    intent: Intent
    scope: ScopePath
    connector: ScopedConnector | None
    is_known: bool
    is_doubtful: bool


def settle_once(runtime: Runtime) -> tuple[str, ...]:
    """Finish what earlier runs left unfinished, once in a run; return warnings."""
    return settle_left(runtime).warnings if runtime.is_first_change() else ()


def settle_left(runtime: Runtime, *, only: frozenset[str] = frozenset()) -> Settled:
    """Settle abandoned intents or, with `only`, these intents of this process. What fails becomes a warning."""
    outcome = Settled()
    if runtime.read(lambda session: pending_intents(session.tx)):
        for intent in runtime.read(lambda session: _to_settle(session, only)):
            if runtime.write(partial(_claim, intent=intent, only=only)):
                _settle_one(runtime, intent, outcome)
        outcome.pending = runtime.read(lambda session: pending_intents(session.tx))
    return outcome


def _to_settle(session: Session, only: frozenset[str]) -> list[Intent]:
    """Return the abandoned intents or, with `only`, these intents of this process."""
    # Others finish what they began in scopes that our key does not open.
    found = [one for one in unfinished(session.tx) if session.opens(path_of(session.tx, one.scope_id))]
    if only:
        return [one for one in found if one.id in only and one.process == this_process()]
    return [one for one in found if _is_abandoned(one, session.now)]


def _claim(session: Session, intent: Intent, only: frozenset[str]) -> bool:
    """Take over an intent, unless another process works at the same value; tell whether it was taken."""
    others = [one for one in unfinished(session.tx) if one.id != intent.id and one.id not in only]
    is_free = all(_is_abandoned(one, session.now) for one in others if _is_at(one, intent))
    return is_free and claim_intent(session.tx, intent, this_process(), session.now)


def _is_at(one: Intent, other: Intent) -> bool:
    return (one.connector_id, one.path) == (other.connector_id, other.path)


def _settle_one(runtime: Runtime, intent: Intent, outcome: Settled) -> None:
    what = "a secret manager"
    try:
        left = runtime.read(lambda session: _load(session, intent))
        what = left.connector.what if left.connector else what
        outcome.warnings += _settle(runtime, left)
        outcome.settled += 1
    except ScopedSecretsError as error:
        _release(runtime, [intent.id])
        outcome.warnings += (
            f"A run left the change of '{intent.path}' at {what} unfinished; the next run tries again: {error}",
        )


def _release(runtime: Runtime, ids: Iterable[str]) -> None:
    runtime.write(lambda session: release_intents(session.tx, ids, this_process()))


def _load(session: Session, intent: Intent) -> _Left:
    chain = session.chain(path_of(session.tx, intent.scope_id))
    session.check_intent(chain, intent)
    connector = load_managers(session, chain).connector(intent.connector_id)
    if connector and connector.keeps_keys:
        raise changed_outside(f"An intent of {chain[-1].path}")
    secret = _kept(session, chain, intent)
    if connector and secret:
        kept_path(connector, chain[-1].path, secret)
    is_doubtful = bool(connector and session.handed_out_between(chain, connector.path.level.depth))
    return _Left(intent, chain[-1].path, connector, secret is not None, is_doubtful)


def _kept(session: Session, chain: list[Scope], intent: Intent) -> Secret | None:
    """Return the secret whose value an intent is about, None if it is proved that the scope has none."""
    secret = find_kept(session.tx, intent.connector_id, intent.path)
    if secret:
        return session.prove(chain, secret)
    place = intent.connector_id, intent.path
    kept = (one for one in session.secrets(chain) if not one.is_reference)
    return next((one for one in kept if (one.connector_id, one.path) == place), None)


def _is_abandoned(intent: Intent, now: str) -> bool:
    ended = has_ended(intent.process) if intent.process else True
    return _is_old(intent, now) if ended is None else ended


def _is_old(intent: Intent, now: str) -> bool:
    """Tell whether an intent began long ago. Its time is not signed: one that is far in the future, or none, is old."""
    try:
        return abs(datetime.fromisoformat(now) - datetime.fromisoformat(intent.created_at)) > ABANDONED_AFTER
    except (ValueError, TypeError):
        return True


def _settle(runtime: Runtime, left: _Left) -> tuple[str, ...]:
    """Make store and provider agree, and forget the intent; return what people must be told."""
    warnings: tuple[str, ...] = ()
    access = runtime.access()
    if left.connector and left.is_known:
        found = _at_provider(access, left.connector, left.intent.path)
        if found and left.is_doubtful and runtime.read(partial(_is_news, left=left, found=found)):
            warnings = _doubt(access, left.connector, left.intent)
        if not warnings:
            runtime.write(lambda session: _follow(session, left, found))
    elif left.connector:
        warnings = _remove(access, left.connector, left.intent)
    runtime.write(lambda session: delete_intents(session.tx, [left.intent.id]))
    return warnings


def _doubt(access: Access, connector: ScopedConnector, intent: Intent) -> tuple[str, ...]:
    """Return a warning if nothing at a provider shows that what it has belongs to the intent's scope.

    Otherwise its holders could make the store take over, and hand out, what others put there.
    """
    try:
        access.check_owner(connector, intent.path, intent.scope_id)
    except (Conflict, NotFound) as error:
        return (
            f"A run left the change of '{intent.path}' at {connector.what} unfinished, and the store did not take over "
            f"what is there now: {error.message} Declare the secret again.",
        )
    return ()


def _remove(access: Access, connector: ScopedConnector, intent: Intent) -> tuple[str, ...]:
    """Remove from a provider what the store does not know. What is not ours, or can't be removed, stays."""
    try:
        access.remove(connector, intent.path, intent.scope_id)
    except NotFound:
        return ()
    except (Conflict, InvalidInput) as error:
        return (f"'{intent.path}' was left at {connector.what}: {error.message}",)
    return ()


class ValueAtProvider(NamedTuple):
    """A value at a provider, with its version there."""

    value: bytes
    version: str

    def __repr__(self) -> str:
        return f"ValueAtProvider(version={self.version!r})"


def _at_provider(access: Access, connector: ScopedConnector, path: str) -> ValueAtProvider | None:
    try:
        found: Found = access.read(connector, path)
        return ValueAtProvider(access.value_in(connector, found.content), found.version)
    except NotFound:
        return None


def _follow(session: Session, left: _Left, found: ValueAtProvider | None) -> None:
    """Bring the store up to date with a provider."""
    chain = session.chain(left.scope)
    secret = _kept(session, chain, left.intent)
    if secret is None:
        return
    if found is None and left.intent.goal == "absent" and left.intent.about == _about(secret):
        session.replace_secret(chain, secret, None)
    elif found is not None and not _is_newest(session, chain, secret, found):
        newer = secret._replace(current_version=secret.current_version + 1, updated_at=session.now)
        session.replace_secret(chain, secret, newer, NewValue(found.value, b"", found.version))


def _about(secret: Secret) -> str:
    return f"{secret.id}@{secret.current_version}"


def _is_news(session: Session, left: _Left, found: ValueAtProvider) -> bool:
    """Tell whether a provider has a value that the store doesn't know."""
    chain = session.chain(left.scope)
    secret = _kept(session, chain, left.intent)
    return secret is not None and not _is_newest(session, chain, secret, found)


def _is_newest(session: Session, chain: list[Scope], secret: Secret, found: ValueAtProvider) -> bool:
    version = session.version(chain, secret, secret.current_version)
    key = session.fingerprint_key(chain, version)
    return hmac.compare_digest(key.fingerprint(secret.id, secret.kind, found.value), version.fingerprint)
