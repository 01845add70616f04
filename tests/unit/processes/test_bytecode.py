# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers load this collection's shared code from bytecode, with Python's own loader; other imports don't change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.processes import bytecode
from ansible_collections.scoped.secrets.plugins.module_utils.processes.bytecode import BytecodeFinder

PACKAGE = str(bytecode.__package__).rpartition(".")[0]
FOLDER = Path(str(bytecode.__file__)).parents[1]
# Acts like a worker: ansible-core's collection loader is installed, and a plugin imports `bytecode` first.
WORKER = """
import sys
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder(paths=[sys.argv[1]], scan_sys_paths=False)._install()
if sys.argv[2] == "with":
    from ansible_collections.scoped.secrets.plugins.module_utils.processes import bytecode
    bytecode.prefer()
    bytecode.prefer()
    assert sum(type(finder).__name__ == "BytecodeFinder" for finder in sys.meta_path) == 1
from ansible_collections.scoped.secrets.plugins.module_utils.model import queries
print(queries.__spec__.loader.__class__.__name__, queries.Query("a").reference)
"""


def test_module_utils_use_pythons_own_loader() -> None:
    for name, file in (("client", "client/__init__.py"), ("client.connect", "client/connect.py")):
        folder = str((FOLDER / file).parent if "." in name else FOLDER)
        spec = BytecodeFinder().find_spec(f"{PACKAGE}.{name}", [folder])
        assert spec is not None
        assert isinstance(spec.loader, SourceFileLoader)
        assert spec.origin is not None
        assert os.path.samefile(spec.origin, FOLDER / file)
        assert spec.cached


def test_plugin_utils_use_pythons_own_loader() -> None:
    beside = FOLDER.parent / "plugin_utils"
    spec = BytecodeFinder().find_spec(PACKAGE.replace("module_utils", "plugin_utils.router"), [str(beside)])
    assert spec is not None
    assert isinstance(spec.loader, SourceFileLoader)
    assert spec.origin == str(beside / "router.py")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("json", None),
        ("json.decoder", ["/usr/lib"]),
        (f"{PACKAGE}.client", None),
        (f"{PACKAGE}.client", []),
        (f"{PACKAGE}.nothing", [str(FOLDER)]),
        (f"{PACKAGE}_other.client", [str(FOLDER)]),
        ("ansible_collections.ns.other.plugins.module_utils.client", [str(FOLDER)]),
        (PACKAGE, [str(FOLDER.parent)]),
    ],
)
def test_everything_else_is_left_to_other_finders(name: str, path: list[str] | None) -> None:
    assert BytecodeFinder().find_spec(name, path) is None


def load(folder: Path, how: str, **environment: str) -> str:
    """Return which loader a worker's import used."""
    command = [sys.executable, "-c", WORKER, str(folder), how]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env={**plain, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of the shared code, installed elsewhere as a collection."""
    target = tmp_path / "ansible_collections" / "scoped" / "secrets" / "plugins" / "module_utils"
    shutil.copytree(FOLDER, target, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def compiled(installed: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in installed.rglob("model/__pycache__/*.pyc"))


def test_worker_leaves_bytecode_for_the_next(installed: Path) -> None:
    assert load(installed, "without").split() == ["_AnsibleCollectionLoader", "a"]
    assert compiled(installed) == []
    assert load(installed, "with").split() == ["SourceFileLoader", "a"]
    assert compiled(installed) == ["__init__", "errors", "queries"]


def test_works_without_writing_bytecode(installed: Path) -> None:
    assert load(installed, "with", PYTHONDONTWRITEBYTECODE="1").split() == ["SourceFileLoader", "a"]
    assert compiled(installed) == []
    # A file instead of the folder, so that even root can't write there.
    (installed / "ansible_collections/scoped/secrets/plugins/module_utils/model/__pycache__").touch()
    assert load(installed, "with").split() == ["SourceFileLoader", "a"]


def test_changed_file_is_compiled_again(installed: Path) -> None:
    load(installed, "with")
    file = installed / "ansible_collections/scoped/secrets/plugins/module_utils/model/queries.py"
    file.write_text(file.read_text() + '\n_ = Query\nQuery = lambda name: _(f"changed {name}")\n')
    assert load(installed, "with").split() == ["SourceFileLoader", "changed", "a"]
