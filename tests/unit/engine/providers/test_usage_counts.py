# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts of a run, by many threads at once."""

from __future__ import annotations

import threading

from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine, Shared
from ansible_collections.scoped.secrets.plugins.module_utils.engine.providers.usage import Usage
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.stores import declare, error_of, read, shown

NAMES = ("calls", "reads", "hits", "opened")


def numbers(usage: Usage) -> tuple[int, ...]:
    counts = usage.counts()
    return tuple(counts[name] for name in NAMES)


def test_counts_start_at_zero() -> None:
    assert numbers(Usage()) == (0, 0, 0, 0)


def test_no_count_is_lost() -> None:
    usage = Usage()

    def work() -> None:
        for _time in range(2000):
            usage.add("calls")
            usage.add("reads", 3)

    threads = [threading.Thread(target=work) for _thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(usage) == (16_000, 48_000, 0, 0)


def test_what_an_engine_counts(settings: Settings) -> None:
    shared = Shared()
    usage, engine = shared.usage, Engine(settings, shared=shared)
    declare(engine, "secret_text", identifier="a", value=b"v")
    assert numbers(usage) == (1, 0, 0, 0)
    read(engine, "a")
    assert numbers(usage) == (2, 1, 0, 1)
    read(engine, "a")
    assert numbers(usage) == (3, 2, 1, 1)
    error_of(lambda: read(engine, "none"))
    assert numbers(usage) == (4, 3, 1, 1)
    error_of(lambda: read(engine, "none"))
    assert numbers(usage) == (5, 4, 2, 1)
    declare(engine, "secret_text", identifier="a", value=b"w")
    read(engine, "a")
    assert numbers(usage) == (7, 5, 2, 2)


def test_the_doctor_shows_the_counts(settings: Settings) -> None:
    engine = Engine(settings)
    declare(engine, "secret_text", identifier="a", value=b"v")
    usage = declare(engine, "doctor").returned["usage"]
    assert [usage[name] for name in NAMES] == [2, 0, 0, 0]
    assert shown(engine, "secret_info")[0]["identifier"] == "a"
