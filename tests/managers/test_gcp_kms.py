# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Cloud KMS wraps data keys with one key only, and explains failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from checking import check
from google_connectors import RING, key_options, kms, new_key, refusal
from servers.google_cloud import GoogleCloud, GrpcFault

DATA_KEY = bytes(range(32))
CONTEXT = {"store_id": "s-1", "secret_id": "x-1", "version": "1"}
ENABLED, DISABLED = 1, 2


@pytest.fixture(scope="module")
def key(google_cloud_server: GoogleCloud) -> str:
    return new_key(google_cloud_server)


def set_state(server: GoogleCloud, version: str, state: int) -> None:
    changed = {"crypto_key_version": {"name": version, "state": state}, "update_mask": {"paths": ["state"]}}
    server.kms_client.update_crypto_key_version(request=changed)


def rotate(server: GoogleCloud, key: str) -> None:
    version = server.kms_client.create_crypto_key_version(parent=key, crypto_key_version={}).name
    number = version.rpartition("/")[2]
    server.kms_client.update_crypto_key_primary_version(name=key, crypto_key_version_id=number)


def test_what_is_wrapped_can_be_unwrapped(google_cloud: GoogleCloud, key: str) -> None:
    counts = Counter[str]()
    keeper = kms(google_cloud, key, counts)
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    assert DATA_KEY not in wrapped
    assert keeper.unwrap(wrapped, CONTEXT) == DATA_KEY
    assert counts == {"logins": 1, "requests": 3}
    assert [seen.target for seen in google_cloud.calls.seen] == ["token", "Encrypt", "Decrypt"]


def test_the_check_proves_both_ways_and_looks_at_nothing_else(google_cloud: GoogleCloud, key: str) -> None:
    keeper = kms(google_cloud, key)
    check(keeper)
    assert keeper.settled() == {"pinned_key": key}
    assert [seen.target for seen in google_cloud.calls.seen] == ["token", "Encrypt", "Decrypt"]


@pytest.mark.parametrize("context", [{}, {"store_id": "s-1"}, {**CONTEXT, "version": "2"}, {**CONTEXT, "more": "1"}])
def test_another_context_is_refused(google_cloud: GoogleCloud, key: str, context: dict[str, str]) -> None:
    keeper = kms(google_cloud, key)
    assert refusal(keeper.unwrap, keeper.wrap(DATA_KEY, CONTEXT), context).code == "damaged_data_key"


def test_the_order_of_a_context_does_not_matter(google_cloud: GoogleCloud, key: str) -> None:
    keeper = kms(google_cloud, key)
    backwards = dict(reversed(CONTEXT.items()))
    assert keeper.unwrap(keeper.wrap(DATA_KEY, CONTEXT), backwards) == DATA_KEY


@pytest.mark.parametrize(
    "altered",
    [
        lambda wrapped: wrapped[:-1],
        lambda wrapped: wrapped + b"\0",
        lambda wrapped: wrapped[:-1] + bytes([wrapped[-1] ^ 1]),
        lambda wrapped: b"\0\x09" + wrapped[2:],
        lambda wrapped: wrapped * 100,
        lambda _wrapped: b"",
        lambda _wrapped: b"x",
    ],
)
def test_altered_bytes_are_refused(google_cloud: GoogleCloud, key: str, altered: Callable[[bytes], bytes]) -> None:
    keeper = kms(google_cloud, key)
    assert refusal(keeper.unwrap, altered(keeper.wrap(DATA_KEY, CONTEXT)), CONTEXT).code == "damaged_data_key"


def test_what_another_key_wrapped_is_refused(google_cloud: GoogleCloud, key: str) -> None:
    other = kms(google_cloud, new_key(google_cloud)).wrap(DATA_KEY, CONTEXT)
    assert refusal(kms(google_cloud, key).unwrap, other, CONTEXT).code == "damaged_data_key"


def test_rotation_is_harmless(google_cloud: GoogleCloud) -> None:
    key = new_key(google_cloud)
    keeper = kms(google_cloud, key)
    before = keeper.wrap(DATA_KEY, CONTEXT)
    rotate(google_cloud, key)
    after = keeper.wrap(DATA_KEY, CONTEXT)
    assert (before[:2], after[:2]) == (b"\0\x01", b"\0\x02")
    assert [keeper.unwrap(wrapped, CONTEXT) for wrapped in (before, after)] == [DATA_KEY, DATA_KEY]


def _disable(server: GoogleCloud, version: str) -> None:
    set_state(server, version, DISABLED)


def _destroy(server: GoogleCloud, version: str) -> None:
    server.kms_client.destroy_crypto_key_version(name=version)


def test_the_newest_version_is_known_and_can_be_named(google_cloud: GoogleCloud) -> None:
    key = new_key(google_cloud)
    keeper = kms(google_cloud, key)
    assert keeper.newest_version() == "1"
    rotate(google_cloud, key)
    assert keeper.newest_version() == "2"
    wrapped = {version: keeper.wrap(DATA_KEY, CONTEXT, version=version) for version in ("1", "2")}
    set_state(google_cloud, f"{key}/cryptoKeyVersions/1", DISABLED)
    assert keeper.unwrap(wrapped["2"], CONTEXT) == DATA_KEY
    assert refusal(keeper.unwrap, wrapped["1"], CONTEXT).code == "key_unusable"


@pytest.mark.parametrize(("make_unusable", "word"), [(_disable, "disabled"), (_destroy, "destroyed")])
def test_a_version_that_may_not_be_used(
    google_cloud: GoogleCloud, make_unusable: Callable[[GoogleCloud, str], None], word: str
) -> None:
    key = new_key(google_cloud)
    keeper = kms(google_cloud, key)
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    make_unusable(google_cloud, f"{key}/cryptoKeyVersions/1")
    errors = [refusal(keeper.unwrap, wrapped, CONTEXT), refusal(keeper.wrap, DATA_KEY, CONTEXT), refusal(check, keeper)]
    assert [error.code for error in errors] == ["key_unusable"] * 3
    assert all(word in error.message and "Enable it" in error.hint for error in errors)
    rotate(google_cloud, key)
    assert keeper.unwrap(keeper.wrap(DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY
    assert refusal(keeper.unwrap, wrapped, CONTEXT).code == "key_unusable"
    set_state(google_cloud, f"{key}/cryptoKeyVersions/1", ENABLED)
    assert keeper.unwrap(wrapped, CONTEXT) == DATA_KEY


def test_the_check_refuses_a_key_of_another_kind(google_cloud: GoogleCloud) -> None:
    error = refusal(check, kms(google_cloud, new_key(google_cloud, purpose="ASYMMETRIC_SIGN")))
    assert (error.code, "purpose" in error.message) == ("key_unusable", True)


def test_a_key_that_does_not_exist(google_cloud: GoogleCloud, key: str) -> None:
    error = refusal(check, kms(google_cloud, key, key="nobody"))
    assert error.code == "unknown_master_key"
    assert f"keyRings/{RING}/cryptoKeys/nobody" in error.message


def test_the_project_may_be_that_of_the_login_once_it_is_pinned(google_cloud: GoogleCloud, key: str) -> None:
    options = {**key_options(google_cloud, key), "gcp_project": ""}
    error = refusal(kms(google_cloud, key, **options).wrap, DATA_KEY, CONTEXT)
    assert (error.code, "check: true" in error.hint) == ("key_not_pinned", True)
    keeper = kms(google_cloud, key, **options)
    check(keeper)
    settled = keeper.settled()
    assert settled == {"pinned_key": key}
    later = kms(google_cloud, key, **options, **settled)
    assert later.unwrap(keeper.wrap(DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def _without(field: str) -> Callable[[Any], Any]:
    def change(reply: Any) -> Any:
        made = type(reply)(reply)
        setattr(made, field, type(getattr(made, field))())
        return made

    return change


def _with(**fields: Any) -> Callable[[Any], Any]:
    def change(reply: Any) -> Any:
        made = type(reply)(reply)
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    return change


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (GrpcFault(raw=b""), "incomplete_reply"),
        (GrpcFault(change=_without("ciphertext")), "incomplete_reply"),
        (GrpcFault(change=_without("ciphertext_crc32c")), "malformed_reply"),
        (GrpcFault(change=_with(ciphertext_crc32c=7)), "malformed_reply"),
        (GrpcFault(change=_with(ciphertext=b"other")), "malformed_reply"),
        (GrpcFault(change=_without("verified_plaintext_crc32c")), "malformed_reply"),
        (GrpcFault(change=_without("verified_additional_authenticated_data_crc32c")), "malformed_reply"),
        (GrpcFault(change=_with(name="projects/p/locations/l/keyRings/r/cryptoKeys/k")), "malformed_reply"),
        (GrpcFault(raw=b"\xff\xff"), "malformed_reply"),
    ],
)
def test_a_wrapped_key_that_did_not_arrive_whole(
    google_cloud: GoogleCloud, key: str, fault: GrpcFault, code: str
) -> None:
    google_cloud.calls.add(fault, target="Encrypt", times=None)
    assert refusal(kms(google_cloud, key).wrap, DATA_KEY, CONTEXT).code == code


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (GrpcFault(raw=b""), "incomplete_reply"),
        (GrpcFault(change=_without("plaintext")), "incomplete_reply"),
        (GrpcFault(change=_without("plaintext_crc32c")), "malformed_reply"),
        (GrpcFault(change=_with(plaintext_crc32c=7)), "malformed_reply"),
        (GrpcFault(change=_with(plaintext=DATA_KEY[:16])), "malformed_reply"),
        (GrpcFault(change=_with(plaintext=b"a", plaintext_crc32c=0xC1D04330)), "incomplete_reply"),
    ],
)
def test_a_data_key_that_did_not_arrive_whole(google_cloud: GoogleCloud, key: str, fault: GrpcFault, code: str) -> None:
    keeper = kms(google_cloud, key)
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    google_cloud.calls.add(fault, target="Decrypt", times=None)
    assert refusal(keeper.unwrap, wrapped, CONTEXT).code == code


@pytest.mark.parametrize("target", ["Encrypt", "Decrypt"])
def test_what_was_damaged_on_the_way_once_is_sent_again(google_cloud: GoogleCloud, key: str, target: str) -> None:
    keeper = kms(google_cloud, key)
    field = {"Encrypt": "ciphertext_crc32c", "Decrypt": "plaintext_crc32c"}[target]
    google_cloud.calls.add(GrpcFault(change=_with(**{field: 7})), target=target)
    assert keeper.unwrap(keeper.wrap(DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY
    assert google_cloud.calls.count(target) == 2


def test_google_finds_what_was_damaged_on_the_way_there(
    google_cloud: GoogleCloud, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = kms(google_cloud, key)
    wrapped = keeper.wrap(DATA_KEY, CONTEXT)
    module = "ansible_collections.scoped.secrets.plugins.module_utils.managers.gcp.kms.checksum"
    monkeypatch.setattr(module, lambda _data: 7)
    assert [refusal(keeper.wrap, DATA_KEY, CONTEXT).code, refusal(keeper.unwrap, wrapped, CONTEXT).code] == [
        "malformed_reply",
        "malformed_reply",
    ]


def test_the_least_that_the_page_asks_for_is_enough(google_cloud: GoogleCloud, key: str) -> None:
    rights = [f"cloudkms.cryptoKeyVersions.{name}@{key}" for name in ("useToEncrypt", "useToDecrypt")]
    login = google_cloud.tokens.service_account("kms-user", *rights)
    keeper = kms(google_cloud, key, credentials_json=login)
    check(keeper)
    assert refusal(check, kms(google_cloud, new_key(google_cloud), credentials_json=login)).code == "provider_denied"


def test_no_permission_names_it_and_the_key(google_cloud: GoogleCloud, key: str) -> None:
    login = google_cloud.tokens.service_account("kms-reader", "cloudkms.cryptoKeyVersions.useToDecrypt")
    error = refusal(kms(google_cloud, key, credentials_json=login).wrap, DATA_KEY, CONTEXT)
    assert error.code == "provider_denied"
    assert f"cloudkms.cryptoKeyVersions.useToEncrypt on {key}" in error.hint
