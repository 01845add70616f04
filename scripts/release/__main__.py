# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a release in .work/release: tarball, bill of materials and checksums. `make release` runs this.

There is no release with uncommitted changes, with a known vulnerability in a library that the collection requires, or
if Galaxy would refuse the tarball.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import yaml

from . import auditing, importing, materials, tarball

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
INTO = ROOT / ".work" / "release"
# The newest libraries that requirements.txt allows, as in `make demo` and the README.
RUNTIME = ROOT / ".venv" / "runtime"
IMPORTER = ROOT / ".venv" / "importer"


def main() -> int:
    if changes := _output("git", "status", "--porcelain"):
        print(f"== commit or remove these changes first:\n{changes}", file=sys.stderr)
        return 1
    _install()
    found = auditing.audit(TOOLS / "pip-audit", _site_packages(), _installed())
    if found.offline:
        print(f"== PyPI has no data on {len(found.offline)} packages; checked against {auditing.ADVISORIES.name}")
    if found.findings:
        print("== known vulnerabilities in what would be installed:", *found.findings, sep="\n", file=sys.stderr)
        return 1
    packed = _pack()
    if refused := importing.refusals(importing.install(IMPORTER), packed):
        packed.unlink()
        print("== Galaxy would report:", *refused, sep="\n", file=sys.stderr)
        return 1
    _release(packed)
    return 0


def _install() -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", RUNTIME], check=True)
    needed = ["ansible-core>=2.18", "-r", ROOT / "requirements.txt"]
    python = RUNTIME / "bin" / "python"
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "-q", *needed], check=True)


def _site_packages() -> Path:
    return next((RUNTIME / "lib").glob("python*/site-packages"))


def _installed() -> dict[str, str]:
    """Return the versions of the installed packages by name."""
    listed = _output(sys.executable, "-m", "pip", "--python", RUNTIME / "bin" / "python", "freeze", "--all")
    pairs = (line.split("==") for line in listed.splitlines() if "==" in line)
    return {str(auditing.canonicalize_name(name)): version for name, version in pairs}


def _pack() -> Path:
    """Build and return the tarball."""
    INTO.mkdir(parents=True, exist_ok=True)
    build = [TOOLS / "ansible-galaxy", "collection", "build", "--force", "--output-path", INTO, ROOT]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    packed = INTO / f"scoped-secrets-{_version()}.tar.gz"
    tarball.make_reproducible(packed, _seconds())
    return packed


def _release(packed: Path) -> None:
    """Write the bill of materials and the checksums."""
    bom = INTO / f"scoped-secrets-{_version()}.cdx.json"
    materials.write_bom(TOOLS / "cyclonedx-py", RUNTIME, bom, version=_version(), seconds=_seconds())
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in (packed, bom)]
    (INTO / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    print("== in .work/release:", *sums, sep="\n")


def _version() -> str:
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"])


def _seconds() -> int:
    """Return the time of the commit in seconds since 1970."""
    return int(_output("git", "log", "-1", "--format=%ct"))


def _output(*command: str | Path) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
