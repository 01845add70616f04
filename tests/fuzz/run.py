# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz the parsers, guided by what each input makes them run (atheris, libFuzzer). `make fuzz` runs this.

Each parser has a process of its own. Inputs that brought something new stay in .work/fuzz/corpus, and the next run
begins with them; one that made a parser fail is kept in .work/fuzz/found, and `--replay` runs all of those.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work" / "fuzz"
# Seconds that one input may take, and the most memory, in MiB.
SLOW, MEMORY = 10, 1024
LONGEST = 4096


def main() -> int:
    options = _options()
    if options.only:
        return _fuzz(options.only, options.seconds)
    from fuzz.targets import TARGETS

    names = options.targets or sorted(TARGETS)
    if options.replay:
        return _replay(names)
    # Some of the parsers at once, each for its share of the time.
    seconds = max(1, round(options.minutes * 60 * options.jobs / len(names)))
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = pool.map(lambda name: _run(name, seconds), names)
        failed = [name for name, is_good in zip(names, outcomes, strict=True) if not is_good]
    print(f"== failed: {', '.join(failed)}" if failed else "== no parser failed", flush=True)
    return bool(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="some parsers; all of them if left out")
    parser.add_argument("--minutes", type=float, default=10, help="time for all together (default: 10)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (default: 2)")
    parser.add_argument("--replay", action="store_true", help="run what was found before, and nothing else")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=60, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(name: str, seconds: int) -> bool:
    """Fuzz one parser in its own process, since a failure ends it. Tell whether there was none."""
    command = [sys.executable, __file__, "--only", name, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("INFO: ", "#"))]
    count = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
    print(f"== {name}: {count} inputs in {seconds} s{', FAILED' if done.returncode else ''}", flush=True)
    if done.returncode:
        print("\n".join(lines[-40:]), flush=True)
    return not done.returncode


def _fuzz(name: str, seconds: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["ansible_collections.scoped.secrets"]):
        from fuzz.targets import TARGETS

    corpus, found = WORK / "corpus" / name, WORK / "found" / name
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-timeout={SLOW}", f"-rss_limit_mb={MEMORY}", f"-max_len={LONGEST}"]
    arguments = [sys.argv[0], *limits, "-print_final_stats=1", f"-artifact_prefix={found}/", str(corpus)]
    atheris.Setup(arguments, TARGETS[name].run)
    atheris.Fuzz()
    return 0


def _replay(names: list[str]) -> int:
    from fuzz.targets import TARGETS

    files = [(name, file) for name in names for file in sorted((WORK / "found" / name).glob("*"))]
    for name, file in files:
        print(f"== {name}: {file.name}", flush=True)
        TARGETS[name].run(file.read_bytes())
    print(f"== none of {len(files)} inputs fails any more")
    return 0


if __name__ == "__main__":
    sys.exit(main())
