# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a password from us, for which question, and how often."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.askpass import (
    SOCKET_VARIABLE,
    accounts_of,
    answering,
)
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.tests.unit.broker.brokers import OTHER_USER, as_user, needs_root

SECRET = "canary pässword $(id) '\""
PROMPT = "me@host's password: "
QUESTION = """\
The authenticity of host '[me@host's password: ]:22 (127.0.0.1)' can't be established.
ED25519 key fingerprint is SHA256:phiUXOLX4sB0e4ZsZZc1wcgIX+SWhRZaWua2OkN24UQ.
This key is not known by any other names.
Are you sure you want to continue connecting (yes/no/[fingerprint])? """


def ask(environment: dict[str, str], prompt: str) -> tuple[int, str]:
    """Do what ssh does, which starts the helper with nothing but its environment and a question."""
    command = [environment["SSH_ASKPASS"], prompt]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode()


def ours() -> frozenset[str]:
    return frozenset({"a@b", "me@host"})


NOTHING = (1, "")
ANSWER = (0, f"{SECRET}\n")


def test_it_is_answered_once_and_only_meanwhile(folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as environment:
        assert [ask(environment, PROMPT) for _number in range(3)] == [ANSWER, NOTHING, NOTHING]
    with answering(str(folder), SECRET, ours, wanted=2) as environment:
        assert [ask(environment, PROMPT) for _number in range(3)] == [ANSWER, ANSWER, NOTHING]
    with answering(str(folder), SECRET, ours) as environment:
        pass
    assert ask(environment, PROMPT) == NOTHING
    assert [path.name for path in folder.iterdir()] == ["askpass"]


@pytest.mark.parametrize(
    "prompt",
    ["a@b's password: ", "A@B's password: ", "(a@b) Password: ", "(a@b) AD password for a: "],
)
def test_what_is_answered(prompt: str, folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as environment:
        assert ask(environment, prompt) == ANSWER


@pytest.mark.parametrize(
    "prompt",
    [
        QUESTION,
        QUESTION.splitlines()[-1],
        "",
        "Please type 'yes', 'no' or the fingerprint: ",
        "(a@b) Verification code: ",
        "(a@b) New password: ",
        "(a@b) Retype new password: ",
        "Enter PIN for ED25519-SK key /k: ",
        "Enter passphrase for key '/k': ",
        "a@jump's password: ",
        "(a@jump) Password: ",
        "a@b.example.com's password: ",
        "aa@b's password: ",
        "other@b's password: ",
        "(other@b) Password: ",
        "x\na@b's password: ",
    ],
)
def test_what_is_not_answered_and_does_not_count(prompt: str, folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as environment:
        assert ask(environment, prompt) == NOTHING
        assert ask(environment, "a@b's password: ") == ANSWER


def test_a_jump_host_of_the_same_name_gets_nothing(folder: Path) -> None:
    """ssh that another ssh has started asks, as it does for ProxyJump and most ProxyCommands."""
    shell = folder / "ssh"
    shutil.copy("/bin/sh", shell)
    with answering(str(folder), SECRET, ours) as environment:
        once = '"$SSH_ASKPASS" "$1"; exit $?'
        twice = '"$0" -c "$2" "$0" "$1"; exit $?'
        arguments = [str(shell), PROMPT, once]
        jump, target = (
            subprocess.run([str(shell), "-c", script, *arguments], env=environment, capture_output=True, check=False)
            for script in (twice, once)
        )
    assert (jump.returncode, jump.stdout, jump.stderr) == (1, b"", b"")
    assert (target.returncode, target.stdout.decode()) == ANSWER


CONFIG = """\
Host alias
    HostName Real.example.com
    User of_config
Host keyed
    HostName 192.0.2.1
    HostKeyAlias Known
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "User=deploy", "web"], {"deploy@web"}),
        (["-o", "User=deploy", "WEB.example.com"], {"deploy@web.example.com"}),
        (["-o", "User=deploy", "-p", "2222", "web"], {"deploy@web"}),
        (["-o", "User=deploy", "-o", "ProxyJump=deploy@jump", "web"], {"deploy@web"}),
        (["-o", "User=deploy", "::1"], {"deploy@::1"}),
        (["-o", "User=deploy", "fe80::1%eth0"], {"deploy@fe80::1%eth0"}),
        (["alias"], {"of_config@real.example.com"}),
        (["-o", "User=deploy", "alias"], {"deploy@real.example.com"}),
        (["-o", "User=deploy", "keyed"], {"deploy@192.0.2.1", "deploy@known"}),
        (["-o", "NoSuchOption=1", "web"], set()),
    ],
)
def test_the_accounts_that_ssh_asks_for(arguments: list[str], expected: set[str], folder: Path) -> None:
    config = folder / "config"
    config.write_text(CONFIG)
    assert accounts_of(["ssh", "-F", str(config), *arguments]) == expected


def test_without_ssh_there_are_no_accounts() -> None:
    assert accounts_of(["/nowhere/ssh", "web"]) == frozenset()


def test_the_secret_is_in_no_file_and_no_variable(folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as environment:
        assert "canary" not in str(environment)
        files = [path for path in folder.iterdir() if path.is_file()]
        assert [path.stat().st_mode & 0o777 for path in files] == [0o700]
        assert all(b"canary" not in path.read_bytes() for path in files)
        assert os.stat(environment[SOCKET_VARIABLE]).st_mode & 0o777 == 0o600


@needs_root
def test_another_user_gets_nothing(folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as environment:
        path = environment[SOCKET_VARIABLE]
        folder.chmod(0o711)
        os.chmod(path, 0o666)

        def received() -> int:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(path)
                try:
                    connection.sendall(PROMPT.encode())
                    connection.shutdown(socket.SHUT_WR)
                    return len(connection.recv(100))
                except OSError:
                    return 0

        assert as_user(OTHER_USER, received) == 0
        assert ask(environment, PROMPT) == ANSWER


def test_two_do_not_get_in_each_others_way(folder: Path) -> None:
    with answering(str(folder), "one", ours) as one, answering(str(folder), "two", ours) as two:
        assert (ask(one, PROMPT), ask(two, PROMPT)) == ((0, "one\n"), (0, "two\n"))


@pytest.mark.parametrize("secret", ["canary\n", "canary\rsecond"])
def test_a_secret_of_two_lines(secret: str, folder: Path) -> None:
    with pytest.raises(ScopedSecretsError) as caught, answering(str(folder), secret, ours):
        pass
    assert caught.value.code == "secret_of_lines"
    assert "canary" not in str(caught.value)
