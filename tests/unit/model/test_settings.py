# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings are comparable and never show keys."""

from __future__ import annotations

from ansible_collections.scoped.secrets.plugins.module_utils.model.settings import Settings

FULL = Settings(
    "postgresql://ansible:hunter22@db/secrets",
    "/root.key",
    root_key="the-root-key",
    passphrase="the-passphrase",
    scope_key="the-scope-key",
)


def test_keys_are_never_shown() -> None:
    for shown in (repr(FULL), str(FULL), f"{FULL}", f"{[FULL]}"):
        assert "/root.key" in shown
        assert "hunter22" not in shown
        assert "the-root-key" not in shown
        assert "the-passphrase" not in shown
        assert "the-scope-key" not in shown


def test_settings_are_equal_only_if_every_field_is() -> None:
    others = [
        FULL._replace(store="x"),
        FULL._replace(root_key_file="x"),
        FULL._replace(is_local_default=True),
        FULL._replace(root_key="x"),
        FULL._replace(passphrase="x"),
        FULL._replace(through_broker=False),
        FULL._replace(scope_key="x"),
        FULL._replace(scope_key_file="x"),
    ]
    assert len({FULL, FULL._replace(), *others}) == 9


def test_scope_key_or_its_file_counts_as_scope_key() -> None:
    assert not Settings("s", "f").has_scope_key
    assert Settings("s", "f", scope_key="k").has_scope_key
    assert Settings("s", "f", scope_key_file="k").has_scope_key
