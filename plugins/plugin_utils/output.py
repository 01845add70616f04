# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks the output of ansible-core at the points through which all of it passes, which are the same in 2.18 to 2.22.

A callback can't mask for others: they run one after the other, the one for stdout first. So this module patches what
all of them receive: events, the results in them, and the text that is displayed or logged.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from inspect import getattr_static
from typing import Any

from ansible.executor import task_result
from ansible.executor.stats import AggregateStats
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.included_file import IncludedFile
from ansible.utils.display import Display

from ..module_utils.face.censor import with_prose

Mask = Callable[[Any], Any]

# Fields of plays and tasks that people write or templates fill. The others belong to ansible-core.
_NAMES = """
name args vars environment loop when changed_when failed_when until delegate_to remote_user become_user filename
custom"""
_WRITTEN = frozenset(_NAMES.split())
# Whose results have values in their prose only.
_OURS = "scoped.secrets."
# What callbacks calculate with or print as numbers and times, and how it looks: other data may have these names too.
_NUMBERS = ("attempts", "retries", "rc")
_TIMES = ("start", "end", "delta")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d |\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?")
# What ansible-core adds to the result of an item of a loop, besides the item itself.
_OF_A_LOOP = ("_ansible_item_label", "ansible_loop")


def mask_events(mask: Mask, after: Callable[[], None]) -> None:
    """Mask the events that callbacks receive. `after` is called each time all callbacks have received an event."""
    send = TaskQueueManager.send_callback

    @wraps(send)
    def send_callback(self: Any, method_name: str, *args: Any, **kwargs: Any) -> None:
        masked = [_mask_argument(argument, mask) for argument in args]
        send(self, method_name, *masked, **{name: mask(value) for name, value in kwargs.items()})
        after()

    TaskQueueManager.send_callback = send_callback


def _mask_argument(argument: Any, mask: Mask) -> Any:
    """Return an argument of an event, such as a play or task, masked. Results are left to `mask_results`."""
    if isinstance(argument, (str, dict, list)):
        return mask(argument)
    if not isinstance(argument, (FieldAttributeBase, IncludedFile, AggregateStats)):
        return argument
    changed = _changed(vars(argument), mask)
    if not changed:
        return argument
    # Change a copy only: the run continues with the original.
    twin = copy.copy(argument)
    vars(twin).update(changed)
    return twin


def _changed(fields: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    written = {name: value for name, value in fields.items() if name.lstrip("_") in _WRITTEN}
    masked = {name: mask(value) for name, value in written.items()}
    return {name: value for name, value in masked.items() if value is not written[name]}


def mask_results(mask: Mask) -> None:
    """Mask the results that callbacks receive, each of them its own copy. Registered variables and facts stay as is."""
    # Callbacks know the class by this name in all versions. In 2.18, the run itself uses it too.
    kind = task_result.TaskResult
    if hasattr(kind, "clean_copy"):  # pragma: no cover -- only ansible-core 2.18: unit tests run there too
        _mask_copies(kind, mask)
    else:
        _mask_properties(kind, mask)


def _mask_copies(kind: Any, mask: Mask) -> None:  # pragma: no cover -- only ansible-core 2.18
    """Mask the copies that ansible-core 2.18 makes for callbacks."""
    clean_copy = kind.clean_copy

    @wraps(clean_copy)
    def masked_copy(self: Any) -> Any:
        result = clean_copy(self)
        result._result = _mask_result(result._result, self._task, mask)
        result._task = _mask_argument(result._task, mask)
        result._task_fields = _mask_fields(result._task_fields, mask)
        return result

    kind.clean_copy = masked_copy


def _mask_fields(fields: Mapping[str, Any], mask: Mask) -> Mapping[str, Any]:
    changed = _changed(fields, mask)
    return {**fields, **changed} if changed else fields


def _mask_properties(kind: Any, mask: Mask) -> None:
    """Mask the properties of results that callbacks read, from ansible-core 2.19 on."""
    _replace_property(kind, "result", lambda self, found: _mask_result(found, self._task, mask))
    for name in ("exception", "warnings", "deprecations", "task_name"):
        _mask_property(kind, name, mask)
    for name in ("task", "_task"):
        _mask_property(kind, name, lambda task: _mask_argument(task, mask))
    for name in ("task_fields", "_task_fields"):
        _mask_property(kind, name, lambda fields: _mask_fields(fields, mask))


def _mask_result(result: Mapping[str, Any], task: Any, mask: Mask) -> Any:
    """Return a result masked: one of ours in its prose and in the item of a loop, any other everywhere."""
    # The property `resolved_action` of newer releases warns where it can't tell.
    resolved = vars(task).get("_resolved_action") or vars(task).get("resolved_action")
    if not str(resolved or task.action).startswith(_OURS):
        return _mask_foreign(result, mask)
    masked = _mask_item(with_prose(result, mask), mask)
    if isinstance(masked.get("results"), list):
        masked["results"] = [_mask_item(item, mask) for item in masked["results"]]
    return masked


def _mask_foreign(result: Mapping[str, Any], mask: Mask) -> Any:
    """Return a result of another module masked, of which callbacks can still use what they calculate with."""
    masked = mask(result)
    if masked is result:
        return result
    items, masked_items = result.get("results"), masked.get("results")
    if isinstance(items, list) and isinstance(masked_items, list):
        masked["results"] = [
            {**shown, **_structure(item)} if isinstance(item, Mapping) and isinstance(shown, dict) else shown
            for item, shown in zip(items, masked_items, strict=True)
        ]
    return {**masked, **_structure(result)}


def _structure(result: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: result[name] for name in _NUMBERS if isinstance(result.get(name), int)}
    return numbers | {name: result[name] for name in _TIMES if _TIME.fullmatch(str(result.get(name)))}


def _mask_item(result: dict[str, Any], mask: Mask) -> dict[str, Any]:
    names = {name for name in (result.get("ansible_loop_var"), *_OF_A_LOOP) if name in result}
    return {**result, **{name: mask(result[name]) for name in names}}


def _mask_property(kind: Any, name: str, mask: Mask) -> None:
    _replace_property(kind, name, lambda _self, found: mask(found))


def _replace_property(kind: Any, name: str, change: Callable[[Any, Any], Any]) -> None:
    """Change what a property returns, once per result because callbacks read it repeatedly."""
    found = getattr_static(kind, name)
    read: Any = found.func if isinstance(found, cached_property) else found.fget
    masked = cached_property(lambda self: change(self, read(self)))
    masked.__set_name__(kind, name)
    setattr(kind, name, masked)


def mask_display(mask: Mask) -> None:
    """Mask all text that ansible-core's display writes to stdout, stderr and the log."""
    _mask_method(Display, "display", mask)
    if hasattr(task_result.TaskResult, "clean_copy"):  # pragma: no cover -- only ansible-core 2.18
        # It wraps these into lines before it displays them, which would split values at spaces.
        for name in ("warning", "error", "deprecated"):
            _mask_method(Display, name, mask)


def _mask_method(kind: Any, name: str, mask: Mask) -> None:
    show = getattr(kind, name)

    @wraps(show)
    def masked_show(self: Any, msg: Any, *args: Any, **kwargs: Any) -> Any:
        # A worker passes its text to the parent, which knows more secrets and masks it.
        return show(self, msg if self._final_q else mask(msg), *args, **kwargs)

    setattr(kind, name, masked_show)


class _MaskedFormat(logging.Formatter):
    """Masks the lines that another formatter produces, including tracebacks."""

    def __init__(self, plain: logging.Formatter, mask: Mask) -> None:
        super().__init__()
        self._plain = plain
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return str(self._mask(self._plain.format(record)))


def mask_log(mask: Mask) -> None:
    """Mask the log file for all its writers: ansible-core, and libraries in workers."""
    for handler in logging.root.handlers:
        handler.setFormatter(_MaskedFormat(handler.formatter or logging.Formatter(), mask))
