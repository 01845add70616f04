# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation at a KMS rewraps all data keys, so that an old version of the KMS key can go."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.engine.engine import Engine
from ansible_collections.scoped.secrets.plugins.module_utils.engine.keys import provider_rotation
from ansible_collections.scoped.secrets.plugins.module_utils.managers import failures
from ansible_collections.scoped.secrets.plugins.module_utils.model.messages import Request, Result
from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import Cloud
from ansible_collections.scoped.secrets.tests.unit.engine.stores import check, declare, error_of, in_session, read

PAY = {"org": "pay"}
NAMES = [f"s{number}" for number in range(7)]


def kms_store(engine: Engine, cloud: Cloud, reuse: str = "none") -> None:
    """Create a store whose values are wrapped with version 1 of a key, then make version 2 the newest."""
    cloud.newest_version = cloud.taken_version = "1"
    declare(engine, "scope", **PAY)
    declare(engine, "connector_memory_kms", **PAY, identifier="kms", use_as_default=True, data_key_reuse=reuse)
    for name in NAMES:
        declare(engine, "secret_text", **PAY, identifier=name, value=name.encode())
    declare(engine, "secret_text", **PAY, identifier="s0", value=b"newer")
    declare(engine, "secret_text", **PAY, identifier="here", value=b"built in", secret_manager="builtin")
    cloud.newest_version = cloud.taken_version = "2"


def rotate(engine: Engine, **params: Any) -> Result:
    return declare(engine, "key_rotation", target="provider", **PAY, **{"connector": "kms", **params})


def values(engine: Engine) -> list[bytes]:
    return [read(engine, name, **PAY) for name in ["s0@1", *NAMES, "here"]]


EXPECTED = [b"s0", b"newer", *(name.encode() for name in NAMES[1:]), b"built in"]


@pytest.mark.parametrize("reuse", ["none", "run", "3"])
@pytest.mark.parametrize("batch_size", [1, 3, 500])
def test_the_old_version_may_be_disabled_afterwards(
    engine: Engine, settings: Settings, cloud: Cloud, reuse: str, batch_size: int
) -> None:
    kms_store(engine, cloud, reuse)
    cloud.counts.clear()
    result = rotate(engine, batch_size=batch_size)
    rotation = result.returned["rotation"]
    assert (result.changed, rotation["left_total"], rotation["moved"]) == (True, 0, {"data_keys": 8})
    assert rotation["key_version"] == "2"
    wraps = {"none": 8, "run": 1, "3": 3}[reuse]
    assert cloud.counts["wrap"] == wraps
    cloud.disabled_versions = {"1"}
    assert values(Engine(settings)) == EXPECTED
    assert not declare(engine, "secret_text", **PAY, identifier="s1", value=b"s1").changed


def test_a_second_rotation_does_nothing(engine: Engine, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    rotate(engine)
    cloud.counts.clear()
    again = rotate(engine)
    assert (again.changed, again.returned["rotation"]["left_total"]) == (False, 0)
    assert not cloud.counts["wrap"] + cloud.counts["unwrap"]


def test_the_newest_version_is_requested_explicitly(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    cloud.taken_version = "1"
    rotate(engine)
    cloud.disabled_versions = {"1"}
    assert values(Engine(settings)) == EXPECTED


def test_without_version_names_every_rotation_rewraps_everything(engine: Engine, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    cloud.newest_version = ""
    for _time in range(2):
        cloud.counts.clear()
        assert rotate(engine).changed
        assert cloud.counts["wrap"] == 8


def test_check_mode_counts_and_wraps_nothing(engine: Engine, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    cloud.counts.clear()
    planned = check(engine, "key_rotation", target="provider", **PAY, connector="kms")
    assert (planned.changed, planned.returned["rotation"]["left"]) == (True, {"data_keys": 8})
    assert not cloud.counts["wrap"] + cloud.counts["unwrap"]
    done = rotate(engine)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert not check(engine, "key_rotation", target="provider", **PAY, connector="kms").changed


def test_an_interrupted_rotation_is_resumed(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    left = [3]

    def fail(_path: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise failures.unavailable("it", "it does not answer")

    cloud.before["wrap"] = fail
    assert error_of(lambda: rotate(engine, batch_size=2)).category == "unavailable"
    cloud.before.clear()
    assert values(Engine(settings)) == EXPECTED
    moved = rotate(engine).returned["rotation"]["moved"]["data_keys"]
    assert 0 < moved < 8
    cloud.disabled_versions = {"1"}
    assert values(Engine(settings)) == EXPECTED


def test_values_written_meanwhile_are_rewrapped_too(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    """For example by a run that still uses an earlier branch key."""
    kms_store(engine, cloud)
    other, done = Engine(settings), []

    def write(_path: str) -> None:
        if not done:
            done.append(True)
            cloud.before.clear()
            cloud.taken_version = "1"
            declare(other, "secret_text", **PAY, identifier="a-new-one", value=b"new")
            declare(other, "secret_text", **PAY, identifier="s1", state="absent")

    cloud.before["unwrap"] = write
    assert rotate(engine).returned["rotation"]["left_total"] == 0
    cloud.disabled_versions = {"1"}
    assert read(Engine(settings), "a-new-one", **PAY) == b"new"


def test_scope_and_provider_rotations_go_together(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    for _time in range(2):
        declare(engine, "key_rotation", target="scope", **PAY)
        rotate(engine)
    declare(engine, "key_rotation", target="scope", **PAY, destroy_generation=1)
    assert values(Engine(settings)) == EXPECTED
    assert shown_verified(engine)


def shown_verified(engine: Engine) -> Any:
    return declare(engine, "scope_info", **PAY, verify=True).returned["scopes"]


def test_progress_is_reported(engine: Engine, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    lines: list[str] = []
    params = {"target": "provider", **PAY, "connector": "kms", "batch_size": 4}
    engine.handle(Request("key_rotation", params), lines.append)
    assert lines == [f"Rewrapped the data keys of {done} of 7 secrets" for done in (4, 7)]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"connector": None}, "connector_needed"),
        ({"connector": "vault"}, "no_key_keeper"),
        ({"connector": "none"}, "unknown_connector"),
        ({"batch_size": 0}, "invalid_batch_size"),
        ({"destroy_generation": 1}, "option_of_other_target"),
    ],
)
def test_bad_input(engine: Engine, cloud: Cloud, params: dict[str, Any], code: str) -> None:
    kms_store(engine, cloud)
    declare(engine, "connector_memory_vault", **PAY, identifier="vault", token="good")
    assert error_of(lambda: rotate(engine, **params)).code == code


def test_a_tampered_row_stops_the_rotation(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    kms_store(engine, cloud)
    in_session(settings, lambda s: s.tx.run("UPDATE secret_version SET size = 9 WHERE version = 2"))
    assert error_of(lambda: rotate(engine)).code == "damaged_row"


def test_batches_are_bounded_by_their_size(engine: Engine, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    kms_store(engine, cloud)
    monkeypatch.setattr(provider_rotation, "_BATCH_BYTES", 1)
    lines: list[str] = []
    engine.handle(Request("key_rotation", {"target": "provider", **PAY, "connector": "kms"}), lines.append)
    assert lines == [f"Rewrapped the data keys of {done} of 7 secrets" for done in range(1, 8)]


def test_a_rotation_that_others_keep_undoing_is_not_finished(engine: Engine, settings: Settings, cloud: Cloud) -> None:
    """Another run writes a value with the old version of the key at the end of each round."""
    kms_store(engine, cloud)
    cloud.taken_version = "1"
    other = Engine(settings)

    def write(line: str) -> None:
        declare(other, "secret_text", **PAY, identifier=f"new-{len(lines)}", value=b"new")
        lines.append(line)

    lines: list[str] = []
    params = {"target": "provider", **PAY, "connector": "kms"}
    error = error_of(lambda: engine.handle(Request("key_rotation", params), write))
    assert (error.code, error.details["data_keys"] > 0) == ("rotation_not_finished", True)
    assert rotate(engine).returned["rotation"]["left_total"] == 0
    cloud.disabled_versions = {"1"}
    assert {read(Engine(settings), f"new-{number}", **PAY) for number in range(len(lines))} == {b"new"}
