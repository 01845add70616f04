# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where ansible-core lets out what people see: the places at which output can be masked, the same in 2.18 to 2.21.

Callbacks are called one after the other, the one for stdout first, so that none can change what the others get. What
all of them get passes through here instead: events, the results in them, and the text that is displayed or logged.
"""

from __future__ import annotations

import copy
import logging
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

Mask = Callable[[Any], Any]

# What people write into plays and tasks, and what templates make of it. The rest is ansible-core's own.
_NAMES = """
name args vars environment loop when changed_when failed_when until delegate_to remote_user become_user filename
custom"""
_WRITTEN = frozenset(_NAMES.split())


def mask_events(mask: Mask, after: Callable[[], None]) -> None:
    """Have callbacks get events masked. `after` is called when all of them have had one."""
    send = TaskQueueManager.send_callback

    @wraps(send)
    def send_callback(self: Any, method_name: str, *args: Any, **kwargs: Any) -> None:
        masked = [_of_event(argument, mask) for argument in args]
        send(self, method_name, *masked, **{name: mask(value) for name, value in kwargs.items()})
        after()

    TaskQueueManager.send_callback = send_callback


def _of_event(argument: Any, mask: Mask) -> Any:
    """Return a play, task, include or statistics without secrets. Results come masked anyway: see `mask_results`."""
    if isinstance(argument, (str, dict, list)):
        return mask(argument)
    if not isinstance(argument, (FieldAttributeBase, IncludedFile, AggregateStats)):
        return argument
    changed = _changed(vars(argument), mask)
    if not changed:
        return argument
    # The run goes on with the thing itself.
    twin = copy.copy(argument)
    vars(twin).update(changed)
    return twin


def _changed(fields: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    written = {name: value for name, value in fields.items() if name.lstrip("_") in _WRITTEN}
    masked = {name: mask(value) for name, value in written.items()}
    return {name: value for name, value in masked.items() if value is not written[name]}


def mask_results(mask: Mask) -> None:
    """Have callbacks get results masked, each its own copy of one. What is registered or a fact stays as it is."""
    # The name that callbacks know it by in all versions. In 2.18 it is what the run goes on with, too.
    kind = task_result.TaskResult
    if hasattr(kind, "clean_copy"):
        _mask_copies(kind, mask)
    else:
        _mask_properties(kind, mask)


def _mask_copies(kind: Any, mask: Mask) -> None:
    """Mask what ansible-core 2.18 makes for callbacks."""
    clean_copy = kind.clean_copy

    @wraps(clean_copy)
    def masked_copy(self: Any) -> Any:
        result = clean_copy(self)
        result._result = mask(result._result)
        result._task = _of_event(result._task, mask)
        result._task_fields = _of_fields(result._task_fields, mask)
        return result

    kind.clean_copy = masked_copy


def _of_fields(fields: Mapping[str, Any], mask: Mask) -> Mapping[str, Any]:
    changed = _changed(fields, mask)
    return {**fields, **changed} if changed else fields


def _mask_properties(kind: Any, mask: Mask) -> None:
    """Mask what callbacks may ask of results from ansible-core 2.19 on."""
    _mask_read(kind, "result", mask)
    for name in ("exception", "warnings", "deprecations", "task_name"):
        _mask_read(kind, name, mask)
    for name in ("task", "_task"):
        _mask_read(kind, name, lambda task: _of_event(task, mask))
    for name in ("task_fields", "_task_fields"):
        _mask_read(kind, name, lambda fields: _of_fields(fields, mask))


def _mask_read(kind: Any, name: str, mask: Mask) -> None:
    """Have what a property gives masked, once for each result: callbacks ask for it again and again."""
    found = getattr_static(kind, name)
    read: Any = found.func if isinstance(found, cached_property) else found.fget
    masked = cached_property(lambda self: mask(read(self)))
    masked.__set_name__(kind, name)
    setattr(kind, name, masked)


def mask_display(mask: Mask) -> None:
    """Have all text masked that goes to stdout, stderr and the log by ansible-core's display."""
    _mask_shown(Display, "display", mask)
    if hasattr(task_result.TaskResult, "clean_copy"):
        # ansible-core 2.18 breaks these into lines before it displays them, and values with blanks at these.
        for name in ("warning", "error", "deprecated"):
            _mask_shown(Display, name, mask)


def _mask_shown(kind: Any, name: str, mask: Mask) -> None:
    show = getattr(kind, name)

    @wraps(show)
    def masked_show(self: Any, msg: Any, *args: Any, **kwargs: Any) -> Any:
        # What a worker displays goes to the parent, which knows more.
        return show(self, msg if self._final_q else mask(msg), *args, **kwargs)

    setattr(kind, name, masked_show)


class _MaskedFormat(logging.Formatter):
    """A format whose lines are masked, tracebacks and all."""

    def __init__(self, plain: logging.Formatter, mask: Mask) -> None:
        super().__init__()
        self._plain = plain
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return str(self._mask(self._plain.format(record)))


def mask_log(mask: Mask) -> None:
    """Have the log file masked, whoever writes to it: ansible-core, or a library that a worker uses."""
    for handler in logging.root.handlers:
        handler.setFormatter(_MaskedFormat(handler.formatter or logging.Formatter(), mask))
