# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules ask of the engine: things declared, listed, checked."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..model.audit import OK, Event, Subject, moment
from ..model.errors import InvalidInput, NotFound, ScopedSecretsError, Unavailable
from ..model.messages import Request, Result, Tell
from ..model.scopes import ACCOUNT, ScopePath
from .changes.change import Change
from .changes.intents import Moved
from .changes.resource import Action, Info, Resource
from .providers.access import Access
from .things.connector_views import ConnectorCheck, ConnectorInfo
from .things.connectors import ConnectorResource
from .things.credentials import CredentialResource
from .things.defaults import DefaultManagerResource
from .things.scopes import ScopeInfo, ScopeResource
from .things.secret_views import SecretInfo
from .things.secrets import SecretResource
from .things.shares import ShareResource

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["INFOS", "OPERATIONS", "RESOURCES", "declare", "handle", "record_refusal", "resource_of", "turn_of"]

# Seconds for which a declaration begins anew whenever others were faster: each time, one of them has got on.
PATIENCE = 60.0
_jitter = random.SystemRandom()

RESOURCES: dict[str, Callable[[dict[str, Any]], Resource[Any]]] = {
    "scope": ScopeResource,
    "default_secret_manager": DefaultManagerResource,
    "secret_text": partial(SecretResource, kind="text"),
    "secret_file": partial(SecretResource, kind="file"),
    "secret_ssh": partial(CredentialResource, kind="ssh"),
    "secret_share": ShareResource,
    "secret_winrm": partial(CredentialResource, kind="winrm"),
}
INFOS: dict[str, Callable[[dict[str, Any]], Info]] = {
    "scope_info": ScopeInfo,
    "connector_info": ConnectorInfo,
    "secret_info": SecretInfo,
}
# The rest of the name is the kind: connector_hashicorp_vault, …
_CONNECTOR = "connector_"


def handle(engine: Engine, request: Request, tell: Tell) -> Result:
    """Return the result of a module's call; raise an error of the tree in model/errors.py."""
    if request.resource in OPERATIONS:
        return _operate(engine, request, tell)
    if request.resource == "doctor":
        return _examine(engine, request.check_mode)
    if request.resource == "connector_check":
        return _check_connector(engine, ConnectorCheck(request.params))
    if request.resource in INFOS:
        info = INFOS[request.resource](request.params)
        return Result(returned={info.noun: engine.read(info.views, info.path)})
    return declare(engine, resource_of(request), request.check_mode)


def _declare_manifest(engine: Engine, request: Request, tell: Tell) -> Result:
    from .manifest.manifest import declare_manifest

    return declare_manifest(engine, request, tell)


def _back_up(engine: Engine, request: Request, tell: Tell) -> Result:
    from .backup.backup import back_up

    return back_up(engine.settings, request.params, check_mode=request.check_mode, tell=tell)


def _restore(engine: Engine, request: Request, tell: Tell) -> Result:
    from .backup.restore import restore

    result = restore(engine.settings, request.params, check_mode=request.check_mode, tell=tell)
    engine.shared.restored += result.changed
    return result


def _describe_store(engine: Engine, request: Request, tell: Tell) -> Result:
    from .reports.store_views import store_view

    return Result(returned={"store": store_view(engine)})


def _show_audit(engine: Engine, request: Request, tell: Tell) -> Result:
    from .audit.info import AuditInfo

    info = AuditInfo(request.params)
    engine.shared.write_out()
    return Result(returned=engine.read(info.view, info.path))


def _rotate(engine: Engine, request: Request, tell: Tell) -> Result:
    from .keys.rotation import rotate

    return rotate(engine, request, tell)


def _prepare_database(engine: Engine, request: Request, tell: Tell) -> Result:
    from .store_database import prepare_database

    return prepare_database(engine.settings, request.params, check_mode=request.check_mode)


def _see_to_root_key(engine: Engine, request: Request, tell: Tell) -> Result:
    from .keys.root_keys import see_to_root_key

    return see_to_root_key(engine.settings, check_mode=request.check_mode)


def _export_key(engine: Engine, request: Request, tell: Tell) -> Result:
    from .keys.scope_keys import export_key

    return export_key(engine, request, tell, declare)


# What is no declaration. Few runs need the code, so it is loaded then.
OPERATIONS: dict[str, Callable[[Engine, Request, Tell], Result]] = {
    "manifest": _declare_manifest,
    "store_backup": _back_up,
    "store_restore": _restore,
    "store_info": _describe_store,
    "audit_info": _show_audit,
    "key_rotation": _rotate,
    "root_key": _see_to_root_key,
    "store_database": _prepare_database,
    "scope_key": _export_key,
}


# Those of which a record is made, and what that calls them.
_RECORDED = {"store_backup": "backup", "store_restore": "restore", "scope_key": "export", "key_rotation": "rotate"}


def _operate(engine: Engine, request: Request, tell: Tell) -> Result:
    operation, action = OPERATIONS[request.resource], _RECORDED.get(request.resource)
    if action is None or request.check_mode:
        return operation(engine, request, tell)
    subject, outcome = _subject_of(request), OK
    path = ScopePath(*subject.scope.split("/")[1:])
    engine.audit.ensure(path)
    try:
        return operation(engine, request, tell)
    except ScopedSecretsError as error:
        outcome = error.code
        raise
    finally:
        engine.audit.take([Event(path, action, outcome, subject, moment())])


def _subject_of(request: Request) -> Subject:
    """Return what an operation is about: the store as a whole, or a scope."""
    if request.resource.startswith("store_"):
        return Subject("store", ACCOUNT.announced)
    path = ScopePath.of(request.params.get("org"), request.params.get("project"))
    return Subject("scope", path.announced, path.identifier)


def _examine(engine: Engine, check_mode: bool) -> Result:
    # Imported here: what it asks for versions takes 20 ms to load.
    from .reports.doctor import examine, examine_unfinished, used_settings

    checks = [*examine(engine.settings, engine.place), *examine_unfinished(engine, check_mode=check_mode)]
    healthy = all(check["verdict"] != "error" for check in checks)
    usage, settings = engine.shared.usage.counts(), used_settings(engine.settings)
    return Result(returned={"healthy": healthy, "checks": checks, "settings": settings, "usage": usage})


def _check_connector(engine: Engine, check: ConnectorCheck) -> Result:
    keeper, view = engine.read(check.load, check.path)
    return Result(returned={check.noun: check.outcome(engine.access(), keeper, view)})


def resource_of(request: Request) -> Resource[Any]:
    """Return what a request declares; raise InvalidInput."""
    if request.resource in RESOURCES:
        return RESOURCES[request.resource](request.params)
    if request.resource.startswith(_CONNECTOR):
        return ConnectorResource(request.params, kind=request.resource.removeprefix(_CONNECTOR))
    raise InvalidInput(
        "unknown_resource",
        f"This engine knows no '{request.resource}'.",
        hint="Two versions of the collection may be installed: ansible-galaxy collection list scoped.secrets",
    )


def declare(engine: Engine, resource: Resource[Any], check_mode: bool) -> Result:
    """Return the result of making what is there what the resource says; raise an error of the tree."""
    try:
        return _declare(engine, resource, check_mode)
    except ScopedSecretsError as error:
        if not check_mode:
            record_refusal(engine, resource, error)
        raise


def record_refusal(engine: Engine, resource: Resource[Any], error: ScopedSecretsError) -> None:
    """Have it recorded that a thing was not declared."""
    action = "delete" if resource.absent else "write"
    # What went wrong first is what people must hear of.
    with contextlib.suppress(ScopedSecretsError):
        engine.audit.take([Event(resource.path, action, error.code, resource.subject, moment())])


def turn_of(resource: Resource[Any]) -> tuple[str, ScopePath, str]:
    """Return what one caller at a time declares."""
    return resource.noun, resource.path, str(resource.params.get("identifier") or "")


def _declare(engine: Engine, resource: Resource[Any], check_mode: bool) -> Result:
    engine.store(create=not check_mode and not resource.absent)
    warnings = () if check_mode else engine.settle_left()
    until, pause = time.monotonic() + PATIENCE, 0.02
    while True:
        try:
            with engine.turn(turn_of(resource)):
                result = _declare_once(engine, resource, check_mode)
                result.warnings = [*warnings, *result.warnings]
                return result
        except Moved:
            if time.monotonic() > until:
                raise _changed_meanwhile() from None
            time.sleep(_jitter.uniform(0, pause))
            pause = min(2 * pause, 1.0)


def _changed_meanwhile() -> Unavailable:
    return Unavailable(
        "changed_meanwhile",
        f"What this task declares was changed by others, again and again, for {PATIENCE:.0f} seconds.",
        hint="Run it again; let one playbook declare a secret, not several at once.",
        retryable=True,
    )


def _declare_once(engine: Engine, resource: Resource[Any], check_mode: bool) -> Result:
    """Plan on a plain view first, so that a run which changes nothing takes no write lock."""
    access: Access = engine.access()
    try:
        state = resource.observe(access, engine.read(resource.load, resource.path))
    except NotFound as error:
        return _without_scope(resource, error, check_mode)
    plan = resource.plan(state)
    if plan.action is not Action.NONE and not check_mode:
        change = Change(engine, access, resource, state, plan)
        change.run()
        state, plan = change.state, change.plan
    return resource.result(state, plan, is_predicted=check_mode, warnings=access.warnings)


def _without_scope(resource: Resource[Any], error: ScopedSecretsError, check_mode: bool) -> Result:
    """A missing scope: nothing to remove there; in check mode an earlier task of the run may be about to make it."""
    if error.code != "unknown_scope" or not (resource.absent or check_mode):
        raise error
    if resource.absent:
        return Result(returned={resource.noun: None})
    warning = f"{error.message} In check mode it is taken for one that an earlier task of this run would make."
    return Result(changed=True, returned={resource.noun: resource.identity}, warnings=[warning])
