# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's call: from validated options to the task's result. The router and the module files share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..client.connect import connect
from ..model.errors import ScopedSecretsError
from ..model.messages import Request, Result, Tell
from .options import settings_of
from .sources import Files, take_value
from .spec import Spec

__all__ = ["call", "failure", "given_of"]


def call(
    spec: Spec,
    params: dict[str, Any],
    options: dict[str, str],
    *,
    check_mode: bool,
    diff: bool,
    files: Files,
    tell: Tell,
    items: Sequence[Request] = (),
) -> dict[str, Any]:
    """Return the task's result; raise an error of model/errors.py. `options` are the resolved shared options."""
    given = given_of(spec, params, options, files)
    client = connect(settings_of(options))
    try:
        result = client.handle(Request(spec.resource, given, check_mode, tuple(items)), tell)
    except ScopedSecretsError as error:
        error.warnings += client.take_notices()
        raise
    result.warnings += client.take_notices()
    return _task_result(spec, options, given, result, diff)


def given_of(spec: Spec, params: dict[str, Any], options: dict[str, str], files: Files) -> dict[str, Any]:
    """Return the parameters of a module's request; raise InvalidInput if its value can't be read."""
    given = {name: value for name, value in params.items() if value is not None and name in spec.options}
    paths = {name: _absolute(given.pop(name), files) for name in spec.paths if name in given}
    return {**take_value(given, files.read), **paths, "org": options["org"], "project": options["project"]}


def _absolute(given: str | list[str], files: Files) -> str | list[str]:
    return [files.absolute(path) for path in given] if isinstance(given, list) else files.absolute(given)


def _task_result(
    spec: Spec, options: dict[str, str], given: dict[str, Any], result: Result, diff: bool
) -> dict[str, Any]:
    task: dict[str, Any] = {"changed": result.changed, **result.returned}
    if result.warnings:
        task["warnings"] = result.warnings
    if diff and (result.before or result.after):
        header = " ".join([spec.resource, "/".join(filter(None, _place(options, given)))]).strip()
        task["diff"] = {
            "before": result.before,
            "after": result.after,
            "before_header": header,
            "after_header": header,
        }
    return task


def _place(options: dict[str, str], given: dict[str, Any]) -> list[str]:
    return ["account", options["org"], options["project"], given.get("identifier", "")]


def failure(error: ScopedSecretsError) -> dict[str, Any]:
    """Return a failed task's result."""
    result = {"failed": True, "changed": False, "code": error.code, "msg": error.message, "hint": error.hint}
    more = {"details": error.details, "warnings": error.warnings}
    return {**result, **{name: value for name, value in more.items() if value}}
