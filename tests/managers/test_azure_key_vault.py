# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Key Vault keeps values and leaves other secrets alone."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.azure.key_vault import BASE64, OWNER_TAG
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Found, Writing
from azure_connectors import OWNER, key_vault, refusal
from checking import check
from servers.azure_key_vault import ALL, Azure, Vault

OTHERS = "somebody-else"
LIMIT = 25 * 1024


@pytest.fixture
def vault(azure: Azure) -> Vault:
    """A vault that no other test uses."""
    return azure.open_vault()


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        (b"a value", None),
        (b"", None),
        ("ünï\r\n\0".encode(), None),
        (b"\xff\xfe\x00", BASE64),
        (b"x" * LIMIT, None),
        (b"\xff" * (LIMIT // 4 * 3), BASE64),
    ],
)
def test_what_is_written_can_be_read(azure: Azure, vault: Vault, value: bytes, content_type: str | None) -> None:
    keeper = key_vault(azure, vault.url)
    version = keeper.write("a", value, Writing(OWNER))
    assert keeper.read("a") == keeper.read("A", version) == keeper.read("a", "latest") == Found(value, version)
    assert vault.newest("a").get("contentType") == content_type


@pytest.mark.parametrize("value", [b"x" * (LIMIT + 1), "ü".encode() * (LIMIT // 2 + 1), b"\xff" * (LIMIT // 4 * 3 + 1)])
def test_a_value_that_is_too_large_as_it_is_kept_is_not_sent(azure: Azure, vault: Vault, value: bytes) -> None:
    counts = Counter[str]()
    error = refusal(key_vault(azure, vault.url, counts).write, "a", value, Writing(OWNER))
    assert (error.code, counts) == ("value_too_large_for_manager", {})


def test_an_update_is_a_version_that_takes_two_requests(azure: Azure, vault: Vault) -> None:
    counts = Counter[str]()
    keeper = key_vault(azure, vault.url, counts)
    first = keeper.write("a", b"\xff one", Writing(OWNER))
    # Two requests to Entra ID, one that learns that a token is needed, and two more.
    assert counts == {"logins": 1, "requests": 5}
    counts.clear()
    second = keeper.write("a", b"two", Writing(OWNER))
    assert counts == {"requests": 2}
    assert keeper.read("a") == Found(b"two", second)
    assert keeper.read("a", first) == Found(b"\xff one", first)


@pytest.mark.parametrize("version", ["0" * 32, "AWSCURRENT", "1", "../a"])
def test_a_version_that_does_not_exist(azure: Azure, vault: Vault, version: str) -> None:
    keeper = key_vault(azure, vault.url)
    keeper.write("a", b"one", Writing(OWNER))
    error = refusal(keeper.read, "a", version)
    assert (error.code, version in error.message) == ("unknown_path", True)


@pytest.mark.parametrize("path", ["a/b", "a_b", "", "ä", "a?x=y", "x" * 128])
def test_a_path_that_can_not_be_a_name_is_not_sent(azure: Azure, vault: Vault, path: str) -> None:
    counts = Counter[str]()
    keeper = key_vault(azure, vault.url, counts)
    assert refusal(keeper.read, path).code == "name_not_allowed"
    assert counts == {}


def test_tags_change_without_a_new_value(azure: Azure, vault: Vault) -> None:
    keeper = key_vault(azure, vault.url)
    version = keeper.write("a", b"one", Writing(OWNER, tags={"team": "a"}))
    vault.newest("a")["tags"]["theirs"] = "x"
    keeper.relabel("a", Writing(OWNER, tags={"team": "b"}))
    assert vault.newest("a")["tags"] == {OWNER_TAG: OWNER, "team": "b", "theirs": "x"}
    assert keeper.read("a") == (b"one", version)
    assert refusal(keeper.relabel, "a", Writing(OTHERS)).code == "foreign_secret"
    assert refusal(keeper.relabel, "none", Writing(OWNER)).code == "unknown_path"
    keeper.check_owner("a", OWNER)
    assert refusal(keeper.check_owner, "a", OTHERS).code == "foreign_secret"
    assert refusal(keeper.check_owner, "none", OWNER).code == "unknown_path"


def test_tags_of_ours_and_of_others_and_the_mark(azure: Azure, vault: Vault) -> None:
    keeper = key_vault(azure, vault.url)
    keeper.write("a", b"one", Writing(OWNER, tags={"team": "a", "long": "x" * 257}))
    assert vault.newest("a")["tags"] == {OWNER_TAG: OWNER, "team": "a"}
    vault.newest("a")["tags"]["theirs"] = "x"
    keeper.write("a", b"two", Writing(OWNER, tags={"team": "b"}))
    assert vault.newest("a")["tags"] == {OWNER_TAG: OWNER, "team": "b", "theirs": "x"}
    keeper.write("a", b"three", Writing(OWNER, tags={f"t{number}": "x" for number in range(20)}))
    assert len(vault.newest("a")["tags"]) == 15
    assert vault.newest("a")["tags"][OWNER_TAG] == OWNER


@pytest.mark.parametrize("tags", [None, {"team": "x"}, {OWNER_TAG: OTHERS}])
def test_a_secret_of_others_is_left_alone(azure: Azure, vault: Vault, tags: dict[str, str] | None) -> None:
    keeper = key_vault(azure, vault.url)
    vault.add("a", "theirs", **({"tags": tags} if tags else {}))
    assert refusal(keeper.write, "a", b"ours", Writing(OWNER)).code == "foreign_secret"
    assert refusal(keeper.remove, "a", OWNER).code == "foreign_secret"
    assert (keeper.read("a").content, len(vault.live["a"].versions)) == (b"theirs", 1)
    keeper.write("a", b"ours", Writing(OWNER, adopt=True))
    assert vault.newest("a")["tags"] == {**(tags or {}), OWNER_TAG: OWNER}
    keeper.remove("a", OWNER)
    assert "a" not in vault.live


def test_a_version_that_somebody_adds_without_tags_leaves_it_ours(azure: Azure, vault: Vault) -> None:
    keeper = key_vault(azure, vault.url)
    keeper.write("a", b"ours", Writing(OWNER))
    for number in range(4):
        vault.add("a", f"by hand {number}")
    keeper.write("a", b"ours again", Writing(OWNER))
    vault.add("a", "by hand")
    reader = key_vault(azure, vault.url, **_login(azure, ALL - {"list"}))
    assert refusal(reader.write, "a", b"unsure", Writing(OWNER)).code == "foreign_secret"
    keeper.remove("a", OWNER)
    assert "a" not in vault.live


def test_versions_of_two_owners_are_nobodys(azure: Azure, vault: Vault) -> None:
    for owner in (OWNER, OTHERS):
        key_vault(azure, vault.url).write("a", b"x", Writing(owner, adopt=True))
    vault.add("a", "by hand")
    assert refusal(key_vault(azure, vault.url).write, "a", b"ours", Writing(OWNER)).code == "foreign_secret"


@pytest.mark.parametrize("lag", [0, 3])
def test_what_was_deleted_is_recovered_by_writing(azure: Azure, vault: Vault, lag: int) -> None:
    vault.lag = lag
    keeper = key_vault(azure, vault.url)
    first = keeper.write("a", b"one", Writing(OWNER))
    keeper.remove("a", OWNER)
    assert refusal(keeper.read, "a").code == "unknown_path"
    keeper.write("a", b"two", Writing(OWNER))
    assert [keeper.read("a").content, keeper.read("a", first).content] == [b"two", b"one"]
    assert vault.deleted == {}


def test_what_others_deleted_is_not_recovered(azure: Azure, vault: Vault) -> None:
    vault.add("a", "theirs")
    vault.deleted["a"] = vault.live.pop("a")
    keeper = key_vault(azure, vault.url, purge=True)
    assert refusal(keeper.write, "a", b"ours", Writing(OWNER)).code == "secret_scheduled_for_deletion"
    keeper.remove("a", OWNER)
    assert "a" in vault.deleted
    keeper.write("a", b"ours", Writing(OWNER, adopt=True))
    assert keeper.read("a").content == b"ours"


def test_a_deletion_that_does_not_end_is_not_waited_for_forever(azure: Azure, vault: Vault) -> None:
    vault.lag = 10**9
    keeper = key_vault(azure, vault.url, timeout=1)
    keeper.write("a", b"one", Writing(OWNER))
    keeper.remove("a", OWNER)
    error = refusal(keeper.write, "a", b"two", Writing(OWNER))
    assert (error.code, error.retryable) == ("provider_unavailable", True)


@pytest.mark.parametrize("lag", [0, 2])
def test_purging(azure: Azure, vault: Vault, lag: int) -> None:
    vault.lag = lag
    keeper = key_vault(azure, vault.url, purge=True)
    keeper.write("a", b"one", Writing(OWNER))
    keeper.remove("a", OWNER)
    assert (vault.live, vault.deleted) == ({}, {})
    keeper.remove("a", OWNER)


def test_purging_what_was_deleted_before(azure: Azure, vault: Vault) -> None:
    careful = key_vault(azure, vault.url)
    careful.write("a", b"one", Writing(OWNER))
    careful.remove("a", OWNER)
    careful.remove("a", OWNER)
    assert "a" in vault.deleted
    key_vault(azure, vault.url, purge=True).remove("a", OWNER)
    assert vault.deleted == {}


def test_a_vault_without_soft_delete(azure: Azure, vault: Vault) -> None:
    vault.has_soft_delete = False
    keeper = key_vault(azure, vault.url, purge=True)
    keeper.write("a", b"one", Writing(OWNER))
    keeper.remove("a", OWNER)
    keeper.write("a", b"two", Writing(OWNER))
    assert keeper.read("a").content == b"two"


def test_a_disabled_version(azure: Azure, vault: Vault) -> None:
    keeper = key_vault(azure, vault.url)
    first = keeper.write("a", b"one", Writing(OWNER))
    vault.newest("a")["attributes"]["enabled"] = False
    verbs = [
        lambda: keeper.read("a"),
        lambda: keeper.write("a", b"two", Writing(OWNER)),
        lambda: keeper.remove("a", OWNER),
    ]
    assert [refusal(verb).code for verb in verbs] == ["secret_version_disabled"] * 3
    vault.add("a", "two", tags={OWNER_TAG: OWNER})
    assert keeper.read("a").content == b"two"
    assert refusal(keeper.read, "a", first).code == "secret_version_disabled"


def test_a_content_type_that_is_wrong(azure: Azure, vault: Vault) -> None:
    vault.add("a", "no base64!", contentType=BASE64)
    vault.add("b", "plain", contentType="text/plain")
    keeper = key_vault(azure, vault.url)
    assert refusal(keeper.read, "a").code == "malformed_reply"
    assert keeper.read("b").content == b"plain"


@pytest.mark.parametrize(
    ("missing", "verb"),
    [("get", "read"), ("set", "write"), ("delete", "remove"), ("recover", "again")],
)
def test_a_permission_that_is_missing_is_named(azure: Azure, vault: Vault, missing: str, verb: str) -> None:
    key_vault(azure, vault.url).write("a", b"one", Writing(OWNER))
    if verb == "again":
        key_vault(azure, vault.url).remove("a", OWNER)
    keeper = key_vault(azure, vault.url, **_login(azure, ALL - {missing}))
    verbs = {
        "read": lambda: keeper.read("a"),
        "write": lambda: keeper.write("a", b"two", Writing(OWNER)),
        "again": lambda: keeper.write("a", b"two", Writing(OWNER)),
        "remove": lambda: keeper.remove("a", OWNER),
    }
    error = refusal(verbs[verb])
    assert (error.code, f"'{missing}'" in error.hint) == ("provider_denied", True)


def test_check_leaves_nothing(azure: Azure, vault: Vault) -> None:
    check(key_vault(azure, vault.url, **_login(azure, frozenset({"get"}))), "read")
    assert (vault.live, vault.deleted) == ({}, {})


def test_several_paths(azure: Azure, vault: Vault) -> None:
    keeper = key_vault(azure, vault.url)
    keeper.write("a", b"one", Writing(OWNER))
    found = keeper.read_many(["a", "b"])
    assert [getattr(one, "content", None) or one.code for one in found.values()] == [b"one", "unknown_path"]  # type: ignore[union-attr]


def _login(azure: Azure, permissions: frozenset[str]) -> dict[str, str]:
    application = azure.add(client_secret="x", permissions=permissions)
    return {"tenant_id": azure.tenant, "client_id": application.client_id, "client_secret": "x"}
