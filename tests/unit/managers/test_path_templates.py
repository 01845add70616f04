# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names at a value keeper: no two secrets of a connector have the same, whatever the template."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.managers.base import Capability, ConnectorContext
from ansible_collections.scoped.secrets.plugins.module_utils.managers.path_templates import check_template, names_of
from ansible_collections.scoped.secrets.plugins.module_utils.managers.registry import kinds
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import ScopedSecretsError
from ansible_collections.scoped.secrets.plugins.module_utils.model.scopes import Level, ScopePath

KEEPERS = [name for name, kind in kinds().items() if "path_template" in kind.OPTIONS]
TEMPLATES = [
    "",
    "{org}/{project}/{identifier}",
    "{identifier}/{project}/{org}",
    "a/{org}/b/{project}-b/{identifier}",
    "a_{org}/b-{identifier}-a/{project}",
    "{org}a/a{project}/{identifier}",
]
SCOPES = ["a", "b", "aa", "ab", "a_b", "A", "z", "a1"]
IDENTIFIERS = [*SCOPES, "a-b", "b-a", "a-a-b", "a-b-a-b", "b-", "zz-"]
PATHS = [ScopePath(), *map(ScopePath, SCOPES), *(ScopePath(*pair) for pair in product(SCOPES, SCOPES))]
VARYING = {Level.ACCOUNT: {"org", "project"}, Level.ORG: {"project"}, Level.PROJECT: set[str]()}


def test_all_that_keep_values_for_scopes_below_have_the_option() -> None:
    writing = [name for name, kind in kinds().items() if Capability.WRITE in kind.CAPABILITIES]
    assert {name for name in writing if hasattr(kinds()[name], "path_of")} == set(KEEPERS)
    assert all("path_template" in kinds()[name].LOCATION for name in KEEPERS)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("kind", KEEPERS)
def test_no_two_secrets_of_a_connector_have_one_path(kind: str, template: str) -> None:
    manager: Any = kinds()[kind](dict(kinds()[kind].DEFAULTS), ConnectorContext("it"))
    for own in (ScopePath(), ScopePath("a"), ScopePath("a", "b")):
        check_template(template, VARYING[own.level])
        places = [
            manager.path_of(*names_of(template, identifier, path.org, path.project, is_own=path == own))
            for path in PATHS
            if own in path.from_account
            for identifier in IDENTIFIERS
        ]
        # Azure compares without case.
        found = {place.lower() for place in places} if kind == "azure_key_vault" else set(places)
        assert len(found) == len(places) >= len(IDENTIFIERS)


@pytest.mark.parametrize(
    ("template", "varying", "words"),
    [
        ("{identifier}", {"project"}, "lacks '{project}'"),
        ("{project}/{identifier}", {"org", "project"}, "lacks '{org}'"),
        ("{org}/{project}", set(), "lacks '{identifier}'"),
        ("{org}/{projekt}/{identifier}", {"org", "project"}, "Did you mean '{project}'?"),
        ("{}/{identifier}", set(), "names '{}'"),
        ("{org!r}/{identifier}", set(), "names '{org!r}'"),
        ("{org}{project}/{identifier}", set(), "has the part '{org}{project}'"),
        ("{org}/{org}/{identifier}", set(), "names a field twice"),
        ("/{identifier}", set(), "has the part ''"),
        ("{identifier}/", set(), "has the part ''"),
        ("../{identifier}", set(), "has the part '..'"),
        ("1-{identifier}", set(), "has the part '1-{identifier}'"),
        ("-/{identifier}", set(), "has the part '-'"),
        ("a b/{identifier}", set(), "has the part 'a b'"),
        ("{identifier", set(), "lacks '{identifier}'"),
        ("{{identifier}}", set(), "has the part"),
    ],
)
def test_what_could_give_two_secrets_one_path_is_refused(template: str, varying: set[str], words: str) -> None:
    with pytest.raises(ScopedSecretsError) as caught:
        check_template(template, varying)
    assert (caught.value.code, words in str(caught.value)) == ("invalid_option", True)


@pytest.mark.parametrize(
    ("template", "org", "project", "is_own", "names"),
    [
        ("", "pay", "api", True, ["db"]),
        ("", "pay", "api", False, ["pay", "api", "db"]),
        ("", "pay", "", False, ["pay", "db"]),
        ("t/{project}/x_{identifier}", "pay", "api", False, ["t", "api", "x_db"]),
        ("t/of-{project}/x_{identifier}", "pay", "", True, ["t", "x_db"]),
    ],
)
def test_the_name_of_a_secret(template: str, org: str, project: str, is_own: bool, names: list[str]) -> None:
    assert names_of(template, "db", org, project, is_own=is_own) == names
