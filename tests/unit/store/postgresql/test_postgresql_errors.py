# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the errors of PostgreSQL mean, by their SQLSTATE. Their own text is not shown."""

from __future__ import annotations

import psycopg
import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.errors import InvalidInput
from ansible_collections.scoped.secrets.plugins.module_utils.store.location import Location
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql import files, provisioning
from ansible_collections.scoped.secrets.plugins.module_utils.store.postgresql.dialect import PostgresqlDialect

DIALECT = PostgresqlDialect(Location.parse("postgresql://ansible@db.example/secrets"))


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("08006", "store_unavailable"),
        ("23505", "store_failed"),
        ("25006", "store_read_only"),
        ("25P03", "store_busy"),
        ("28P01", "store_denied"),
        ("3D000", "store_denied"),
        ("3F000", "foreign_database"),
        ("40001", "store_busy"),
        ("42501", "store_denied"),
        ("42601", "store_failed"),
        ("42P01", "foreign_database"),
        ("53100", "store_full"),
        ("53300", "store_unavailable"),
        ("55P03", "store_busy"),
        ("57014", "store_busy"),
        ("57P01", "store_unavailable"),
        ("XX001", "damaged_store"),
        ("XX002", "damaged_store"),
    ],
)
def test_each_state_has_its_code(state: str, code: str) -> None:
    error = DIALECT.translate(psycopg.errors.lookup(state)("near secret text"))
    assert error
    assert (error.code, bool(error.hint), "db.example" in error.message) == (code, True, True)
    assert "secret text" not in f"{error.to_dict()}"


def test_errors_of_others_have_no_meaning() -> None:
    assert DIALECT.translate(ValueError("x")) is None


def test_a_host_without_the_files_of_the_guide_prepares_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILES", files.FILES / "none")
    with pytest.raises(InvalidInput) as caught:
        provisioning._statements("1_database.sql")
    assert (caught.value.code, "1_database.sql" in caught.value.message) == ("not_supported", True)
