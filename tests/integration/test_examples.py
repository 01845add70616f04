# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example runs as it stands, and a second run of a playbook changes nothing."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from entry_points import at_hosts, entry_points, served
from running_examples import EXAMPLES, NEED_HOSTS, NEED_SERVERS, run_documentation, run_twice
from site_of_runs import ROOT, Site

PLAYBOOKS = {path.name for path in EXAMPLES.glob("*.yml")}
# A callback is enabled in ansible.cfg: it has no tasks to show.
CALLBACKS = {entry for entry in entry_points() if entry.startswith("callback/")}


@pytest.mark.parametrize("example", sorted(PLAYBOOKS - NEED_SERVERS - NEED_HOSTS))
def test_playbook(site: Site, example: str) -> None:
    run_twice(site, example)


@pytest.mark.parametrize("is_restoring", [False, True])
def test_examples_of_the_documentation(site: Site, is_restoring: bool) -> None:
    entries = entry_points() - CALLBACKS - served() - at_hosts()
    # Its backup lies where other examples have theirs.
    restoring = {"modules/store_restore"}
    run_documentation(site, restoring if is_restoring else entries - restoring)


@pytest.mark.parametrize("folder", ["", "awx"])
def test_what_is_run_in_the_folder_of_the_examples_is_masked(folder: str) -> None:
    config = configparser.ConfigParser()
    assert config.read(EXAMPLES / folder / "ansible.cfg")
    assert config["defaults"]["callbacks_enabled"] == "scoped.secrets.mask"


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    assert len(pages) > 5
    for page in pages:
        for target in _links(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def _links(text: str) -> list[Path]:
    parts = [part.split(")")[0] for part in text.split("](")[1:]]
    return [Path(part.split("#")[0]) for part in parts if not part.startswith(("http", "#"))]
