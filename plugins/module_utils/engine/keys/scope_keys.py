# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports the key of a scope: to a file, or to a secret in another scope or secret manager."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...crypto.exported_key import key_text, read_key_text
from ...crypto.scopekey import ScopeKey
from ...model.errors import Conflict, InvalidInput, KeyRefused, NotFound, StoreRefused
from ...model.messages import Request, Result, Tell, View
from ...model.scopes import ScopePath
from ...processes.folders import foreign_link
from ..backup.files import Draft
from ..changes.declare import declare
from ..changes.resource import Plan
from ..providers.runtime import Runtime
from ..rows.own_files import belongs_to_store
from ..rows.session import Session
from ..things.secret_views import SecretState
from ..things.secrets import SecretResource
from .rotation import rotate

__all__ = ["export_key"]

# Bytes read to tell whether a file holds a scope key; exported keys are shorter.
_MAX_KEY_TEXT = 4096


@dataclass(frozen=True, slots=True)
class _Exported:
    """The active key of a scope, and its text form."""

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
    """Export the key of a scope, rotating it first if asked, and return the result.

    Raises ScopedSecretsError.
    """
    params, check_mode = request.params, request.check_mode
    if not params.get("rotate"):
        return _export(runtime, params, check_mode=check_mode)
    # Plan the export first: if it can't work, the key must not be rotated.
    result = _export(runtime, params, check_mode=True)
    place = {name: params.get(name) for name in ("org", "project")}
    rotated = rotate(runtime, Request("key_rotation", {"target": "scope", **place}, check_mode), tell)
    if check_mode:
        rotation: Any = rotated.returned["rotation"]
        exported: Any = result.returned["scope_key"]
        generation = {"generation": rotation.get("generation", 1)}
        exported.update(generation)
        result.after.update(generation)
    else:
        result = _export(runtime, params, check_mode=check_mode)
    result.changed = True
    result.warnings = [*rotated.warnings, *result.warnings]
    return result


def _export(runtime: Runtime, params: dict[str, Any], *, check_mode: bool) -> Result:
    path = ScopePath.of(params.get("org"), params.get("project"))
    if bool(params.get("dest")) == bool(params.get("secret")):
        raise InvalidInput(
            "key_destination",
            f"Exporting the key of {path} needs exactly one of 'dest' and 'secret'.",
            hint="Set 'dest' for a file, or 'secret' for a secret in another scope or secret manager.",
        )
    try:
        exported = _key_of(runtime, path)
    except NotFound as error:
        if not check_mode:
            raise
        warning = f"{error.message} In check mode, an earlier task of this run is assumed to create it."
        place = {"org": path.org, "project": path.project}
        return Result(changed=True, returned={"scope_key": place}, warnings=[warning])
    if params.get("dest"):
        return _KeyFile(runtime, exported, Path(params["dest"])).write(check_mode)
    if not check_mode:
        # Plan it first: a key that goes nowhere is not handed out.
        declare(runtime, _KeySecret(exported, params["secret"]), check_mode=True)
        _mark(runtime, path)
    result = declare(runtime, _KeySecret(exported, params["secret"]), check_mode=check_mode)
    result.returned = {"scope_key": {**exported.view, **result.returned}}
    return result


def _key_of(runtime: Runtime, path: ScopePath) -> _Exported:
    """Return the active key of a scope; raise NotFound if the store or the scope does not exist yet."""
    if runtime.store(create=False).is_pretended:
        raise NotFound(
            "no_store",
            "There is no store yet, so there is no key to export.",
            hint="Check 'store'. The first task that declares something creates the store.",
        )

    def work(session: Session) -> _Exported:
        key = session.keyring.active(session.tx, session.chain(path))
        return _Exported(path, session.store_id, key, key_text(session.store_id, key))

    return runtime.read(work, path)


def _mark(runtime: Runtime, path: ScopePath) -> None:
    """Mark the key of a scope as handed out, before it is."""
    if not runtime.read(lambda session: session.is_handed_out(session.chain(path)), path):
        runtime.write(lambda session: session.keyring.mark_handed_out(session.tx, session.chain(path)), path)


class _KeyFile:
    """The file that a key is exported to. Only a file with a key of the same scope is replaced."""

    def __init__(self, runtime: Runtime, exported: _Exported, dest: Path) -> None:
        self._runtime = runtime
        self._exported = exported
        self._dest = dest
        link = foreign_link(str(dest))
        if link:
            raise self._taken(f"{link} is a symbolic link of another user")
        self._dest = dest = dest.resolve()
        if belongs_to_store(dest, runtime.settings):
            raise self._taken("it belongs to the store itself")

    def write(self, check_mode: bool) -> Result:
        """Write the file atomically with mode 0600 if it differs, and return the result."""
        after = {**self._exported.view, "dest": str(self._dest), "mode": "0600"}
        before, content = self._existing()
        line = f"{self._exported.text}\n"
        is_changed = before != after or content != line
        if is_changed and not check_mode:
            with Draft(self._dest, refusal=_not_written) as draft:
                with draft.opened() as file:
                    # Not before: a key that can't be written is not handed out.
                    _mark(self._runtime, self._exported.path)
                    file.write(line.encode())
                draft.move()
        elif not check_mode:
            # A restored store may not have the mark.
            _mark(self._runtime, self._exported.path)
        return Result(is_changed, {"scope_key": after}, before, after)

    def _existing(self) -> tuple[View, str]:
        """Return the existing file's view and text (empty: no file); raise Conflict for one that must stay."""
        try:
            info = self._dest.stat()
            if not stat.S_ISREG(info.st_mode):
                raise self._taken("it is not a regular file")
            with self._dest.open("rb") as file:
                content = file.read(_MAX_KEY_TEXT).decode("ascii", "replace")
        except FileNotFoundError:
            return {}, ""
        except OSError as error:
            raise _not_written(self._dest, error) from None
        try:
            found = read_key_text(content, str(self._dest))
        except KeyRefused:
            raise self._taken("it does not hold a scope key") from None
        owner = found.store_id, found.key.scope_id
        if owner != (self._exported.store_id, self._exported.key.scope_id):
            raise self._taken("it holds the key of another scope")
        own: View = {
            "generation": found.key.generation,
            "dest": str(self._dest),
            "mode": f"{stat.S_IMODE(info.st_mode):04o}",
        }
        return {**self._exported.view, **own}, content

    def _taken(self, why: str) -> Conflict:
        return Conflict(
            "dest_taken",
            f"The key of {self._exported.path} does not replace {self._dest}: {why}.",
            hint="Set 'dest' to another path, or move that file away.",
        )


def _not_written(path: Path, error: OSError) -> StoreRefused:
    return StoreRefused(
        "scope_key_not_written",
        f"The scope key can't be written to {path}: {error.strerror or type(error).__name__}.",
        hint="'dest' is a path on the control node. Create its folder, and let the user who runs Ansible write there.",
    )


class _KeySecret(SecretResource):
    """The text secret that an exported key is stored in."""

    def __init__(self, exported: _Exported, where: dict[str, Any]) -> None:
        given = {name: value for name, value in where.items() if value is not None}
        super().__init__({**given, "value": exported.text.encode()}, "text")
        self._exported = exported

    def plan(self, state: SecretState) -> Plan:
        connector = self._connector(state)
        if self._exported.path in self.path.from_account and (connector is None or connector.keeps_keys):
            raise InvalidInput(
                "key_in_its_own_scope",
                f"The key of {self._exported.path} can't be stored in {self.path}: it would be sealed with itself, and "
                "only those who already have it could read it.",
                hint="Store it in a higher scope (set 'org' and 'project' within 'secret'), or set 'secret_manager' "
                "to one that stores values itself.",
            )
        return super().plan(state)
