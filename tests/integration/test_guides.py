# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README and the guides show runs; `test_examples_at_servers.py` runs those that need a secret manager."""

from __future__ import annotations

from guides import PAGES, ROOT, blocks, run_guides
from site_of_runs import Site


def test_every_fence_is_seen() -> None:
    """So that all playbooks, tasks and templates among them are run, but for those that say right before why not."""
    for page in PAGES:
        fences = [line for line in page.read_text().splitlines() if line.strip().startswith("```")]
        assert len(fences) == 2 * len(blocks(page)), page.relative_to(ROOT)


def test_guides(site: Site) -> None:
    run_guides(site, servers=False)
