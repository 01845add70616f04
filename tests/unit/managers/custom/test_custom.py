# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaving programs: each causes one of our errors, and none sees more than it should."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import ConnectorContext, Writing
from ansible_collections.scoped.secrets.plugins.module_utils.managers.checks import AccessProof, Aim
from ansible_collections.scoped.secrets.plugins.module_utils.managers.custom import program as program_module
from ansible_collections.scoped.secrets.plugins.module_utils.managers.custom.custom import Custom
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError

CANARY = "canary-4711"
ABLE = '{"verbs": ["get", "put", "delete", "check", "news"]}'


def program(folder: Path, *lines: str, able: str = ABLE) -> list[str]:
    """Return the command of a program that runs `lines` for every verb except `capabilities`."""
    file = folder / "program"
    body = ["#!/bin/sh", "read -r given", f"case $given in *capabilities*) echo '{able}'; exit;; esac", *lines]
    file.write_text("\n".join(body) + "\n")
    file.chmod(0o755)
    return [str(file)]


def connector(command: list[str], **options: Any) -> Custom:
    login = {"auth_method": "credential" if "credential" in options else "none"}
    Custom.validate({**Custom.DEFAULTS, "command": command, **options})
    custom = Custom({"command": command, **options, **login}, ConnectorContext("connector 'p'"))
    custom.login()
    return custom


def error_of(command: list[str], **options: Any) -> ScopedSecretsError:
    with pytest.raises(ScopedSecretsError) as caught:
        connector(command, **options).read("p")
    text = str(caught.value.to_dict())
    assert CANARY not in text
    assert caught.value.hint
    return caught.value


ANSWERS = {
    "text": ("""echo '{"value": "x", "version": 3}'""", b"x", "3"),
    "base64": ("""echo '{"value_b64": "/w=="}'""", b"\xff", ""),
    "empty": ("""echo '{"value": ""}'""", b"", ""),
    "lines": ("""printf '{\\n"value": "x"\\n}\\n\\n'""", b"x", ""),
}


@pytest.mark.parametrize(("line", "value", "version"), ANSWERS.values(), ids=ANSWERS)
def test_a_value(tmp_path: Path, line: str, value: bytes, version: str) -> None:
    found = connector(program(tmp_path, line)).read("p")
    assert (found.content, found.version) == (value, version)


FAILURES = {
    "crash": (f"echo {CANARY}; echo {CANARY} >&2; exit 3", "program_failed", "status 3"),
    "signal": ("kill -9 $$", "program_failed", "signal 9"),
    "babble": (f"echo {CANARY}", "malformed_reply", "not JSON"),
    "two": ("""echo '{"value": "a"}'; echo '{"value": "b"}'""", "malformed_reply", "not JSON"),
    "list": (f"""echo '["{CANARY}"]'""", "malformed_reply", "not a JSON object"),
    "number": (f"""echo '{{"value": 3, "x": "{CANARY}"}}'""", "malformed_reply", "exactly one"),
    "both": ("""echo '{"value": "a", "value_b64": ""}'""", "malformed_reply", "exactly one"),
    "no base64": (f"""echo '{{"value_b64": "{CANARY}"}}'""", "malformed_reply", "decoded"),
    "half a surrogate": ("""printf '%s' '{"value": "\\ud800"}'""", "malformed_reply", "decoded"),
    "half": (f"""printf '{{"value": "{CANARY}'""", "incomplete_reply", "without a value"),
    "nothing": ("exit 0", "incomplete_reply", "without a value"),
    "no value": ("""echo '{"version": "3"}'""", "incomplete_reply", "without a value"),
    "null": ("""echo '{"value": null}'""", "incomplete_reply", "without a value"),
    "not found": ("exit 10", "unknown_path", "'p'"),
    "denied": ("exit 11", "provider_denied", "read 'p'"),
    "unavailable": ("exit 12", "provider_unavailable", "reports it as unavailable"),
    "flood": ("exec yes canary-4711", "malformed_reply", "longer than 5000 bytes"),
}


@pytest.mark.parametrize(("line", "code", "words"), FAILURES.values(), ids=FAILURES)
def test_a_failure(tmp_path: Path, line: str, code: str, words: str) -> None:
    error = error_of(program(tmp_path, line), max_output=5000)
    assert (error.code, words in error.message) == (code, True)


@pytest.mark.parametrize("lines", [("sleep 600",), ("exec >&-", "sleep 600"), ("sleep 600 & wait",)])
def test_one_that_hangs_is_killed_with_all_that_it_started(tmp_path: Path, lines: tuple[str, ...]) -> None:
    error = error_of(program(tmp_path, f"echo $$ > {tmp_path}/pid", *lines), timeout=1)
    assert (error.code, error.retryable) == ("provider_timeout", True)
    with pytest.raises(ProcessLookupError):
        _signal_group(int((tmp_path / "pid").read_text()))


def _signal_group(group: int) -> None:
    """Raise ProcessLookupError as soon as a process group is empty; return if it isn't after 30 seconds."""
    for _try in range(3000):
        os.killpg(group, 0)
        signal.sigtimedwait([], 0.01)


@pytest.mark.parametrize("command", [["/nowhere/program"], ["scoped-secrets-no-such-program"], ["/etc/passwd"], ["/"]])
def test_one_that_is_none(command: list[str]) -> None:
    assert error_of(command).code == "program_failed"


def test_one_whose_interpreter_is_missing(tmp_path: Path) -> None:
    command = program(tmp_path)
    Path(command[0]).write_text("#!/nowhere/sh\n")
    error = error_of(command)
    assert (error.code, "can't be started" in error.message) == ("program_failed", True)


WITNESS = """\
import json, os, sys
given = json.load(sys.stdin)
if given["verb"] == "capabilities":
    print('{"verbs": ["get"]}'); sys.exit()
open_files = [number for number in range(3, 256) if os.path.exists(f"/dev/fd/{number}")]
try:
    os.open("/dev/tty", os.O_RDWR)
except OSError:
    terminal = False
seen = {"environment": dict(os.environ), "argv": sys.argv, "cwd": os.getcwd(), "given": given,
        "leads": os.getpgrp() == os.getpid() == os.getsid(0), "files": len(open_files), "terminal": terminal}
print(json.dumps({"value": json.dumps(seen)}))
"""


def test_what_it_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credential is only in its input; there are no other variables, no descriptors, and no shell."""
    (tmp_path / "witness.py").write_text(WITNESS)
    monkeypatch.setenv("SCOPED_SECRETS_ROOT_KEY", CANARY)
    monkeypatch.setenv("LANG", "C.UTF-8")
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        command = [sys.executable, "-I", "-S", str(tmp_path / "witness.py"), "$(id); * 'x' {path}"]
        custom = connector(command, credential=CANARY, environment={"DEPTH": 3})
        seen = json.loads(custom.read("a;b $(c)").content)
    finally:
        os.close(read_end)
        os.close(write_end)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG")}
    assert seen["environment"] == {**kept, "DEPTH": "3"}
    assert seen["argv"][1:] == command[4:]
    assert (seen["cwd"], seen["leads"], seen["files"], seen["terminal"]) == ("/", True, 0, False)
    expected = {"protocol": 1, "verb": "get", "path": "a;b $(c)", "version": "", "credential": CANARY}
    assert seen["given"] == expected


def test_what_it_is_not_able_to_do(tmp_path: Path) -> None:
    custom = connector(program(tmp_path, "exit 3", able='{"verbs": ["news"]}'))
    custom.check(Aim(), AccessProof())
    calls = [
        lambda: custom.read("p"),
        lambda: custom.read("p", "2"),
        lambda: custom.write("p", b"x", Writing("me")),
        lambda: custom.remove("p", "me"),
    ]
    for call in calls:
        with pytest.raises(ScopedSecretsError) as caught:
            call()
        assert caught.value.code == "not_supported"


@pytest.mark.parametrize("able", ["{}", '{"verbs": "get"}', '{"verbs": [1]}', "[]", "x"])
def test_one_that_does_not_say_what_it_can_do(tmp_path: Path, able: str) -> None:
    assert error_of(program(tmp_path, "exit 0", able=able)).code == "malformed_reply"


def test_a_program_that_reads_nothing_may_answer(tmp_path: Path) -> None:
    file = tmp_path / "deaf"
    file.write_text("""#!/bin/sh\nexec <&-\necho '{"verbs": ["put"], "version": "7"}'\n""")
    file.chmod(0o755)
    custom = connector([str(file)])
    assert custom.write("p", b"x" * 1024 * 1024, Writing("me")) == "7"


def test_removing_what_is_gone_is_no_error(tmp_path: Path) -> None:
    connector(program(tmp_path, "exit 10")).remove("p", "me")
    with pytest.raises(ScopedSecretsError) as caught:
        connector(program(tmp_path, "exit 13")).remove("p", "me")
    assert caught.value.code == "foreign_secret"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("command", ["bin/x"]),
        ("command", ["./x"]),
        ("command", [""]),
        ("command", ["/x", "a\0b"]),
        ("environment", {"A=B": "x"}),
        ("environment", {"A": ["x"]}),
        ("environment", {"": "x"}),
        ("timeout", 0),
        ("timeout", 601),
        ("max_output", 1),
    ],
)
def test_options_that_can_not_be(option: str, value: object) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        Custom.validate({"command": ["/x"], option: value})
    assert caught.value.code == "invalid_option"


def test_a_command_is_needed() -> None:
    for options in ({}, {"command": []}):
        with pytest.raises(ScopedSecretsError) as caught:
            Custom.validate(options)
        assert caught.value.code == "incomplete_connector"


@pytest.mark.parametrize(
    ("line", "says"), [("exit 127", "can't be started"), ("exit 126", "status 126"), ("kill -9 $$", "signal 9")]
)
def test_how_a_program_ended_is_told(tmp_path: Path, line: str, says: str) -> None:
    error = error_of(program(tmp_path, line))
    assert (error.code, says in error.message) == ("program_failed", True)


def test_a_full_pipe_takes_nothing_and_a_closed_one_everything() -> None:
    source, target = os.pipe()
    os.set_blocking(target, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(target, bytes(4096))
    assert program_module._write(target, memoryview(b"rest")) == 0
    os.close(source)
    assert program_module._write(target, memoryview(b"rest")) == 4
    os.close(target)
