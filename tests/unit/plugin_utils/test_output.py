# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All output of ansible-core is masked, and the run itself continues with the real values."""

from __future__ import annotations

import copy
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.executor import task_result
from ansible.executor.stats import AggregateStats
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.inventory.host import Host
from ansible.playbook.included_file import IncludedFile
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.utils.display import Display
from ansible_collections.scoped.secrets.plugins.plugin_utils import output

SECRET = "hunter22"
IS_2_18 = hasattr(task_result.TaskResult, "clean_copy")


def mask(data: Any) -> Any:
    """Mask in the simplest way; return data without a secret unchanged."""
    if isinstance(data, str):
        return data.replace(SECRET, "****") if SECRET in data else data
    if isinstance(data, dict):
        masked = {mask(key): mask(value) for key, value in data.items()}
        return masked if masked != data else data
    if isinstance(data, list):
        return [mask(item) for item in data] if SECRET in str(data) else data
    return data


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore ansible-core after the test."""
    for kind in (task_result.TaskResult, TaskQueueManager, Display):
        for name, value in vars(kind).items():
            if not name.startswith("__"):
                monkeypatch.setattr(kind, name, value)
    for name in ("exception", "warnings", "deprecations", "task_name", "task", "_task", "task_fields", "_task_fields"):
        if hasattr(task_result.TaskResult, name):
            monkeypatch.setattr(task_result.TaskResult, name, getattr(task_result.TaskResult, name))


class Callback:
    """Records the events that it receives."""

    disabled = False
    wants_implicit_tasks = True
    _load_name = "callback"
    _implemented_callback_methods = frozenset({"v2_event"})

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def v2_event(self, *args: Any, **kwargs: Any) -> None:
        self.events.append((*args, kwargs) if kwargs else args)


def sent(*args: Any, **kwargs: Any) -> Any:
    """Send an event; return what each of two callbacks receives."""
    manager: Any = TaskQueueManager.__new__(TaskQueueManager)
    manager._callback_lock = threading.Lock()
    manager._callback_plugins = [Callback(), Callback()]
    manager._stdout_callback = (
        manager._callback_plugins.pop(0) if hasattr(task_result.TaskResult, "clean_copy") else None
    )
    manager.send_callback("v2_event", *args, **kwargs)
    first, second = filter(None, [manager._stdout_callback, *manager._callback_plugins])
    assert len(first.events) == len(second.events) == 1
    assert repr(first.events) == repr(second.events)
    return first.events[0]


def task(**fields: Any) -> Task:
    made = Task()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_a_task_is_masked_in_a_copy() -> None:
    output.mask_events(mask, lambda: None)
    given = task(name=f"say {SECRET}", args={"a": [SECRET]}, vars={SECRET: 1}, action="debug")
    (got,) = sent(given)
    assert (got.name, got.args, got.vars, got.action) == ("say ****", {"a": ["****"]}, {"****": 1}, "debug")
    assert (got._uuid, type(got)) == (given._uuid, Task)
    assert (given.name, given.args) == (f"say {SECRET}", {"a": [SECRET]})


def test_arguments_without_secrets_are_not_copied() -> None:
    output.mask_events(mask, lambda: None)
    things = (task(name="say", args={"a": 1}), Play(), Host("web"), AggregateStats(), "text", {"a": 1}, None)
    assert all(got is thing for got, thing in zip(sent(*things), things, strict=True))


def test_plays_includes_statistics_and_plain_data_are_masked() -> None:
    output.mask_events(mask, lambda: None)
    play, stats = Play(), AggregateStats()
    play.name, stats.custom = f"play {SECRET}", {"_run": {"a": SECRET}}
    include = IncludedFile(f"{SECRET}.yml", {"a": SECRET}, {"b": SECRET}, task())
    got_play, got_stats, got_include, text, kwargs = sent(play, stats, include, SECRET, more={"a": SECRET})
    assert (got_play.name, got_stats.custom) == ("play ****", {"_run": {"a": "****"}})
    assert (got_include._filename, got_include._args, got_include._vars) == ("****.yml", {"a": "****"}, {"b": "****"})
    assert (text, kwargs) == ("****", {"more": {"a": "****"}})
    assert (play.name, stats.custom, include._filename) == (f"play {SECRET}", {"_run": {"a": SECRET}}, f"{SECRET}.yml")


def test_after_is_called_once_all_callbacks_have_the_event() -> None:
    order: list[str] = []
    output.mask_events(lambda data: order.append("mask") or data, lambda: order.append("after"))
    sent("text")
    assert order == ["mask", "after"]


def results(data: dict[str, Any], action: str = "debug") -> Any:
    """Return a task's result as ansible-core has it, and as a callback receives it."""
    given = task(name=f"say {SECRET}", args={"a": SECRET}, action=action, no_log=False)
    vars(given)["resolved_action" if IS_2_18 else "_resolved_action"] = action
    host = Host("web")
    if hasattr(task_result, "_RawTaskResult"):
        raw: Any = task_result._RawTaskResult(host, given, data, given.dump_attrs())
        return raw, raw.as_callback_task_result()
    if IS_2_18:
        raw = task_result.TaskResult(host, given, data, given.dump_attrs())
        return raw, raw.clean_copy()
    from ansible._internal._task import HostTaskResult, UnifiedTaskResult

    raw = HostTaskResult(host=host, task=given, utr=UnifiedTaskResult.from_action_result_dict(copy.deepcopy(data)))
    return raw, task_result.TaskResult(host=host, task=given, utr=raw.utr)


DATA = {"changed": True, "msg": f"a {SECRET}", "results": [{"item": SECRET}], "deep": {SECRET: [SECRET, 1]}}


def test_a_result_is_masked_for_callbacks_only() -> None:
    output.mask_results(mask)
    raw, got = results(DATA)
    assert got._result["msg"] == "a ****"
    assert got._result["results"] == [{"item": "****"}]
    assert got._result["deep"] == {"****": ["****", 1]}
    assert got.is_changed()
    assert (got._task.name, got._task.args, got.task_name) == ("say ****", {"a": "****"}, "say ****")
    assert (got._task_fields["name"], got._task_fields["action"]) == ("say ****", "debug")
    assert DATA["deep"] == {SECRET: [SECRET, 1]}
    assert SECRET in repr(getattr(raw, "utr", None) or getattr(raw, "_return_data", None) or raw._result)


def test_the_structure_of_our_own_results_stays() -> None:
    """Everything that ends in an exclamation mark is prose, or belongs to the loop."""
    item = {
        "ansible_loop_var": "one",
        "one": {"value": f"{SECRET}!"},
        "_ansible_item_label": f"{SECRET}!",
        "changed": True,
        "secret": {"identifier": SECRET, "description": f"{SECRET}!"},
        "invocation": {"module_args": {"identifier": SECRET}},
    }
    data = {"changed": True, "msg": f"a {SECRET}!", "code": SECRET, "results": [item]}
    output.mask_results(mask)
    _raw, got = results(data, action="scoped.secrets.secret_text")
    expected = json.loads(json.dumps(data).replace(f"{SECRET}!", "****!"))
    assert {name: got._result[name] for name in data} == expected
    _raw, got = results(item, action="scoped.secrets.secret_text")
    assert {name: got._result[name] for name in item} == expected["results"][0]


def test_what_callbacks_calculate_with_stays() -> None:
    """Only where ansible-core puts it, and only what looks like it."""
    times = {"start": "2026-12-01 03:04:05.678", "end": "2026-12-01 03:04:06", "delta": "1 day, 0:00:01.5"}
    numbers = {"rc": 4711, "attempts": 4711, "retries": 4711}
    odd = {"start": "4711", "rc": "4711", "delta": 4711, "deep": {**times, **numbers}}
    hidden = {"start": "****", "rc": "****", "delta": "****"}
    masked = {"2026-12-01 03:04:05.678", "2026-12-01 03:04:06", "1 day, 0:00:01.5", "4711", 4711}
    output.mask_results(lambda data: _masked(data, masked))
    result = {**times, **numbers, "size": 4711, "results": [{**times, **numbers, "size": 4711}, "4711", odd]}
    _raw, got = results(result)
    shown = got._result
    for one in (shown, shown["results"][0]):
        assert {name: one[name] for name in (*times, *numbers, "size")} == {**times, **numbers, "size": "****"}
    assert shown["results"][1] == "****"
    assert {name: shown["results"][2][name] for name in hidden} == hidden
    assert set(shown["results"][2]["deep"].values()) == {"****"}


def _masked(data: Any, values: set[Any]) -> Any:
    """Mask what is a value, but no keys."""
    if isinstance(data, dict):
        return {name: _masked(value, values) for name, value in data.items()}
    if isinstance(data, list):
        return [_masked(value, values) for value in data]
    return "****" if not isinstance(data, bool) and isinstance(data, (str, int)) and data in values else data


def test_a_callback_may_change_its_own_result() -> None:
    output.mask_results(mask)
    _raw, got = results(DATA)
    del got._result["msg"]
    assert "msg" not in got._result


def test_the_exception_of_a_result_is_masked() -> None:
    output.mask_results(mask)
    _raw, got = results({"failed": True, "msg": SECRET, "exception": f"Traceback {SECRET}"})
    assert SECRET not in repr(got._result)


@pytest.mark.parametrize("is_error", [False, True])
def test_displayed_text_is_masked(capsys: pytest.CaptureFixture[str], *, is_error: bool) -> None:
    output.mask_display(mask)
    display = Display()
    display._warns.clear()
    display.display(f"a {SECRET}\nb {SECRET}", stderr=is_error, color="red")
    display.display(msg=f"c {SECRET}", stderr=is_error)
    display.warning(f"warned {SECRET}")
    display.banner(f"TASK {SECRET}")
    captured = capsys.readouterr()
    assert SECRET not in captured.out + captured.err
    assert "c ****" in (captured.err if is_error else captured.out)
    assert "warned ****" in captured.err


@pytest.mark.parametrize("kind", ["warning", "error", "deprecated"])
def test_text_is_masked_before_it_is_wrapped(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """A value with a space, at each position where ansible-core might wrap the line."""
    output.mask_display(lambda text: text.replace("two words", "****"))
    for before in range(60, 80):
        getattr(Display(), kind)("x" * before + " two words", *(["9.9"] if kind == "deprecated" else []))
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert shown.count("****") == 20
    assert "words" not in shown


def test_text_of_a_worker_goes_to_the_parent_unmasked(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Queue:
        def send_display(self, *args: Any, **kwargs: Any) -> None:
            sent.append((args, kwargs))

    output.mask_display(mask)
    monkeypatch.setattr(Display(), "_final_q", Queue())
    Display().display(SECRET)
    assert sent == [(("display", SECRET), {})]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    handler = logging.FileHandler(tmp_path / "log")
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logging.root.addHandler(handler)
    yield tmp_path / "log"
    logging.root.removeHandler(handler)
    handler.close()


def test_the_log_is_masked_for_all_writers(log: Path) -> None:
    plain = [(handler, handler.formatter) for handler in logging.root.handlers]
    try:
        output.mask_log(mask)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("library").exception("it was %s", SECRET)
    finally:
        for handler, formatter in plain:
            handler.setFormatter(formatter)
    text = log.read_text()
    assert text.startswith("library: it was ****\nTraceback")
    assert "ValueError: ****" in text
    assert SECRET not in text


def test_an_unsupported_ansible_core_raises_attribute_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mask callback then ends the run: see test_mask.py."""
    monkeypatch.delattr(TaskQueueManager, "send_callback")
    with pytest.raises(AttributeError):
        output.mask_events(mask, lambda: None)
    monkeypatch.setattr(sys.modules["ansible.executor.task_result"], "TaskResult", type("TaskResult", (), {}))
    with pytest.raises(AttributeError):
        output.mask_results(mask)
