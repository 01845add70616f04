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
        "managers/aws_secrets_manager",
        "managers/aws_kms",
        "managers/azure_key_vault",
        "managers/gcp_secret_manager",
        "managers/gcp_kms",
        "managers/cyberark_conjur",
        "managers/cyberark_ccp",
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
    sections = {title: [page for page in named if page in there] for title, named in SECTIONS.items()}
    rest = sorted(there.difference(*sections.values()))
    return {title: named for title, named in {**sections, REST: rest}.items() if named}
