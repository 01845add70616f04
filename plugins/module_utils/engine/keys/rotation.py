# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of keys, as the module asks for them: of the root key, of a scope's key, and at a KMS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...model.errors import Conflict, InvalidInput, NotFound
from ...model.messages import Request, Result, Tell
from ...model.scopes import ScopePath
from ...store.rotation import count_left
from ...store.scopes import keys_of
from ..providers.runtime import Runtime
from ..rows.session import Session
from .provider_rotation import rotate_at_provider
from .root_rotation import no_store, rotate_root
from .scope_rotation import ScopeRotation, destroy_generation, generations_of, is_destroyable

__all__ = ["rotate"]

BATCH_SIZE = 500
MOST_AT_ONCE = 100_000
_OF_TARGET = {
    "root": ("new_root_key_file", "new_root_key", "new_passphrase"),
    "scope": ("destroy_generation",),
    "provider": ("connector",),
}

View = dict[str, Any]


def rotate(runtime: Runtime, request: Request, tell: Tell) -> Result:
    """Return the result of a rotation; raise an error of the tree. What was done by then is gone on with."""
    params, path = request.params, ScopePath.of(request.params.get("org"), request.params.get("project"))
    target = params["target"]
    _check_options(target, params)
    try:
        if target != "root" and runtime.store(create=False).is_pretended:
            raise no_store()
        with runtime.turn(("key_rotation", target, path)):
            return _TARGETS[target](runtime, request, path, tell)
    except NotFound as error:
        if not request.check_mode or error.code not in ("no_store", "unknown_scope"):
            raise
        warning = f"{error.message} In check mode it is taken for one that an earlier task of this run would make."
        return Result(True, {"rotation": _identity(target, path)}, warnings=[warning])


def _check_options(target: str, params: View) -> None:
    """Raise InvalidInput for an option that is about another target."""
    for other, names in _OF_TARGET.items():
        for name in names:
            if other != target and params.get(name) is not None:
                raise InvalidInput(
                    "option_of_other_target",
                    f"The option '{name}' is for 'target: {other}', and the target is '{target}'.",
                    hint=f"Leave '{name}' out, or set 'target: {other}'.",
                )
    if not 1 <= _batch_size(params) <= MOST_AT_ONCE:
        raise InvalidInput(
            "invalid_batch_size",
            f"The option 'batch_size' is a number from 1 to {MOST_AT_ONCE}.",
            hint=f"Leave it out: {BATCH_SIZE} suits most stores.",
        )


def _batch_size(params: View) -> int:
    given = params.get("batch_size")
    return BATCH_SIZE if given is None else int(given)


def _root(runtime: Runtime, request: Request, path: ScopePath, tell: Tell) -> Result:
    return rotate_root(runtime, request.params, check_mode=request.check_mode, tell=tell)


def _provider(runtime: Runtime, request: Request, path: ScopePath, tell: Tell) -> Result:
    batch_size = _batch_size(request.params)
    return rotate_at_provider(
        runtime, path, request.params, batch_size=batch_size, check_mode=request.check_mode, tell=tell
    )


def _scope(runtime: Runtime, request: Request, path: ScopePath, tell: Tell) -> Result:
    if request.params.get("destroy_generation") is not None:
        return _destroy(runtime, path, int(request.params["destroy_generation"]), request.check_mode)
    before = runtime.read(lambda session: _shown(session, path), path)
    if request.check_mode:
        return _predicted(runtime, path, before)
    rotation = ScopeRotation(runtime, path, batch_size=_batch_size(request.params), tell=tell)
    left = rotation.run()
    if any(left.values()):
        raise _not_finished(path, left)
    after = runtime.read(lambda session: _shown(session, path), path)
    view = {**_identity("scope", path), **after, "resumed": rotation.is_resumed, "moved": rotation.moved, "left": left}
    warnings = [_RESUMED] if rotation.is_resumed else []
    return Result(True, {"rotation": _plain(view)}, before, after, warnings)


_RESUMED = (
    "A rotation that was cut off, or a key that was worn out, had left rows on an older generation: they were moved, "
    "and no new generation was made. Run it again for one."
)


def _predicted(runtime: Runtime, path: ScopePath, before: View) -> Result:
    """Return what a rotation would do: go on with an earlier one, or move all rows to a new generation."""

    def work(session: Session) -> tuple[bool, View]:
        chain = session.chain(path)
        left = count_left(session.tx, chain[-1].id, session.keyring.active(session.tx, chain).generation)
        is_resumed = any(left.values())
        return is_resumed, left if is_resumed else count_left(session.tx, chain[-1].id, 0)

    is_resumed, left = runtime.read(work, path)
    after = dict(before) if is_resumed else {**before, "generation": before["generations"][0]["generation"] + 1}
    view = {**_identity("scope", path), **after, "resumed": is_resumed, "moved": {}, "left": left}
    return Result(True, {"rotation": _plain(view)}, before, after)


def _destroy(runtime: Runtime, path: ScopePath, generation: int, check_mode: bool) -> Result:
    before = runtime.read(lambda session: _shown(session, path), path)

    if check_mode:
        changed = runtime.read(lambda session: is_destroyable(session, path, generation), path)
        rows = [_without(one, generation) if changed else one for one in before["generations"]]
        after = {**before, "generations": rows}
    else:
        changed = runtime.write(lambda session: destroy_generation(session, path, generation), path)
        after = runtime.read(lambda session: _shown(session, path), path)
    view = {**_identity("scope", path), **after, "resumed": False, "moved": {}, "left": {}}
    return Result(changed, {"rotation": _plain(view)}, before, after)


def _without(one: View, destroyed: int) -> View:
    """Return what a generation is once another, or this one, is destroyed. The active one keeps its fingerprint key."""
    if one["generation"] == destroyed:
        return {**one, "state": "destroyed"}
    return {**one, "rows": one["rows"] + (one["state"] == "active")}


def _shown(session: Session, path: ScopePath) -> View:
    chain = session.chain(path)
    active = next(row.generation for row in keys_of(session.tx, chain[-1].id) if row.state == "active")
    return {"generation": active, "generations": generations_of(session, path)}


def _identity(target: str, path: ScopePath) -> View:
    return {"target": target, "org": path.org, "project": path.project}


def _plain(view: View) -> View:
    """Return a view with what is nought left out of its counts, and with their sum."""
    counts = {name: {what: n for what, n in view[name].items() if n} for name in ("moved", "left")}
    return {**view, **counts, "left_total": sum(view["left"].values())}


def _not_finished(path: ScopePath, left: dict[str, int]) -> Conflict:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in left.items() if count)
    return Conflict(
        "rotation_not_finished",
        f"The key of {path} is still needed in an older generation, by {counts}: others rotate it at the same time.",
        hint="Run it again once they have ended.",
        details=left,
    )


_TARGETS: dict[str, Callable[[Runtime, Request, ScopePath, Tell], Result]] = {
    "root": _root,
    "scope": _scope,
    "provider": _provider,
}
