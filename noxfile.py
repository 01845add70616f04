# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# /// script
# dependencies = ["nox>=2025.2.9", "antsibull-nox>=1.8"]
# ///
"""The sessions of antsibull-nox.toml. Usage: nox -l, nox -s docs-check, pipx run noxfile.py -s lint"""

from __future__ import annotations

import antsibull_nox
import nox

antsibull_nox.load_antsibull_nox_toml()

LINK = ".work/tree/ansible_collections/scoped/secrets"


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Run the unit tests, or those that are named after `--`, within a tree of collections."""
    session.install("-r", "requirements.txt", "-r", "tests/requirements.txt", "ansible-core>=2.19,<2.20")
    session.run("make", LINK, external=True)
    session.run("pytest", *(session.posargs or ["tests/unit"]), env={"PYTHONPATH": ".work/tree"})


if __name__ == "__main__":
    nox.main()
