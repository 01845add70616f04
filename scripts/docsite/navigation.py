# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the pages, by task. Pages that are not listed here go to the section `REST`."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["REST", "SECTIONS", "navigation"]

REST = "More"
SECTIONS: dict[str, tuple[str, ...]] = {
    "Begin": ("getting_started", "scopes_and_references", "configuration"),
    "Declare and read": ("secrets", "manifest", "roles", "reading_secrets", "lookups", "broker"),
    "Secret managers": (
        "managers/which",
        "managers/index",
        "managers/hashicorp_vault",
        "managers/*",
        "managers/custom",
        "managers/lookup",
    ),
    "Hosts": ("credentials", "ssh"),
    "Move here": ("moving/ansible_vault", "moving/hashi_vault", "moving/sops", "moving/harness"),
    "Operate": ("operations", "postgresql", "awx", "backup", "key_rotation", "errors"),
    "Trust": ("security", "scope_keys", "audit", "masking"),
    "Contribute": ("contributing", "architecture", "testing", "benchmarks"),
}


def navigation(pages: Iterable[str]) -> dict[str, list[str]]:
    """Return all existing pages by section. A page is its path below docs, without `.md`."""
    there = set(pages)
    sections = {title: _existing(named, there) for title, named in SECTIONS.items()}
    rest = sorted(there.difference(*sections.values()))
    return {title: named for title, named in {**sections, REST: rest}.items() if named}


def _existing(named: Iterable[str], there: set[str]) -> list[str]:
    """Return the existing pages of a section. `FOLDER/*` stands for those of a folder that are not listed by name."""
    unlisted = sorted(there.difference(*SECTIONS.values()))
    pages: list[str] = []
    for name in named:
        folder = name.removesuffix("*")
        pages += [page for page in unlisted if page.startswith(folder)] if name != folder else [name]
    return [page for page in pages if page in there]
