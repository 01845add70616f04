# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a password from us, for which question, and how often."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.credentials.asked import Answers, Asked
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


def ask(answers: Answers, prompt: str) -> tuple[int, str]:
    """Do what ssh does, which starts the helper with nothing but its environment and a question."""
    command = ["sh", "-c", '"$SSH_ASKPASS" "$1"; exit $?', "sh", prompt]
    done = subprocess.run(command, env=answers.environment, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode()


def ours() -> frozenset[str]:
    return frozenset({"a@b", "me@host"})


NOTHING = (1, "")
ENDED = (-signal.SIGTERM, "")
ANSWER = (0, f"{SECRET}\n")


def test_it_is_answered_once_and_only_meanwhile(folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as answers:
        assert answers.asked() is Asked.NOTHING
        assert [(ask(answers, PROMPT), answers.asked()) for _number in range(3)] == [
            (ANSWER, Asked.SECRET),
            (ENDED, Asked.SECRET_AGAIN),
            (ENDED, Asked.SECRET_AGAIN),
        ]
    with answering(str(folder), SECRET, ours) as answers:
        pass
    assert ask(answers, PROMPT) == NOTHING
    assert [path.name for path in folder.iterdir()] == ["askpass"]


@pytest.mark.parametrize(
    "prompt",
    [
        *("a@b's password: ", "A@B's password: ", "(a@b) Password: ", "(a@b) AD password for a: "),
        *("(a@b) Passwort: ", "(a@b) Mot de passe : ", "(a@b) 密码: ", "(a@b) Enter PASSCODE: ", "(a@b) Password"),
        *("(a@b) Old rules hold, no new ones.\nPassword: ", "(a@b) admin's password: ", "(a@b) Password:\n"),
    ],
)
def test_what_is_answered(prompt: str, folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as answers:
        assert ask(answers, prompt) == ANSWER


@pytest.mark.parametrize(
    "prompt",
    [
        QUESTION,
        QUESTION.splitlines()[-1],
        "Please type 'yes', 'no' or the fingerprint: ",
        "Enter PIN for ED25519-SK key /k: ",
        "Enter passphrase for key '/k': ",
    ],
)
def test_what_no_host_asks_gets_no_answer_and_does_not_count(prompt: str, folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as answers:
        assert (ask(answers, prompt), answers.asked()) == (NOTHING, Asked.NOTHING)
        assert ask(answers, "a@b's password: ") == ANSWER


@pytest.mark.parametrize(
    ("prompt", "asked"),
    [
        ("", Asked.OTHER_QUESTION),
        ("Password: ", Asked.OTHER_QUESTION),
        ("x\na@b's password: ", Asked.OTHER_QUESTION),
        ("(a@b) ", Asked.OTHER_QUESTION),
        ("(a@b) Verification code: ", Asked.OTHER_QUESTION),
        ("(a@b) Your password is old.\nVerification code: ", Asked.OTHER_QUESTION),
        ("(a@b) Passphrase for key 'k', yes/no: ", Asked.SECRET),
        ("(a@b) New password: ", Asked.OTHER_QUESTION),
        ("(a@b) Retype new password: ", Asked.OTHER_QUESTION),
        ("(a@b) Current password: ", Asked.OTHER_QUESTION),
        ("a@jump's password: ", Asked.OTHER_ACCOUNT),
        ("(a@jump) Password: ", Asked.OTHER_ACCOUNT),
        ("a@b.example.com's password: ", Asked.OTHER_ACCOUNT),
        ("aa@b's password: ", Asked.OTHER_ACCOUNT),
        ("other@b's password: ", Asked.OTHER_ACCOUNT),
        ("(other@b) Password: ", Asked.OTHER_ACCOUNT),
    ],
)
def test_another_question_of_a_host_ends_ssh(prompt: str, asked: Asked, folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as answers:
        assert (ask(answers, prompt), answers.asked()) == (ENDED if asked.is_refused else ANSWER, asked)


@pytest.mark.parametrize(
    ("second", "asked"),
    [
        ("(a@b) Sorry, try again.\nPassword: ", Asked.SECRET_AGAIN),
        ("(a@b) New password: ", Asked.NEW_SECRET),
        ("(a@b) You must change it.\n(current) UNIX password: ", Asked.NEW_SECRET),
        ("Enter a@b's old password: ", Asked.NEW_SECRET),
        ("(a@b) Verification code: ", Asked.OTHER_QUESTION),
    ],
)
def test_what_comes_after_the_answer(second: str, asked: Asked, folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as answers:
        assert ask(answers, "(a@b) Password: ") == ANSWER
        assert (ask(answers, second), answers.asked()) == (ENDED, asked)


@pytest.mark.parametrize(
    ("prompt", "is_answered"),
    [("(a@b) Say friend: ", True), ("(a@b) Password: ", False), ("a@b's password: ", True)],
)
def test_a_prompt_of_ones_own(prompt: str, is_answered: bool, folder: Path) -> None:
    with answering(str(folder), SECRET, ours, prompt="Say friend") as answers:
        assert ask(answers, prompt) == (ANSWER if is_answered else ENDED)


def test_a_jump_host_of_the_same_name_gets_nothing(folder: Path) -> None:
    """ssh that another ssh has started asks, as it does for ProxyJump and most ProxyCommands."""
    shell = folder / "ssh"
    shutil.copy("/bin/sh", shell)
    with answering(str(folder), SECRET, ours) as answers:
        once = '"$SSH_ASKPASS" "$1"; exit $?'
        twice = '"$0" -c "$2" "$0" "$1"; exit $?'
        arguments = [str(shell), PROMPT, once]
        jump, target = (
            subprocess.run(
                [str(shell), "-c", script, *arguments], env=answers.environment, capture_output=True, check=False
            )
            for script in (twice, once)
        )
    assert jump.stdout == b""
    assert jump.returncode == 128 + signal.SIGTERM
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
    with answering(str(folder), SECRET, ours) as answers:
        environment = answers.environment
        assert "canary" not in str(environment)
        files = [path for path in folder.iterdir() if path.is_file()]
        assert [path.stat().st_mode & 0o777 for path in files] == [0o700]
        assert all(b"canary" not in path.read_bytes() for path in files)
        assert os.stat(environment[SOCKET_VARIABLE]).st_mode & 0o777 == 0o600


@needs_root
def test_another_user_gets_nothing(folder: Path) -> None:
    with answering(str(folder), SECRET, ours) as answers:
        path = answers.environment[SOCKET_VARIABLE]
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
        assert ask(answers, PROMPT) == ANSWER


def test_two_do_not_get_in_each_others_way(folder: Path) -> None:
    with answering(str(folder), "one", ours) as one, answering(str(folder), "two", ours) as two:
        assert (ask(one, PROMPT), ask(two, PROMPT)) == ((0, "one\n"), (0, "two\n"))


@pytest.mark.parametrize("secret", ["canary\n", "canary\rsecond"])
def test_a_secret_of_two_lines(secret: str, folder: Path) -> None:
    with pytest.raises(ScopedSecretsError) as caught, answering(str(folder), secret, ours):
        pass
    assert caught.value.code == "secret_of_lines"
    assert "canary" not in str(caught.value)
