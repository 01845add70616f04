# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-lint with one process that checks the syntax of all playbooks and roles: one for each takes half a minute.

Usage: python scripts/lint_ansible.py, with the arguments of ansible-lint. If that process finds an error, ansible-lint
checks each file in a process of its own, as it always does, and reports what is wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansiblelint.__main__ import main
from ansiblelint.file_utils import Lintable
from ansiblelint.runner import Runner

# Not a public function: where a release of ansible-lint lacks it, each file gets its own process.
HOOK = "_map_syntax_check_workers"
one_by_one = getattr(Runner, HOOK, None)

Worker = Callable[[Lintable], list[Any]]


def at_once(runner: Runner, worker: Worker, files: list[Lintable]) -> list[list[Any]]:
    """Return nothing if all files have a valid syntax, and otherwise what ansible-lint finds in each."""
    assert one_by_one
    return [] if are_valid(files, runner.app.runtime.environ) else one_by_one(runner, worker, files)


def are_valid(files: list[Lintable], environ: Mapping[str, str]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        roles = Path(folder) / "roles.yml"
        roles.write_text(json.dumps([importing([file for file in files if file.kind == "role"])]))
        playbooks = [file.path for file in files if file.kind == "playbook"]
        command = ["ansible-playbook", "--syntax-check", *playbooks, roles]
        return subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 0


def importing(roles: list[Lintable]) -> dict[str, Any]:
    """Return a play with the tasks of all roles."""
    tasks = [{"ansible.builtin.import_role": {"name": str(role.path.absolute())}} for role in roles]
    return {"hosts": "localhost", "tasks": tasks}


if __name__ == "__main__":
    if one_by_one:
        setattr(Runner, HOOK, at_once)
    sys.exit(main(["ansible-lint", *sys.argv[1:]]))
