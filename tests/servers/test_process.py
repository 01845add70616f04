# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers stop when the tests end, in any way, and report why they do not start."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from servers.process import TESTS, ServerFailed, free_port, processes_in, running, until

KILLED = """\
import os, signal, sys
from pathlib import Path
from servers.openbao import serve
with serve(Path(sys.argv[1])):
    print("runs", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
HAND_RUNS = {
    "openbao": "VAULT_ADDR=http://",
    "openbao --tls": "VAULT_ADDR=https://",
    "openbao --raft": "VAULT_ADDR=http://",
    "openbao --agent": "VAULT_TOKEN_FILE=",
    "aws": "AWS_ENDPOINT_URL=",
    "aws --ministack": "AWS_ENDPOINT_URL=",
    "aws --microburst": "AWS_ENDPOINT_URL=",
    "kubernetes": "SERVICE_ACCOUNT_TOKEN=",
    "faults http://127.0.0.1:1 --delay 0.02": "PROXY_URL=",
    "aws_login": "VAULT_ADDR=",
    "kerberos": "PRINCIPAL=",
    "sshd": "SSH_PORT=",
}


def test_nothing_is_left_when_the_tests_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    killed = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert (killed.stdout, killed.returncode) == ("runs\n", -signal.SIGKILL)
    until(lambda: processes_in(tmp_path) == [])


def test_a_server_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    server = running(command, folder=tmp_path, name="broken", is_ready=lambda: False)
    with pytest.raises(ServerFailed, match="the port is taken"), server:
        pass


def test_a_server_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    code = "import os, time; print(sorted(os.environ), flush=True); time.sleep(600)"
    log = tmp_path / "shows.log"
    command = [sys.executable, "-c", code]
    with running(command, folder=tmp_path, name="shows", is_ready=lambda: "PATH" in log.read_text(encoding="utf-8")):
        assert "AWS" not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", HAND_RUNS)
def test_by_hand(line: str, tmp_path: Path) -> None:
    name, *options = line.split()
    command = [sys.executable, "-m", f"servers.{name}", *options]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TESTS), "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while HAND_RUNS[line] not in (printed := process.stdout.readline()):
            assert printed, "it ended"
        process.terminate()
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sockets without files")
def test_no_other_test_process_gets_a_port_that_is_free_here() -> None:
    code = "import sys; from servers.process import _reserved; _reserved(int(sys.argv[1]))"
    environment = {"PYTHONPATH": str(TESTS)}
    ports = [free_port(), free_port(2) + 1]
    for port in ports:
        command = [sys.executable, "-c", code, str(port)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert "Address already in use" in done.stderr
