# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs key_rotation by target: the root key, a scope's key, or the data keys that a KMS wraps."""

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
MAX_BATCH_SIZE = 100_000
_OF_TARGET = {
    "root": ("new_root_key_file", "new_root_key", "new_passphrase"),
    "scope": ("destroy_generation",),
    "provider": ("connector",),
}

View = dict[str, Any]


def rotate(runtime: Runtime, request: Request, tell: Tell) -> Result:
    """Rotate the key of the requested target and return the result.

    Raises ScopedSecretsError. The next rotation resumes one that was interrupted.
    """
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
        warning = f"{error.message} In check mode, an earlier task of this run is assumed to create it."
        return Result(True, {"rotation": _identity(target, path)}, warnings=[warning])


def _check_options(target: str, params: View) -> None:
    """Raise InvalidInput for an option of another target, or a batch size out of range."""
    for other, names in _OF_TARGET.items():
        for name in names:
            if other != target and params.get(name) is not None:
                raise InvalidInput(
                    "option_of_other_target",
                    f"The option '{name}' is for 'target: {other}', but the target is '{target}'.",
                    hint=f"Remove '{name}', or set 'target: {other}'.",
                )
    if not 1 <= _batch_size(params) <= MAX_BATCH_SIZE:
        raise InvalidInput(
            "invalid_batch_size",
            f"The option 'batch_size' must be a number from 1 to {MAX_BATCH_SIZE}.",
            hint=f"Remove it: the default, {BATCH_SIZE}, suits most stores.",
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
    return Result(True, {"rotation": _with_totals(view)}, before, after, warnings)


_RESUMED = (
    "An interrupted rotation, or a key that reached its usage limit, had left rows on an older generation. They were "
    "moved, and no new generation was created. Run the rotation again to create one."
)


def _predicted(runtime: Runtime, path: ScopePath, before: View) -> Result:
    """Return what a rotation would do: resume an earlier one, or move all rows to a new generation."""

    def work(session: Session) -> tuple[bool, View]:
        chain = session.chain(path)
        left = count_left(session.tx, chain[-1].id, session.keyring.active(session.tx, chain).generation)
        is_resumed = any(left.values())
        return is_resumed, left if is_resumed else count_left(session.tx, chain[-1].id, 0)

    is_resumed, left = runtime.read(work, path)
    after = dict(before) if is_resumed else {**before, "generation": before["generations"][0]["generation"] + 1}
    view = {**_identity("scope", path), **after, "resumed": is_resumed, "moved": {}, "left": left}
    return Result(True, {"rotation": _with_totals(view)}, before, after)


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
    return Result(changed, {"rotation": _with_totals(view)}, before, after)


def _without(one: View, destroyed: int) -> View:
    """Return the view of a generation after `destroyed` is destroyed; the active one then wraps its fingerprint key."""
    if one["generation"] == destroyed:
        return {**one, "state": "destroyed"}
    return {**one, "rows": one["rows"] + (one["state"] == "active")}


def _shown(session: Session, path: ScopePath) -> View:
    chain = session.chain(path)
    active = next(row.generation for row in keys_of(session.tx, chain[-1].id) if row.state == "active")
    return {"generation": active, "generations": generations_of(session, path)}


def _identity(target: str, path: ScopePath) -> View:
    return {"target": target, "org": path.org, "project": path.project}


def _with_totals(view: View) -> View:
    """Return a view without zero counts, and with the total of those left."""
    counts = {name: {what: n for what, n in view[name].items() if n} for name in ("moved", "left")}
    return {**view, **counts, "left_total": sum(view["left"].values())}


def _not_finished(path: ScopePath, left: dict[str, int]) -> Conflict:
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in left.items() if count)
    return Conflict(
        "rotation_not_finished",
        f"Older generations of the key of {path} are still needed by {counts}: others rotate it at the same time.",
        hint="Run the rotation again when the others have finished.",
        details=left,
    )


_TARGETS: dict[str, Callable[[Runtime, Request, ScopePath, Tell], Result]] = {
    "root": _root,
    "scope": _scope,
    "provider": _provider,
}
