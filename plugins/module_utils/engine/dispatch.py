# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which code handles the call of a module: declarations, lists, operations."""

from __future__ import annotations

from collections.abc import Callable

from ..model.audit import OK, Event, Subject, moment
from ..model.checks import with_summary
from ..model.errors import ScopedSecretsError
from ..model.messages import Request, Result, Tell
from ..model.scopes import ACCOUNT, ScopePath
from .changes.declare import declare
from .providers.runtime import Runtime
from .rows.missing_store import no_store
from .things.connector_views import ConnectorCheck
from .things.registry import INFOS, resource_of

__all__ = ["OPERATIONS", "handle"]


def handle(runtime: Runtime, request: Request, tell: Tell) -> Result:
    """Return the result of a module's call; raise a ScopedSecretsError."""
    if request.resource in OPERATIONS:
        return _operate(runtime, request, tell)
    if request.resource == "doctor":
        return _examine(runtime, request)
    if request.resource == "connector_check":
        return _check_connector(runtime, ConnectorCheck(request.params), may_write=not request.check_mode)
    if request.resource in INFOS:
        info = INFOS[request.resource](request.params)
        found = Result(returned={info.noun: runtime.read(info.views, info.path)})
        if runtime.store(create=False).is_pretended:
            found.warnings.append(no_store(runtime.settings))
        return found
    return declare(runtime, resource_of(request), check_mode=request.check_mode)


def _declare_manifest(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .manifest.manifest import declare_manifest

    return declare_manifest(runtime, request, tell)


def _back_up(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .backup.backup import back_up

    return back_up(runtime.settings, request.params, check_mode=request.check_mode, tell=tell)


def _restore(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .backup.restore import restore

    result = restore(runtime.settings, request.params, check_mode=request.check_mode, tell=tell)
    runtime.shared.restored += result.changed
    return result


def _describe_store(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .reports.store_views import store_view

    return Result(returned={"store": store_view(runtime)})


def _show_audit(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .audit.chains import save_marks
    from .audit.info import AuditInfo

    info = AuditInfo(request.params, runtime.settings)
    runtime.shared.write_out()
    result = Result(returned=runtime.read(info.view, info.path))
    if not request.check_mode:
        result.warnings += save_marks(runtime.append, info.path, info.marks)
    return result


def _archive_audit(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .backup.audit_archive import archive_audit

    return archive_audit(runtime, request.params, check_mode=request.check_mode)


def _rotate(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .keys.rotation import rotate

    return rotate(runtime, request, tell)


def _prepare_database(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .store_database import prepare_database

    return prepare_database(runtime.settings, request.params, check_mode=request.check_mode)


def _see_to_root_key(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .keys.root_keys import see_to_root_key

    return see_to_root_key(runtime.settings, check_mode=request.check_mode)


def _export_key(runtime: Runtime, request: Request, tell: Tell) -> Result:
    from .keys.scope_keys import export_key

    return export_key(runtime, request, tell)


# Modules that do not declare a thing. Few runs need their code, so it is imported on use.
OPERATIONS: dict[str, Callable[[Runtime, Request, Tell], Result]] = {
    "manifest": _declare_manifest,
    "store_backup": _back_up,
    "store_restore": _restore,
    "store_info": _describe_store,
    "audit_info": _show_audit,
    "audit_archive": _archive_audit,
    "key_rotation": _rotate,
    "root_key": _see_to_root_key,
    "store_database": _prepare_database,
    "scope_key": _export_key,
}


# Audited operations and their action names.
_RECORDED = {
    "store_backup": "backup",
    "store_restore": "restore",
    "scope_key": "export",
    "key_rotation": "rotate",
    "audit_archive": "archive",
}
# Operations that record their success themselves, in the transaction that they change the store in.
_RECORDED_WITHIN = frozenset({"audit_archive"})


def _operate(runtime: Runtime, request: Request, tell: Tell) -> Result:
    operation, action = OPERATIONS[request.resource], _RECORDED.get(request.resource)
    if action is None or request.check_mode:
        return operation(runtime, request, tell)
    subject, outcome = _subject_of(request), OK
    path = ScopePath(*subject.scope.split("/")[1:])
    runtime.audit.ensure(path)
    try:
        return operation(runtime, request, tell)
    except ScopedSecretsError as error:
        outcome = error.code
        raise
    finally:
        if outcome != OK or request.resource not in _RECORDED_WITHIN:
            runtime.audit.take([Event(path, action, outcome, subject, moment())])


def _subject_of(request: Request) -> Subject:
    """Return what an operation is about: the whole store, or a scope."""
    if request.resource.startswith("store_"):
        return Subject("store", ACCOUNT.announced)
    path = ScopePath.of(request.params.get("org"), request.params.get("project"))
    return Subject("scope", path.announced, path.identifier)


def _examine(runtime: Runtime, request: Request) -> Result:
    # Imported here: importlib.metadata takes 20 ms to load.
    from .reports.doctor import examine, examine_commands, examine_unfinished, used_settings
    from .reports.health import examine_health
    from .reports.history import examine_history

    is_accepted = bool(request.params.get("accept_rollback"))
    # First, since the other checks read the store.
    history, changed = examine_history(runtime, is_accepted=is_accepted, check_mode=request.check_mode)
    unfinished = examine_unfinished(runtime, check_mode=request.check_mode)
    is_verified = bool(request.params.get("verify", True))
    tried = examine_health(runtime, is_verified=is_verified, check_mode=request.check_mode)
    checks = [*examine(runtime.settings, runtime.place), *history, *tried, *examine_commands(runtime), *unfinished]
    usage, settings = runtime.shared.usage.counts(), used_settings(runtime.settings)
    fail_on = str(request.params.get("fail_on") or "never")
    return Result(changed, {**with_summary(checks, fail_on), "settings": settings, "usage": usage})


def _check_connector(runtime: Runtime, check: ConnectorCheck, *, may_write: bool) -> Result:
    connector, view = runtime.read(check.load, check.path)
    access = runtime.access()
    outcome = check.outcome(access, connector, view, may_write=may_write)
    return Result(returned={check.noun: outcome}, warnings=access.warnings)
