# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example runs as it stands, and a second run of a playbook changes nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from entry_points import entry_points
from site_of_runs import ROOT, Site

EXAMPLES = ROOT / "examples"
KINDS = {"modules": "module"}


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yml")))
def test_playbook(site: Site, example: str) -> None:
    shutil.copytree(EXAMPLES, site.folder / "examples")
    targets = [f"-erendered_file={site.folder}/rendered.ini", f"-etarget_folder={site.folder}"]
    playbook = site.folder / "examples" / example
    first = site.run(playbook, *targets)
    assert "skipping: no hosts matched" not in first.output
    again = site.run(playbook, *targets)
    assert [task["task"] for task in again.tasks if task["result"].get("changed")] == []


def documentation(site: Site, entry: str) -> dict[str, Any]:
    kind, name = entry.split("/")
    command = [str(site.venv / "bin" / "ansible-doc"), "-t", KINDS.get(kind, kind), "-j", f"scoped.secrets.{name}"]
    done = subprocess.run(command, env=site.environment(), capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout)[f"scoped.secrets.{name}"])


def variables_of_aws(server: Any) -> dict[str, str]:
    """Return the environment of the stand-in for AWS, and make the keys that the examples name there."""
    client = server.client("kms")
    for alias in ("alias/payments", "alias/payments-api"):
        if alias not in [one["AliasName"] for one in client.list_aliases()["Aliases"]]:
            key = client.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
            client.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    return {**server.variables(), "PAYMENTS_AWS_KEY": "test"}


# A callback is enabled in ansible.cfg: it has no tasks to show.
WITH_TASKS = sorted(entry for entry in entry_points() if not entry.startswith("callback/"))
# The server that the examples of an entry point ask for, and the variables by which they find it.
NEEDS: dict[str, tuple[str, Callable[[Any], dict[str, str]]]] = {
    "modules/connector_aws_kms": ("moto", variables_of_aws),
    "modules/connector_aws_secrets_manager": ("moto", variables_of_aws),
    "modules/connector_hashicorp_vault": ("openbao", lambda bao: {"VAULT_ADDR": bao.url, "VAULT_TOKEN": bao.token}),
}


@pytest.mark.parametrize("entry", [entry for entry in WITH_TASKS if entry not in NEEDS])
def test_examples_of_the_documentation(site: Site, entry: str) -> None:
    tasks = yaml.safe_load(documentation(site, entry)["examples"])
    assert tasks
    site.run(tasks)


@pytest.mark.servers
@pytest.mark.parametrize("entry", NEEDS)
def test_examples_that_need_a_server(request: pytest.FixtureRequest, site: Site, entry: str) -> None:
    fixture, variables = NEEDS[entry]
    tasks = yaml.safe_load(documentation(site, entry)["examples"])
    assert tasks
    site.run(tasks, environment=variables(request.getfixturevalue(fixture)))


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    assert len(pages) > 5
    for page in pages:
        for target in _links(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def _links(text: str) -> list[Path]:
    parts = [part.split(")")[0] for part in text.split("](")[1:]]
    return [Path(part.split("#")[0]) for part in parts if not part.startswith(("http", "#"))]
