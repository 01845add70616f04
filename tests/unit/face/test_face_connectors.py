# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Spec of a connector module is built from what its manager class declares."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.connectors import CONNECTOR_SPEC, connector_spec
from ansible_collections.scoped.secrets.plugins.module_utils.face.options import COMMON_SPEC
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Manager
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import credentials_of, kinds
from ansible_collections.scoped.secrets.tests.unit.engine.kinds import MemoryKms, MemoryVault

KINDS = [*kinds().values(), MemoryVault, MemoryKms]


def name_of(kind: type[Manager]) -> str:
    return kind.KIND


def test_a_spec_has_the_options_of_its_kind_and_its_logins() -> None:
    spec = connector_spec(MemoryVault)
    assert spec.resource == "connector_memory_vault"
    own = {"vault", "base", "path_template", "ca_cert", "timeout", "insecure", "more_refs", "token", "namespace"}
    own |= {"user", "password"}
    references = {"token_ref", "password_ref", "ca_cert_ref"}
    assert set(spec.options) == {*CONNECTOR_SPEC, *own, *references, "auth_method"}
    assert spec.options["auth_method"]["choices"] == ["anonymous", "token", "password", "directory"]
    assert spec.options["timeout"] == MemoryVault.OPTIONS["timeout"]


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_credentials_are_no_log_and_their_references_are_not(kind: type[Manager]) -> None:
    options = connector_spec(kind).options
    logins = {name: spec for login in kind.LOGINS for name, spec in login.OPTIONS.items()}
    for name in credentials_of(kind):
        assert options[name].get("no_log") is True or name not in logins
        assert options[f"{name}_ref"] == {"type": "str", "no_log": False}


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_a_credential_and_its_reference_exclude_each_other(kind: type[Manager]) -> None:
    groups = connector_spec(kind).mutually_exclusive
    assert [sorted(group) for group in groups] == [[name, f"{name}_ref"] for name in credentials_of(kind)]


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_no_default_would_overwrite_a_stored_value(kind: type[Manager]) -> None:
    options = connector_spec(kind).options
    defaults = {name: option["default"] for name, option in options.items() if "default" in option}
    assert defaults == {"state": "present", "force": False, "check": True}
    assert [name for name, option in options.items() if option.get("required")] == ["identifier"]


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_no_option_of_a_kind_is_a_shared_one(kind: type[Manager]) -> None:
    own = {*kind.OPTIONS, *(name for login in kind.LOGINS for name in login.OPTIONS)}
    assert not own & {*COMMON_SPEC, *CONNECTOR_SPEC}
    assert connector_spec(kind).argument_spec.keys() == {*COMMON_SPEC, *connector_spec(kind).options}


def test_changing_a_spec_leaves_its_kind_alone() -> None:
    connector_spec(MemoryVault).options["timeout"]["default"] = 7
    assert "default" not in MemoryVault.OPTIONS["timeout"]
    assert "default" not in connector_spec(MemoryVault).options["timeout"]
