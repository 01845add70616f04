# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder takes the example's definition, and finds in the collection all that it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from site_of_runs import ROOT

pytestmark = pytest.mark.servers
EXAMPLE = ROOT / "examples" / "awx"
SCRIPTS = Path(sys.prefix) / "bin"


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages(bindep: str, *profiles: str) -> set[str]:
    """Return what bindep would install on the distribution of the base image."""
    from bindep.depends import Depends

    rules = Depends(bindep).active_rules(["default", "platform:rpm", *profiles])
    return {rule[0] for rule in rules}


def test_the_context_has_what_the_collection_needs(tmp_path: Path, collections: Path) -> None:
    pytest.importorskip("ansible_builder")
    context, pip, bindep = tmp_path / "context", tmp_path / "pip.txt", tmp_path / "bindep.txt"
    run(SCRIPTS / "ansible-builder", "create", "-c", context, "--output-filename", "Containerfile")
    build = context / "_build"
    assert yaml.safe_load((build / "requirements.yml").read_text()) == {"collections": [{"name": "scoped.secrets"}]}
    containerfile = (context / "Containerfile").read_text()
    assert "FROM $EE_BASE_IMAGE" in containerfile
    assert all(word in containerfile for word in ("python3.12", "ansible-core>=2.19,<2.22", "ansible-runner>=2.4"))
    assert "ENV ANSIBLE_CALLBACKS_ENABLED=scoped.secrets.mask" in containerfile.partition("AS final")[2]
    # The step of the build that looks into the collections which were installed.
    run(
        *(sys.executable, build / "scripts" / "introspect.py", "introspect", collections),
        *("--user-pip", build / "requirements.txt", "--user-bindep", build / "bindep.txt"),
        *("--write-pip", pip, "--write-bindep", bindep),
    )
    wanted = {line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"}
    found = {re.sub(r"\s+#.*", "", line) for line in pip.read_text().splitlines()}
    assert wanted | {"pywinrm[kerberos]>=0.5"} <= found
    assert packages(bindep.read_text()) == {"krb5-workstation", "openssh-clients"}
    compiled = {"gcc", "libffi-devel", "openssl-devel", "krb5-devel", "python3.12-devel"}
    assert packages(bindep.read_text(), "compile") == {*compiled, "krb5-workstation", "openssh-clients"}
