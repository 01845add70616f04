# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References upward that rows have: those of a team must not lead others to give away what the team can't read."""

from __future__ import annotations

from ...model.errors import Forbidden
from ...model.references import Reference
from ...model.scopes import ScopePath
from .session import Session

__all__ = ["check_stored_reference"]


def check_stored_reference(session: Session, path: ScopePath, reference: Reference) -> None:
    """Raise Forbidden if a row of the scope `path` may not have this reference.

    It may not if it leads upward, people without the key of the scope that it leads to can have written the row, and
    the secret is not shared with them.
    """
    target = reference.scope(path)
    if target == path or not session.opens(target):
        return
    chain, depth = session.chain(path), target.level.depth
    writers = session.handed_out_between(chain, depth)
    if writers is None:
        return
    secret = None if reference.scheme else session.secret(chain[: depth + 1], reference.identifier)
    if reference.scheme or (secret and not {scope.id for scope in chain[depth + 1 :]} & set(secret.shared_with)):
        raise _not_shared(path, reference, target, writers)


def _not_shared(path: ScopePath, reference: Reference, target: ScopePath, writers: ScopePath) -> Forbidden:
    share = "Keep an own secret in that scope"
    if not reference.scheme:
        share += f", or share '{reference.identifier}' of {target} with it: scoped.secrets.secret_share"
    return Forbidden(
        "not_shared",
        f"What {path} refers to as '{reference}' belongs to {target} and is not shared with it. The key of {writers} "
        "was handed out: its holders could send the value wherever they like.",
        hint=f"{share}. A lookup in a playbook may name it, since whoever runs that chose it.",
    )
