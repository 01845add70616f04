# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One transaction of the engine: signed rows, with shared secrets kept up to date for the scopes that have a share."""

from __future__ import annotations

from ...model.entities import Scope, Secret
from .signed_rows import SignedRows

__all__ = ["Session"]


class Session(SignedRows):
    """What resources read and write through."""

    def replace_secret(self, chain: list[Scope], old: Secret | None, new: Secret | None) -> Secret | None:
        self._revoke_shares(old, new)
        signed = super().replace_secret(chain, old, new)
        # The share of a new version is made once that version is written.
        if signed and old and old.current_version == signed.current_version:
            self._renew_shares(chain, signed)
        return signed

    def write_version(
        self, chain: list[Scope], secret: Secret, value: bytes, *, envelope: bytes | None = None, at_provider: str = ""
    ) -> None:
        super().write_version(chain, secret, value, envelope=envelope, at_provider=at_provider)
        self._renew_shares(chain, secret)

    def _renew_shares(self, chain: list[Scope], secret: Secret) -> None:
        if secret.shared_with:
            # Imported here: few secrets are shared.
            from .sharing import give

            give(self, chain, secret)

    def _revoke_shares(self, old: Secret | None, new: Secret | None) -> None:
        gone = set(old.shared_with if old else ()) - set(new.shared_with if new else ())
        if old and gone:
            from .sharing import take_back

            take_back(self, old, gone)
