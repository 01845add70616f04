# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared network options: declared once, documented once, checked the same way by every kind."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.network import (
    CLIENT_CERTIFICATE,
    OPTIONS,
    Network,
    check_range,
    check_url,
)
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds, login_options
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput, ScopedSecretsError

PLUGINS = "ansible_collections.scoped.secrets.plugins"
FRAGMENTS = "scoped.secrets."
KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=kinds())


def documented(kind: type[Manager]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return where a connector's options are documented, and how. The first place counts, as in Ansible."""
    module = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.connector_{kind.KIND}").DOCUMENTATION)
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for place, options in [("module", module.get("options", {})), *fragments(module["extends_documentation_fragment"])]:
        for name, option in options.items():
            found.setdefault(name, (place, option))
    return found


def fragments(names: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in names:
        file, _dot, variant = name.removeprefix(FRAGMENTS).partition(".")
        fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.{file}").ModuleDocFragment
        yield file, yaml.safe_load(getattr(fragment, variant.upper() or "DOCUMENTATION"))["options"]


def text(option: Mapping[str, Any]) -> str:
    lines = option["description"]
    return lines if isinstance(lines, str) else " ".join(lines)


@KINDS
def test_no_kind_declares_a_network_option_itself(kind: type[Manager]) -> None:
    assert {name for name in OPTIONS if name in kind.OPTIONS} == kind.NETWORK.names
    assert all(kind.OPTIONS[name] is OPTIONS[name].spec for name in kind.NETWORK.names)
    assert {name: kind.DEFAULTS[name] for name in kind.NETWORK.names} == kind.NETWORK.defaults
    logins = login_options(kind)
    assert all(logins[name] is spec for name, spec in CLIENT_CERTIFICATE.items() if name in logins)
    assert not OPTIONS.keys() & logins.keys()


@KINDS
def test_the_fragment_documents_what_the_kind_has(kind: type[Manager]) -> None:
    certificates = CLIENT_CERTIFICATE.keys() & login_options(kind).keys()
    references = {f"{name}_ref" for name in kind.NETWORK.referable | certificates}
    places = {name: place for name, (place, _option) in documented(kind).items()}
    assert {name for name, place in places.items() if place == "network"} == (
        kind.NETWORK.names | certificates | references
    )


@KINDS
def test_the_documentation_has_types_defaults_and_ranges(kind: type[Manager]) -> None:
    options = documented(kind)
    for name in kind.NETWORK.names:
        network, (_place, documentation) = OPTIONS[name], options[name]
        assert documentation["type"] == network.spec["type"]
        # An empty default means that the option is not set.
        if network.default != "":
            assert f"V({str(network.default).lower()}) when left out at creation." in text(documentation)
        if network.limits:
            assert "from {} to {}".format(*network.limits) in text(documentation)


@KINDS
def test_numbers_out_of_range_are_refused_by_every_kind(kind: type[Manager]) -> None:
    for name in kind.NETWORK.names:
        for number in out_of_range(name):
            with pytest.raises(InvalidInput) as caught:
                kind.validate({name: number})
            assert caught.value.code == "invalid_option"
            assert caught.value.message == f"The option '{name}' is {number}."


def out_of_range(name: str) -> list[int]:
    limits = OPTIONS[name].limits
    return [limits[0] - 1, limits[1] + 1] if limits else []


def test_numbers_at_the_ends_of_a_range_and_those_left_out_are_fine() -> None:
    for number in (1, 9, None):
        check_range({"number": number}, "number", 1, 9)
    check_range({}, "number", 1, 9)
    Network.all().check({"timeout": 600, "retries": 0})


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({}, False),
        ({"validate_certs": True, "url": "https://host"}, False),
        ({"validate_certs": False}, True),
        ({"validate_certs": False, "url": "https://host"}, True),
        ({"validate_certs": False, "url": "HTTP://127.0.0.1"}, False),
    ],
)
def test_unverified_certificates_are_a_notice(options: Mapping[str, Any], warns: bool) -> None:
    notices = Network.all().notices(options, "connector 'x'")
    assert notices == ["connector 'x' does not verify TLS certificates ('validate_certs: false')."] * warns


GOOD_URLS = ["https://vault.example.com", "https://vault:8200/", "https://[::1]:8200", "https://host/below/a/path"]
LOOPBACK = [
    "http://127.0.0.1:8200",
    "http://127.9.9.9",
    "http://localhost:1",
    "http://[::1]:8200",
    "http://a.localhost",
]
PLAIN = ["http://vault.example.com", "http://10.0.0.1:8200", "http://localhost.example.com", "http://127.0.0.1.nip.io"]
BAD_URLS = [
    "",
    "vault.example.com",
    "vault.example.com:8200",
    "//vault.example.com",
    "ftp://vault.example.com",
    "https://",
    "https://:8200",
    "https://host:port",
    "https://host:99999",
    "https://user@host",
    "https://user:password@host",
    "https://host?x=1",
    "https://host#x",
    "https://[::1",
    "https://ho st",
    "https://host\n",
]


@pytest.mark.parametrize("url", [*GOOD_URLS, *LOOPBACK])
def test_urls_of_servers(url: str) -> None:
    check_url("Vault", "url", url, allow_plain_http=False)


@pytest.mark.parametrize("url", PLAIN)
def test_plain_http_needs_to_be_allowed(url: str) -> None:
    check_url("Vault", "url", url, allow_plain_http=True)
    with pytest.raises(ScopedSecretsError) as caught:
        check_url("Vault", "url", url, allow_plain_http=False)
    assert caught.value.code == "plain_http"


@pytest.mark.parametrize("url", BAD_URLS)
def test_what_is_no_url_of_a_server(url: str) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        check_url("Vault", "url", url, allow_plain_http=True)
    assert caught.value.code == "invalid_url"
    assert "password" not in str(caught.value)
