# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a scope, brought out of the store: into a file, or into a secret of another scope or manager."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...crypto.exported_key import key_text, read_key_text
from ...crypto.scopekey import ScopeKey
from ...model.errors import Conflict, InvalidInput, KeyRefused, NotFound, StoreRefused
from ...model.messages import Request, Result, Tell
from ...model.scopes import ScopePath
from ..backup.files import Draft, belongs_to_store
from ..changes.declare import declare
from ..changes.resource import Plan, View
from ..providers.runtime import Runtime
from ..rows.session import Session
from ..things.secret_views import SecretState
from ..things.secrets import SecretResource
from .rotation import rotate

__all__ = ["export_key"]

# As much as is read of a file to tell whether it has a key: more than any has.
_MOST = 4096


@dataclass(frozen=True, slots=True)
class _Exported:
    """The key that is in force in a scope, and its text."""

    path: ScopePath
    store_id: str
    key: ScopeKey
    text: str = field(repr=False)

    @property
    def view(self) -> View:
        return {
            "level": self.path.level.value,
            "org": self.path.org,
            "project": self.path.project,
            "store_id": self.store_id,
            "scope_id": self.key.scope_id,
            "generation": self.key.generation,
        }


def export_key(runtime: Runtime, request: Request, tell: Tell) -> Result:
    """Return the result of an export; raise an error of the tree."""
    params, check_mode = request.params, request.check_mode
    if not params.get("rotate"):
        return _export(runtime, params, check_mode=check_mode)
    # Whatever stands against the export is found before the key is replaced.
    result = _export(runtime, params, check_mode=True)
    place = {name: params.get(name) for name in ("org", "project")}
    rotated = rotate(runtime, Request("key_rotation", {"target": "scope", **place}, check_mode), tell)
    if check_mode:
        generation = {"generation": rotated.returned["rotation"].get("generation", 1)}
        result.returned["scope_key"].update(generation)
        result.after.update(generation)
    else:
        result = _export(runtime, params, check_mode=check_mode)
    result.changed = True
    result.warnings = [*rotated.warnings, *result.warnings]
    return result


def _export(runtime: Runtime, params: View, *, check_mode: bool) -> Result:
    path = ScopePath.of(params.get("org"), params.get("project"))
    if bool(params.get("dest")) == bool(params.get("secret")):
        raise InvalidInput(
            "key_destination",
            f"Where the key of {path} is to go must be said in one of two ways.",
            hint="Give 'dest' for a file, or 'secret' for a secret of another scope or secret manager.",
        )
    try:
        exported = _key_of(runtime, path)
    except NotFound as error:
        if not check_mode:
            raise
        warning = f"{error.message} In check mode it is taken for one that an earlier task of this run would make."
        place = {"org": path.org, "project": path.project}
        return Result(changed=True, returned={"scope_key": place}, warnings=[warning])
    if params.get("dest"):
        return _KeyFile(runtime, exported, Path(params["dest"]).resolve()).write(check_mode)
    result = declare(runtime, _KeySecret(exported, params["secret"]), check_mode=check_mode)
    result.returned = {"scope_key": {**exported.view, **result.returned}}
    return result


def _key_of(runtime: Runtime, path: ScopePath) -> _Exported:
    """Return the key of a scope; raise NotFound where there is no store, or no such scope, yet."""
    if runtime.store(create=False).is_pretended:
        raise NotFound(
            "no_store",
            "There is no store yet whose keys could be exported.",
            hint="Check 'store'. The first task that declares something makes one.",
        )

    def work(session: Session) -> _Exported:
        key = session.keyring.active(session.tx, session.chain(path))
        return _Exported(path, session.store_id, key, key_text(session.store_id, key))

    return runtime.read(work, path)


class _KeyFile:
    """The file that a key goes to. It replaces an older key of the same scope, and nothing else."""

    def __init__(self, runtime: Runtime, exported: _Exported, dest: Path) -> None:
        self._exported = exported
        self._dest = dest
        if belongs_to_store(dest, runtime.settings):
            raise self._taken("it belongs to the store itself")

    def write(self, check_mode: bool) -> Result:
        """Return the result of writing it, mode 0600, whole or not at all."""
        after = {**self._exported.view, "dest": str(self._dest), "mode": "0600"}
        before, content = self._there()
        line = f"{self._exported.text}\n"
        is_changed = before != after or content != line
        if is_changed and not check_mode:
            with Draft(self._dest, refusal=_not_written) as draft:
                with draft.opened() as file:
                    file.write(line.encode())
                draft.move()
        return Result(is_changed, {"scope_key": after}, before, after)

    def _there(self) -> tuple[View, str]:
        """Return the file that is there, empty where none is; raise Conflict for one that is not replaced."""
        try:
            info = self._dest.stat()
            if not stat.S_ISREG(info.st_mode):
                raise self._taken("it is no file")
            with self._dest.open("rb") as file:
                content = file.read(_MOST).decode("ascii", "replace")
        except FileNotFoundError:
            return {}, ""
        except OSError as error:
            raise _not_written(self._dest, error) from None
        try:
            found = read_key_text(content, str(self._dest))
        except KeyRefused:
            raise self._taken("it is something else") from None
        there = found.store_id, found.key.scope_id
        if there != (self._exported.store_id, self._exported.key.scope_id):
            raise self._taken("it is the key of another scope")
        own = {"generation": found.key.generation, "dest": str(self._dest), "mode": f"{stat.S_IMODE(info.st_mode):04o}"}
        return {**self._exported.view, **own}, content

    def _taken(self, why: str) -> Conflict:
        return Conflict(
            "dest_taken",
            f"{self._dest} is not replaced by the key of {self._exported.path}: {why}.",
            hint="Name another 'dest', or move that file away.",
        )


def _not_written(path: Path, error: OSError) -> StoreRefused:
    return StoreRefused(
        "scope_key_not_written",
        f"The scope key can't be written to {path}: {error.strerror or type(error).__name__}.",
        hint="'dest' is a path on the control node. Make its folder, and let the user who runs Ansible write there.",
    )


class _KeySecret(SecretResource):
    """The text secret that a key is kept as."""

    def __init__(self, exported: _Exported, where: dict[str, Any]) -> None:
        given = {name: value for name, value in where.items() if value is not None}
        super().__init__({**given, "value": exported.text.encode()}, "text")
        self._exported = exported

    def plan(self, state: SecretState) -> Plan:
        keeper = self._keeper(state)
        if self._exported.path in self.path.from_account and (keeper is None or keeper.keeps_keys):
            raise InvalidInput(
                "key_in_its_own_scope",
                f"The key of {self._exported.path} would be kept in {self.path}, sealed with itself: nobody could get "
                "it from there who does not have it.",
                hint="Keep it in a scope above ('org' and 'project' within 'secret'), or with a 'secret_manager' that "
                "has the values itself.",
            )
        return super().plan(state)
