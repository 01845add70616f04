# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials of the collection and its libraries, in CycloneDX format."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["write_bom"]


def write_bom(cyclonedx: Path, environment: Path, file: Path, *, version: str, seconds: int) -> None:
    """Write the bill of materials of an environment, with its libraries as dependencies of the collection."""
    command = [cyclonedx, "environment", environment, "--output-reproducible", "--output-file", file]
    subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": str(seconds)}, check=True)
    bom = json.loads(file.read_text())
    libraries = [component["bom-ref"] for component in bom["components"]]
    collection = _collection(version)
    bom["metadata"]["component"] = collection
    bom["dependencies"].append({"ref": collection["bom-ref"], "dependsOn": sorted(libraries)})
    file.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n")


def _collection(version: str) -> dict[str, Any]:
    return {
        "bom-ref": f"scoped.secrets@{version}",
        "type": "library",
        "group": "scoped",
        "name": "secrets",
        "version": version,
        "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
    }
