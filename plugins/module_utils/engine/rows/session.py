# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One transaction of the engine: signed rows, with shared secrets kept up to date for the scopes that have a share."""

from __future__ import annotations

from ...model.entities import Scope, Secret
from .signed_rows import NewValue, SignedRows

__all__ = ["NewValue", "Session"]


class Session(SignedRows):
    """What resources read and write through."""

    def replace_secret(
        self, chain: list[Scope], old: Secret | None, new: Secret | None, value: NewValue | None = None
    ) -> Secret | None:
        if not any(secret and secret.shared_with for secret in (old, new)):
            return super().replace_secret(chain, old, new, value)
        # Imported here: few secrets are shared.
        from .sharing import give, makers_of, take_back

        makers = makers_of(self, old) if old else {}
        gone = set(old.shared_with if old else ()) - set(new.shared_with if new else ())
        if old and gone:
            take_back(self, old, gone)
        signed = super().replace_secret(chain, old, new, value)
        if signed:
            give(self, chain, signed, makers)
        return signed
