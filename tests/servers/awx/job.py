# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of AWX: what awx/main/tasks/jobs.py (RunJob) passes to ansible-runner, and what AWX stores of the job.

There is no container: ansible-runner runs without process isolation. Run as a program, this file reads parameters, runs
ansible-runner with them, and writes what AWX stores of the job.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The package `servers` is missing when this file runs as a program.
if TYPE_CHECKING:
    from servers.awx.api import Awx, Thing

__all__ = ["Job", "launch"]


@dataclass
class Job:
    """What remains of a job: its folder without `env`, and what AWX stores in its database."""

    folder: Path
    status: str
    stdout: str
    kept: dict[str, Any]

    def results(self) -> list[dict[str, Any]]:
        """Return the results of its tasks, from the events."""
        return [event["event_data"]["res"] for event in self.kept["events"] if "res" in event.get("event_data", {})]


def launch(awx: Awx, name: str, *, project: Path, environment: Mapping[str, str], python: Path, root: Path) -> Job:
    """Run a job template and return its job.

    `project`: the files of the project's repository; `environment`: the container's environment variables;
    `python`: the Python of the execution environment; `root`: the parent of the job's folder.
    """
    template = awx.named("job_templates", name)
    number = len(list(root.glob("awx_*"))) + 1
    folder = Path(tempfile.mkdtemp(prefix=f"awx_{number}_", dir=root))
    for part in ("env", "inventory", "artifacts"):
        (folder / part).mkdir(mode=0o700)
    shutil.copytree(project, folder / "project")
    env = _build_env(folder, number)
    safe_env: dict[str, str] = {}
    for credential in (awx.objects["credentials"][one] for one in template["credentials"]):
        _inject(awx, credential, folder, env, safe_env)
    _write_inventory(folder / "inventory" / "hosts")
    (folder / "env" / "extravars").write_text(template["extra_vars"] or "{}")
    (folder / "env" / "settings").write_text(
        json.dumps({"suppress_output_file": True, "suppress_ansible_output": True})
    )
    params = {
        "ident": number,
        "private_data_dir": str(folder),
        "playbook": template["playbook"],
        "inventory": str(folder / "inventory" / "hosts"),
        "envvars": env,
        "suppress_env_files": True,
        "fact_cache_type": "",
    }
    return _run(folder, {"params": params, "safe_env": safe_env}, environment, python)


def _build_env(folder: Path, number: int) -> dict[str, str]:
    return {
        "AWX_PRIVATE_DATA_DIR": str(folder),
        "AWX_HOST": "https://awx.example.com",
        "JOB_ID": str(number),
        "INVENTORY_ID": "1",
        "MAX_EVENT_RES": "700000",
        "ANSIBLE_FORCE_COLOR": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
    }


def _inject(awx: Awx, credential: Thing, folder: Path, env: dict[str, str], safe_env: dict[str, str]) -> None:
    from servers.awx.rules import inject

    credential_type = awx.objects["credential_types"][credential["credential_type"]]
    missing = [name for name in credential_type["inputs"]["required"] if not credential["inputs"].get(name)]
    if missing:
        raise ValueError(f"Credential {credential['name']} does not provide one or more required fields ({missing}).")
    injected = inject(credential_type, credential["inputs"], folder / "env", str(folder / "env"))
    env.update(injected.env)
    safe_env.update(injected.safe_env)


def _write_inventory(path: Path) -> None:
    hosts = {"_meta": {"hostvars": {"localhost": {"ansible_connection": "local"}}}, "all": {"hosts": ["localhost"]}}
    path.write_text(f"#!{sys.executable}\nprint({json.dumps(hosts)!r})\n")
    path.chmod(0o700)


def _run(folder: Path, orders: Mapping[str, Any], environment: Mapping[str, str], python: Path) -> Job:
    done = subprocess.run(
        [str(python), __file__, str(folder / "kept.json")],
        input=json.dumps(orders),
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    # AWX removes the whole folder. Here, the rest stays for tests to inspect.
    shutil.rmtree(folder / "env")
    kept = json.loads((folder / "kept.json").read_text()) if (folder / "kept.json").exists() else {}
    stdout = "".join(event["stdout"] + "\n" for event in kept.get("events", []))
    return Job(folder, kept.get("status", "error"), done.stdout + done.stderr + stdout, kept)


def main() -> None:
    import ansible_runner

    orders = json.load(sys.stdin)
    kept: dict[str, Any] = {"events": []}

    def store_status(status: dict[str, Any], runner_config: Any) -> None:
        """Store what AWX stores (awx/main/tasks/callback.py, status_handler): the environment with hidden secrets."""
        if status["status"] == "starting":
            hidden = {name: orders["safe_env"].get(name, value) for name, value in runner_config.env.items()}
            kept.update(job_env=hidden, job_args=runner_config.command, job_cwd=runner_config.cwd)

    runner = ansible_runner.interface.run(
        **orders["params"], event_handler=kept["events"].append, status_handler=store_status
    )
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({**kept, "status": runner.status}, file)


if __name__ == "__main__":
    # This folder must not shadow libraries with the same names as its files.
    sys.path = [folder for folder in sys.path if folder != os.path.dirname(os.path.abspath(__file__))]
    main()
