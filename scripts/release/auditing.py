# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the dependencies of a fresh installation for known vulnerabilities.

pip-audit asks PyPI. It skips packages that it can't look up, and still succeeds. These packages are checked against the
list in advisories.json, which needs no network.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ADVISORIES = Path(__file__).with_name("advisories.json")


class Audit(NamedTuple):
    """The result. `findings` are lines to print, `offline` are the packages that only the list could check."""

    findings: list[str]
    offline: list[str]


def audit(pip_audit: Path, site_packages: Path, installed: Mapping[str, str]) -> Audit:
    """Audit the packages in a folder. `installed`: their versions by name."""
    command = [pip_audit, "--path", site_packages, "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return judged(_dependencies(done.stdout), installed, json.loads(ADVISORIES.read_text())["advisories"])


def _dependencies(report: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(report)["dependencies"])
    except ValueError:
        return []


def judged(
    dependencies: Iterable[Mapping[str, Any]], installed: Mapping[str, str], advisories: Iterable[Mapping[str, str]]
) -> Audit:
    """Return the findings in pip-audit's `dependencies`, and those of the list for all other packages."""
    known = {canonicalize_name(one["name"]): one for one in dependencies if "skip_reason" not in one}
    offline = sorted(set(installed) - set(known))
    findings = [
        f"{name} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no version'}"
        for name, one in known.items()
        for flaw in one.get("vulns", ())
    ]
    findings += [
        f"{name} {installed[name]}: {advisory['id']}, {advisory['what']}"
        for name in offline
        for advisory in advisories
        if advisory["package"] == name and _is_affected(advisory, installed[name])
    ]
    return Audit(findings, offline)


def _is_affected(advisory: Mapping[str, str], version: str) -> bool:
    return SpecifierSet(advisory["affected"]).contains(version, prereleases=True)
