# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the settings of whoever runs the tests away from them: the variables of their shell, and their ansible.cfg."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["OURS", "PREFIXES", "foreign", "isolate", "leave"]

# Variables that start with these set options of this collection, of ansible-core, or of clients of secret managers and
# databases. The Makefile has the same list.
PREFIXES = (
    "SCOPED_SECRETS_",
    "ANSIBLE_",
    "_ANSIBLE_",
    "XDG_",
    "VAULT_",
    "BAO_",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
    "CONJUR_",
    "CONTROLLER_",
    "TOWER_",
    "MOLECULE_",
    "SOPS_",
    "KRB5",
    "PG",
    "SSH_A",
)
# These say how the tests run.
OURS = "SCOPED_SECRETS_TEST_"


def foreign(names: Iterable[str]) -> list[str]:
    """Return the variables that no test may see."""
    return [name for name in names if name.startswith(PREFIXES) and not name.startswith(OURS)]


def isolate() -> Path:
    """Give this process, and all that it starts, a new home without settings, and return it.

    They write bytecode, as in most environments: without it, each run of ansible-playbook compiles all that it imports.
    The caller removes it. Call this before ansible-core is imported, which reads its configuration at that moment.
    """
    for name in (*foreign(os.environ), "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    home = Path(tempfile.mkdtemp(prefix="ss-home-"))
    _keep_index(Path.home())
    # An ansible.cfg in the home comes before /etc/ansible/ansible.cfg, also where ANSIBLE_CONFIG is not passed on.
    (home / ".ansible.cfg").touch()
    os.environ |= {
        "HOME": str(home),
        "ANSIBLE_CONFIG": str(home / ".ansible.cfg"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")},
    }
    return home


def _keep_index(home: Path) -> None:
    """Let pip keep the package index of the user, for tests that download."""
    config = home / ".config" / "pip" / "pip.conf"
    if config.exists():
        os.environ.setdefault("PIP_CONFIG_FILE", str(config))


def leave(home: Path) -> None:
    """Remove what `isolate` made."""
    shutil.rmtree(home, ignore_errors=True)
