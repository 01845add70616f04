# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine for a run: when it begins and ends, where it can be, and that it does what every task alone would do."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_runs import Live, live_in, wait_for
from site_of_runs import Run, Site, Task

HOSTS = 50
VALUE = "canary value of a"
MADE: Task = {"scoped.secrets.secret_text": {"identifier": "a", "value": VALUE}}
READ: Task = {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'a') | length }}"}}
DOCTOR: Task = {"scoped.secrets.doctor": {}}
# Things that no process may be able to see.
PASSPHRASE = "canary of a passphrase"


@pytest.fixture
def live(site: Site) -> Iterator[Live]:
    with live_in(site) as live:
        yield live


@pytest.fixture
def made(live: Live) -> Live:
    """A site whose store has a secret, made without a broker."""
    live.site.declare(MADE)
    return live


def on_many_hosts(live: Live) -> dict[str, Any]:
    """Return what makes a play run on many hosts at once."""
    hosts = "\n".join(f"h{number} ansible_connection=local" for number in range(HOSTS))
    (live.site.folder / "many.ini").write_text(
        hosts + '\n[all:vars]\nansible_python_interpreter="{{ ansible_playbook_python }}"\n'
    )
    return {"hosts": "all", "environment": {"ANSIBLE_INVENTORY": str(live.site.folder / "many.ini")}}


def places(run: Run) -> set[str]:
    """Return where the engine was, as every doctor task tells."""
    checks = [check for task in run.tasks for check in task["result"].get("checks", ())]
    return {check["message"] for check in checks if check["check"] == "engine"}


def usage(run: Run) -> dict[str, int]:
    """Return the numbers of the callback's line."""
    (line,) = (line for line in run.output.splitlines() if line.startswith("scoped.secrets: "))
    words = line.replace(",", "").split()
    return {words[at + 1]: int(word) for at, word in enumerate(words) if word.isdigit()}


def test_fifty_workers_at_once_share_one_broker(made: Live) -> None:
    running = made.begin([READ, made.pause(), DOCTOR], "-vv", **on_many_hosts(made))
    with made.paused(1, running):
        broker = made.broker()
    run = running.result()
    assert places(run) == {f"in the broker of this run, process {broker}"}
    found = usage(run)
    assert (found["calls"], found["secrets"], found["opened"]) == (2 * HOSTS, HOSTS, 1)
    wait_for(made.is_clean)


def test_a_hundred_references_are_one_call(made: Live) -> None:
    query = "{{ query('scoped.secrets.secret', *(['a', 'a@1'] * 50)) | unique | length }}"
    run = made.run([{"ansible.builtin.debug": {"msg": query}}], "-vv")
    assert run.last["msg"] in (1, "1")
    found = usage(run)
    assert (found["calls"], found["secrets"]) == (1, 100)


@pytest.mark.parametrize("ends_by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_a_run_that_is_killed(made: Live, ends_by: int) -> None:
    running = made.begin([READ, made.pause()], fails=True)
    with made.paused(1, running):
        assert len(made.brokers()) == 1
        os.kill(made.ansible_playbook(), ends_by)
        wait_for(made.is_clean)
    running.result()


def test_one_that_is_killed_between_tasks_is_replaced(made: Live) -> None:
    running = made.begin([READ, made.pause(), READ, DOCTOR, made.pause(), MADE, READ, DOCTOR])
    killed = []
    for number in (1, 2):
        with made.paused(number, running):
            killed.append(made.broker())
            os.kill(killed[-1], signal.SIGKILL)
            wait_for(lambda: made.brokers() == [])
    run = running.result()
    assert len(places(run)) == 2
    assert not any(str(pid) in place for pid in killed[:1] for place in places(run))
    assert "broker" not in run.output
    wait_for(made.is_clean)


@pytest.mark.parametrize(
    ("name", "secret"),
    [("SCOPED_SECRETS_PASSPHRASE", PASSPHRASE), ("SCOPED_SECRETS_SCOPE_KEY", "canary of a scope key")],
)
def test_nothing_secret_stands_in_its_arguments_and_environment(live: Live, name: str, secret: str) -> None:
    # A scope key makes no store, and this one is none.
    tasks = [{**task, "ignore_errors": True} for task in (MADE, READ)]
    running = live.begin([*tasks, live.pause()], environment={name: secret})
    with live.paused(1, running):
        process = Path(f"/proc/{live.broker()}")
        assert b"canary" not in (process / "cmdline").read_bytes()
        limits = (process / "limits").read_text()
        if os.geteuid() == 0:  # nobody else may look
            assert b"canary" not in (process / "environ").read_bytes()
        else:
            with pytest.raises(PermissionError):
                (process / "environ").read_bytes()
    running.result()
    (core,) = (line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core[4:6] == ["0", "0"]


def test_a_read_is_true_after_another_process_has_written(made: Live) -> None:
    show = {"ansible.builtin.debug": {"msg": "{{ lookup('scoped.secrets.secret', 'a') }}"}}
    gone = "{{ lookup('scoped.secrets.secret', 'a', default='none') }}"
    tasks = [show, made.pause(), show, made.pause(), {"ansible.builtin.debug": {"msg": gone}}]
    running = made.begin(tasks)
    for number, arguments in ((1, "identifier=a value=later"), (2, "identifier=a state=absent")):
        with made.paused(number, running):
            ad_hoc(made, "secret_text", arguments, SCOPED_SECRETS_BROKER="off")
    run = running.result()
    shown = [task["result"]["msg"] for task in run.tasks if "stdout" not in task["result"]]
    assert shown == [VALUE, "later", "none"]


def ad_hoc(live: Live, module: str, arguments: str = "", **environment: str) -> str:
    """Return what `ansible` prints."""
    command = [str(live.site.venv / "bin" / "ansible"), "localhost", "-m", f"scoped.secrets.{module}", "-a", arguments]
    return output_of(live, command, **environment)


def output_of(live: Live, command: list[str], stdin: str = "", **environment: str) -> str:
    plain = {**live.site.environment(live.environment), "ANSIBLE_CALLBACKS_ENABLED": "scoped.secrets.usage"}
    done = subprocess.run(
        command,
        env={**plain, **environment},
        cwd=live.site.folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_ad_hoc_commands_have_one(made: Live) -> None:
    assert "in the broker of this run" in ad_hoc(made, "doctor")
    wait_for(made.is_clean)


def test_a_console_has_one_for_all_its_commands(made: Live) -> None:
    console = [str(made.site.venv / "bin" / "ansible-console"), "localhost"]
    lines = ["scoped.secrets.doctor", "debug msg={{lookup('scoped.secrets.secret','a')|length}}"]
    output = output_of(made, console, "\n".join([*lines, lines[0], "exit", ""]))
    marks = [line for line in output.splitlines() if "in the broker of this run" in line]
    assert len(marks) == 2
    assert len(set(marks)) == 1
    assert f'"msg": "{len(VALUE)}"' in output or f'"msg": {len(VALUE)}' in output
    wait_for(made.is_clean)


def test_a_run_under_ansible_runner_has_one(made: Live) -> None:
    folder = made.site.folder / "runner"
    (folder / "project").mkdir(parents=True)
    pause = made.pause()["ansible.builtin.command"]["argv"][2]
    (folder / "project" / "play.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - scoped.secrets.doctor:\n"
        f"    - ansible.builtin.command: {{argv: [sh, -c, {pause!r}]}}\n    - scoped.secrets.doctor:\n"
    )
    runner = [str(made.site.venv / "bin" / "ansible-runner"), "run", str(folder), "-p", "play.yml", "-vv"]
    running = made.pool.submit(output_of, made, runner)
    wait_for(lambda: (made.folder / "there-1").exists() or running.done())
    run_of_broker = made.files()[0].partition("-")[0]
    assert b"ansible-playbook" in Path(f"/proc/{run_of_broker}/cmdline").read_bytes()
    broker = made.broker()
    (made.folder / "go-on-1").touch()
    assert running.result().count(f"in the broker of this run, process {broker}") == 2
    wait_for(made.is_clean)


def absent(_live: Live) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": ""}


def missing(live: Live) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(live.folder / "none")}


def open_to_others(live: Live) -> dict[str, str]:
    (live.folder / "open").mkdir()
    (live.folder / "open").chmod(0o777)
    return {"XDG_RUNTIME_DIR": str(live.folder / "open")}


def of_another_user(live: Live) -> dict[str, str]:
    (live.folder / "foreign").mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(live.folder / "foreign", 65534, 65534)
    return {"XDG_RUNTIME_DIR": str(live.folder / "foreign")}


def too_long(live: Live) -> dict[str, str]:
    folder = live.folder / ("x" * 120)
    folder.mkdir(mode=0o700)
    # ansible-core 2.21 itself needs a short TMPDIR.
    return {"XDG_RUNTIME_DIR": str(folder)}


def without_home(_live: Live) -> dict[str, str]:
    return {"HOME": "/none/at/all"}


@pytest.mark.parametrize("make", [absent, missing, open_to_others, of_another_user, too_long, without_home])
def test_where_one_folder_can_not_be_used_another_is(made: Live, make: Any) -> None:
    environment = make(made)
    if make is of_another_user and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    run = made.run([READ, DOCTOR], environment=environment)
    assert [place[:28] for place in places(run)] == ["in the broker of this run, p"]
    assert "No broker" not in run.output
    folder = Path(environment.get("XDG_RUNTIME_DIR") or "/none")
    assert not list(folder.glob("scoped-secrets-*/*")) if folder.exists() else True
    assert not list(made.folder.glob("*/scoped-secrets-*"))
    wait_for(lambda: made.brokers() == [])


# Where others may enter each folder that a broker could be met in, and the home can't be written.
LOCKED_DOWN = """
set -e
for base in "$XDG_RUNTIME_DIR" /run/user/$(id -u) /dev/shm "$TMPDIR" /tmp; do
  [ -d "$base" ] || continue
  folder="$base/scoped-secrets-$(id -u)"
  [ -d "$folder" ] || mkdir -m 700 "$folder"
  mount -t tmpfs -o mode=0755 none "$folder"
done
mount --bind "$HOME" "$HOME"
mount -o remount,bind,ro "$HOME"
exec "$@"
"""


def in_a_locked_down_place() -> list[str]:
    """Return what runs a command there; skip the test where this machine can't make such a place."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    probe = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine lets no process have mounts of its own")
    return [*unshare, "sh", "-c", LOCKED_DOWN, "sh"]


def test_where_there_is_no_place_for_one_a_run_goes_on_and_says_so_once(made: Live) -> None:
    tasks = [READ, MADE, DOCTOR, READ]
    home = {"ANSIBLE_HOME": str(made.site.folder / "tmp"), "ANSIBLE_LOCAL_TEMP": str(made.site.folder / "tmp")}
    run = made.run(tasks, hosts="all", under=in_a_locked_down_place(), environment=home)
    assert places(run) == {"in the process of the task"}
    assert run.tasks[0]["result"]["msg"] in (len(VALUE), str(len(VALUE)))
    assert " ".join(run.output.split()).count("No broker is available") == 1
    assert "SCOPED_SECRETS_BROKER=off" in run.output
    silent = made.run(tasks, under=in_a_locked_down_place(), environment={**home, "SCOPED_SECRETS_BROKER": "off"})
    assert "No broker" not in silent.output


OURS = "ansible_collections.scoped.secrets.plugins."
LIGHT = tuple(
    f"{OURS}module_utils.{room}"
    for room in ("broker", "client", "face", "masking.revealed_settings", "masking.revealing", "model", "processes")
)
HEAVY = ("_sqlite3", "sqlite3", "cryptography", "boto3", "botocore", "hvac", "requests", "azure", "google", "psycopg")


def test_without_one_workers_inherit_the_engine_once_a_module_has_come(made: Live) -> None:
    engine = f"{OURS}module_utils.engine.engine"
    tasks = [MADE, {"ansible.builtin.debug": {"msg": "{{ '" + engine + "' in lookup('loaded') }}"}}]
    found = {
        broker: str(made.run(tasks, environment={"SCOPED_SECRETS_BROKER": broker}).last["msg"])
        for broker in ("on", "off")
    }
    assert found == {"on": "False", "off": "True"}


def loaded_by_a_lookup(live: Live, broker: str) -> set[str]:
    """Return which Python modules a worker has because of one lookup."""
    loaded = "{{ lookup('loaded') | to_json }}"
    tasks = [
        READ,
        {"ansible.builtin.debug": {"msg": loaded}},
        {"ansible.builtin.debug": {"msg": "{{ [lookup('scoped.secrets.secret', 'a') | length] }} " + loaded}},
    ]
    environment = {"SCOPED_SECRETS_BROKER": broker, "ANSIBLE_CALLBACKS_ENABLED": "record"}
    run = live.run(tasks, environment=environment)
    before, after = (set(task["result"]["msg"].partition('["')[2].strip('"]').split('", "')) for task in run.tasks[1:])
    return after - before


def test_a_hit_loads_nothing_heavy_into_a_worker(made: Live) -> None:
    new = loaded_by_a_lookup(made, "on") - {f"{OURS}module_utils.masking"}
    assert f"{OURS}module_utils.client.through_broker" in new
    assert [name for name in new if name.startswith(f"{OURS}module_utils.") and not name.startswith(LIGHT)] == []
    assert [name for name in new if name.partition(".")[0] in HEAVY] == []
    # So that this test can fail: without a broker, all that is there.
    inline = loaded_by_a_lookup(made, "off")
    assert {"sqlite3", f"{OURS}module_utils.engine.engine", f"{OURS}module_utils.crypto.envelope"} <= inline
