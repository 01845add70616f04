# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ways lead into the collection, read from its folders: what the secrecy tables must cover."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
KINDS = ("modules", "lookup", "filter", "connection", "callback")


def entry_points() -> set[str]:
    """Return the names of all modules and of all plugins that playbooks use."""
    return {f"{kind}/{path.stem}" for kind in KINDS for path in (PLUGINS / kind).glob("*.py")}


def roles() -> set[str]:
    """Return the names of all roles, which have tables of their own: `test_roles_secrecy.py`."""
    return {path.name for path in (ROOT / "roles").iterdir()}


def at_hosts() -> set[str]:
    """Return the entry points whose examples need a host to log in at: `test_examples_at_servers.py` runs them too."""
    return {entry for entry in entry_points() if entry.startswith("connection/")}


def served() -> set[str]:
    """Return the entry points whose examples need a server: `test_examples_at_servers.py` runs them."""
    connectors = {entry for entry in entry_points() if entry.startswith("modules/connector_")}
    return {*connectors, "modules/store_database"} - {
        "modules/connector_check",
        "modules/connector_info",
    }
