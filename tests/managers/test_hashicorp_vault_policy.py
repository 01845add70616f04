# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies on HashiCorp Vault's page are sufficient and minimal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Writing
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from checking import check
from servers.openbao import OpenBao
from vault_connectors import OWNER, names, vault

PAGE = Path(__file__).resolve().parents[2] / "docs" / "managers" / "hashicorp_vault.md"
Rules = dict[str, list[str]]


def policies() -> list[Rules]:
    """Return, for each block on the page, its capabilities by path."""
    rule = re.compile(r'path "(.*?)" \{\s*capabilities = \[(.*?)\]', re.DOTALL)
    blocks = re.findall(r"```hcl\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [{path: re.findall(r'"(\w+)"', rights) for path, rights in rule.findall(block)} for block in blocks]


VERSION_2, READING, VERSION_1 = policies()
DESTROYING = {**VERSION_2, "secret/data/ansible/*": ["create", "read", "update"]}
DESTROYING["secret/metadata/ansible/*"] = [*VERSION_2["secret/metadata/ansible/*"], "delete"]
CASES: dict[str, tuple[Rules, dict[str, object]]] = {
    "version 2": (VERSION_2, {}),
    "destroying": (DESTROYING, {"delete": "destroy"}),
    "version 1": (VERSION_1, {"engine": "kv"}),
}


def use(server: OpenBao, rules: Rules, **options: object) -> None:
    """Do everything that a connector does, without the policy `default`."""
    policy = server.write_policy(next(names), {**rules, "sys/capabilities-self": ["update"]})
    token = server.create_token(policy, no_default_policy=True)
    with vault(server, token=token, base_path="ansible", **options) as manager:
        check(manager)
        path = manager.path_of(next(names))
        for text in (b"one", b"two"):
            manager.write(path, text, Writing(OWNER, tags={"text": text.decode()}))
        assert manager.value_in(manager.read(path).content) == b"two"
        manager.remove(path, OWNER)


@pytest.fixture(scope="module", autouse=True)
def _kv(openbao: OpenBao) -> None:
    openbao.enable_kv("kv", 1)


@pytest.mark.parametrize("case", CASES)
def test_a_policy_is_enough(openbao: OpenBao, case: str) -> None:
    rules, options = CASES[case]
    use(openbao, rules, **options)


RIGHTS = [(case, path, right) for case in CASES for path, rights in CASES[case][0].items() for right in rights]


@pytest.mark.parametrize(("case", "path", "right"), RIGHTS)
def test_each_right_is_needed(openbao: OpenBao, case: str, path: str, right: str) -> None:
    rules, options = CASES[case]
    less = {**rules, path: [one for one in rules[path] if one != right]}
    with pytest.raises(ScopedSecretsError) as caught:
        use(openbao, less, **options)
    assert caught.value.code == "provider_denied"


def test_reading_needs_no_more_than_that(openbao: OpenBao) -> None:
    openbao.request("POST", "secret/data/shared/app", {"data": {"user": "x"}})
    policy = openbao.write_policy(next(names), READING)
    with vault(openbao, token=openbao.create_token(policy), read_only=True) as manager:
        check(manager)
        assert manager.read("shared/app").content == b'{"user": "x"}'
