# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords in URLs are found, in any spelling."""

from __future__ import annotations

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.face.censor import censor
from ansible_collections.scoped.secrets.plugins.module_utils.model.passwords import passwords_in


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ansible:hunter22@db/secrets", {"hunter22"}),
        ("postgresql://ansible:p%40ss%2Fw@db/secrets", {"p%40ss%2Fw", "p@ss/w"}),
        ("postgresql://u:a+b%40c@h/db", {"a+b%40c", "a+b@c", "a b@c"}),
        ("postgresql://db/secrets?user=ansible&password=hunter22&sslmode=require", {"hunter22"}),
        ("postgresql://a:one1@db/secrets?password=two2", {"one1", "two2"}),
        ("postgresql://db/secrets?sslpassword=hunter22&sslmode=require", {"hunter22"}),
        ("postgresql://ansible@db/secrets", set()),
        ("postgresql://ansible:@db/secrets", set()),
        ("sqlite:////srv/store.db", set()),
        ("", set()),
    ],
)
def test_the_password_of_a_url_is_found(url: str, expected: set[str]) -> None:
    assert passwords_in(url) == expected


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://u@h/db?password=p%40ss", "p%40ss"),
        ("postgresql://u@h/db?x=1&password=p%40ss", "p@ss"),
        ("postgresql://u:pa[ssword@h/db", "pa[ssword"),
        ("postgresql://u:pa#ss/word@h/db?x=a@b", "pa#ss/word"),
        ("postgresql://u:pa@ss@h/db", "pa@ss"),
        ("postgresql:/u:hunter22@h/db", "hunter22"),
    ],
)
def test_a_password_is_found_in_any_spelling(url: str, password: str) -> None:
    assert password not in censor(f"x {password} y", passwords_in(url))
