# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting that is a fact of a host is refused. test_compromised_host.py shows that in real runs."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.facts import FACTS, refuse_fact
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import Forbidden

NAME = "scoped_secrets_project"


@pytest.mark.parametrize("facts", [None, {}, {"other": "x"}])
def test_a_variable_that_is_no_fact_counts(facts: Any) -> None:
    refuse_fact({NAME: "api", FACTS: facts}, NAME)
    refuse_fact({NAME: "api"}, NAME)


@pytest.mark.parametrize(
    ("more", "host"),
    [({"inventory_hostname": "web1"}, "web1"), ({}, "a managed host"), ({"inventory_hostname": ""}, "a managed host")],
)
@pytest.mark.parametrize("value", [False, 1, ["web"]])
def test_a_fact_is_refused_and_its_host_is_named(value: Any, more: dict[str, str], host: str) -> None:
    with pytest.raises(Forbidden) as caught:
        refuse_fact({NAME: value, FACTS: {NAME: value}, **more}, NAME)
    assert caught.value.code == "setting_from_host"
    assert f"'{NAME}' is a fact of {host}." in caught.value.message


def test_a_host_can_not_blame_another_one() -> None:
    facts = {NAME: False, "inventory_hostname": "innocent"}
    with pytest.raises(Forbidden) as caught:
        refuse_fact({**facts, FACTS: facts}, NAME)
    assert "innocent" not in str(caught.value)
