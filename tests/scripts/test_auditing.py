# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known vulnerabilities stop a release, also those in packages that pip-audit skips."""

from __future__ import annotations

import json
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from release.auditing import ADVISORIES, Audit, judged

ADVISORY = {"package": "pyjwt", "id": "CVE-1", "affected": "<2.4", "what": "a flaw"}
FLAW = {"id": "CVE-2", "fix_versions": ["3.0"]}
SKIPPED = {"name": "PyJWT", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("dependencies", "version", "expected"),
    [
        ([{"name": "PyJWT", "version": "2.3", "vulns": []}], "2.3", Audit([], [])),
        ([{"name": "PyJWT", "version": "2.9", "vulns": [FLAW]}], "2.9", Audit(["pyjwt 2.9: CVE-2, fixed in 3.0"], [])),
        ([SKIPPED], "2.3", Audit(["pyjwt 2.3: CVE-1, a flaw"], ["pyjwt"])),
        ([SKIPPED], "2.4", Audit([], ["pyjwt"])),
        ([], "2.4rc1", Audit([], ["pyjwt"])),
        ([], "2.3.9", Audit(["pyjwt 2.3.9: CVE-1, a flaw"], ["pyjwt"])),
    ],
)
def test_audit_findings(dependencies: list[dict[str, Any]], version: str, expected: Audit) -> None:
    assert judged(dependencies, {"pyjwt": version}, [ADVISORY]) == expected


def test_the_list_can_be_read() -> None:
    for advisory in json.loads(ADVISORIES.read_text())["advisories"]:
        assert advisory["package"] == advisory["package"].lower()
        assert SpecifierSet(advisory["affected"])
        assert advisory["id"].startswith("CVE-")
