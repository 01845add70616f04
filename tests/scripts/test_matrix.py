# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The legs of the matrix leave out no folder of tests, no core and no kind of store."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# Folders of tests that make runs by itself, and folders that have none.
BY_MAKE = {"tests/molecule", "tests/scripts", "tests/site"}
NO_TESTS = {"tests/benchmarks", "tests/fixtures"}


@pytest.fixture(scope="module")
def matrix() -> ModuleType:
    # By its file: `matrix` alone is a name that a library might have.
    spec = importlib.util.spec_from_file_location("scoped_secrets_matrix", ROOT / "scripts" / "matrix.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def machine(matrix: ModuleType) -> object:
    """A machine with every Python."""
    return matrix.Machine([((3, minor), f"python3.{minor}") for minor in range(11, 16)])


def folders(leg: object) -> set[str]:
    return {argument for argument in leg.arguments if argument.startswith("tests/")}  # type: ignore[attr-defined]


def test_every_name_is_one_leg(matrix: ModuleType) -> None:
    for table in (matrix.IN_TEST, matrix.IN_MATRIX):
        names = [leg.name for leg in table]
        assert len(names) == len(set(names))
    assert all(matrix.LEGS[leg.name] == leg for leg in (*matrix.IN_TEST, *matrix.IN_MATRIX))


def test_every_path_exists(matrix: ModuleType) -> None:
    for leg in matrix.LEGS.values():
        assert folders(leg) or "sanity" in leg.name
        assert [path for path in folders(leg) if not (ROOT / path).exists()] == []


def test_the_matrix_runs_every_folder_of_tests(matrix: ModuleType) -> None:
    there = {
        str(path.relative_to(ROOT)) for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0] != "_"
    }
    run = set().union(*(folders(leg) for leg in matrix.IN_MATRIX))
    assert there - run == BY_MAKE | NO_TESTS
    text = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"bin/pytest (-n \d )?{folder}\n", text) for folder in BY_MAKE)


@pytest.mark.parametrize("tests", ["tests/integration", "tests/unit", "scripts/sanity.py"])
def test_the_matrix_runs_everything_on_every_core(matrix: ModuleType, tests: str) -> None:
    """Without a marker or an expression that chooses among them."""
    whole = [leg for leg in matrix.IN_MATRIX if tests in leg.arguments and not leg.variables]
    assert {leg.core for leg in whole} == set(matrix.CORES)
    assert not [leg for leg in whole if {"-m", "-k"} & set(leg.arguments[1:]) - {"-m"} or leg.arguments.count("-m") > 1]


def test_make_test_runs_nothing_that_the_matrix_leaves_out(matrix: ModuleType) -> None:
    """Whatever a leg of `make test` runs is a part of what a leg of the matrix runs, with the same variables."""
    for leg in matrix.IN_TEST:
        if "sanity" not in leg.name:
            whole = [one for one in matrix.IN_MATRIX if dict(one.variables) == dict(leg.variables)]
            covered = {folder for one in whole for folder in folders(one)}
            assert all(any(path.startswith(folder) for folder in covered) for path in folders(leg)), leg.name


def test_make_test_runs_every_folder_once(matrix: ModuleType) -> None:
    """The unit tests are those of `make check`."""
    run = set().union(*(folders(leg) for leg in matrix.IN_TEST))
    whole = set().union(*(folders(leg) for leg in matrix.IN_MATRIX))
    assert whole - run == {"tests/unit", "tests/unit/engine", "tests/fuzz"}


@pytest.mark.parametrize("marker", ["each_core", "inline", "each_store"])
def test_each_marker_chooses_tests(matrix: ModuleType, marker: str) -> None:
    assert [leg for leg in matrix.IN_TEST if marker in leg.arguments]
    assert f'"{marker}: ' in (ROOT / "pyproject.toml").read_text()
    texts = [path.read_text() for path in (ROOT / "tests" / "integration").glob("test_*.py")]
    assert any(f"pytest.mark.{marker}" in text for text in texts)


def test_the_cores_are_those_that_the_collection_says(matrix: ModuleType) -> None:
    oldest = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert oldest == f">={min(matrix.CORES)}.0"
    assert all(core in leg_cores(matrix) for core in matrix.CORES)
    page = (ROOT / "docs" / "testing.md").read_text()
    assert set(re.findall(r"^\| (2\.\d\d)\b", page, re.MULTILINE)) == set(matrix.CORES)


def leg_cores(matrix: ModuleType) -> set[str]:
    return {leg.core for leg in matrix.IN_MATRIX}


def test_the_newest_core_is_final_and_runs_here(matrix: ModuleType, machine: object) -> None:
    final = [name for name, core in matrix.CORES.items() if core.is_final]
    assert machine.newest == max(final)  # type: ignore[attr-defined]
    assert matrix.Machine([((3, 11), "python3.11")]).newest == "2.19"


def test_old_cores_run_on_old_pythons_and_new_ones_on_new_ones(matrix: ModuleType, machine: object) -> None:
    python_for = machine.python_for  # type: ignore[attr-defined]
    assert [python_for(core)[0][1] for core in ("2.18", "2.19", "2.20", "2.21", "2.22")] == [11, 11, 12, 14, 15]
    assert matrix.Machine([((3, 12), "python3.12")]).python_for("2.22") is None


def test_the_oldest_libraries(matrix: ModuleType) -> None:
    pins = list(matrix.oldest_libraries())
    assert "hvac==2.3" in pins
    assert not [pin for pin in pins if pin.startswith("boto3=")]


def test_the_list_names_every_leg(matrix: ModuleType, machine: object) -> None:
    lines = list(matrix.listing(machine))
    assert [line.split()[0] for line in lines] == list(matrix.LEGS)
    assert "core 2.21  Python 3.14  test" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [([], None), (["--all"], None), (["--leg", "servers", "--leg", "managers"], ["servers", "managers"])],
)
def test_what_is_chosen(
    matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: list[str], names: list[str] | None
) -> None:
    monkeypatch.setattr(matrix, "servers_changed", lambda: False)
    table = matrix.IN_MATRIX if arguments else matrix.IN_TEST
    expected = names or [leg.name for leg in table if arguments or leg.name != "servers"]
    assert [leg.name for leg in matrix.chosen(matrix.parsed(arguments))] == expected


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, matrix: ModuleType) -> Path:
    """A repository with a server, and enough commits since it was written."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "tests" / "servers").mkdir(parents=True)
    (tmp_path / "tests" / "servers" / "a.py").write_text("a = 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "a server")
    for number in range(matrix.LANDED):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", f"{number}")
    return tmp_path


def test_servers_that_did_not_change(matrix: ModuleType, repository: Path) -> None:
    assert not matrix.servers_changed(repository)
    (repository / "tests" / "b.py").write_text("")
    assert not matrix.servers_changed(repository)


@pytest.mark.parametrize("way", ["committed", "edited", "new", "requirements"])
def test_servers_that_changed(matrix: ModuleType, repository: Path, way: str) -> None:
    name = {"new": "tests/servers/b.py", "requirements": "tests/requirements-servers.txt"}.get(
        way, "tests/servers/a.py"
    )
    (repository / name).write_text("a = 2\n")
    if way == "committed":
        git(repository, "commit", "-q", "-a", "-m", "changed")
    assert matrix.servers_changed(repository)


def test_servers_that_changed_on_a_branch(matrix: ModuleType, repository: Path) -> None:
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repository, "commit", "-q", "--allow-empty", "-m", "else")
    assert not matrix.servers_changed(repository)
    (repository / "tests" / "servers" / "a.py").write_text("a = 2\n")
    git(repository, "commit", "-q", "-a", "-m", "changed")
    assert matrix.servers_changed(repository)


def test_where_git_can_not_tell_servers_count_as_changed(matrix: ModuleType, tmp_path: Path) -> None:
    assert matrix.servers_changed(tmp_path)


def test_a_leg_that_fails_is_named_and_the_others_run(
    matrix: ModuleType, machine: object, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    prefix = Path(sys.prefix)
    monkeypatch.setattr(matrix, "environment", lambda _core, _python: prefix)
    codes = {"good": 0, "bad": 3}
    legs = [
        matrix.Leg(name, "2.19", ("-c", f"print('it is'); raise SystemExit({code})")) for name, code in codes.items()
    ]
    assert matrix.run_all(legs, machine) == ["bad"]
    output = capfd.readouterr().out
    assert output.count("it is\n== ") == 2
    assert re.search(r"== bad: failed after [\d.]+ minutes", output)
    assert re.search(r"== good: passed after [\d.]+ minutes", output)


def test_a_leg_without_a_python_is_skipped(matrix: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    machine = matrix.Machine([((3, 11), "python3.11")])
    assert matrix.run_all([matrix.LEGS["playbooks-2.22"]], machine) == []
    assert "playbooks-2.22: skipped, core 2.22 needs Python 3.13 or newer" in capfd.readouterr().out
