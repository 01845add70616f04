# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References upward that rows have: those of a team must not lead others to give away what the team can't read."""

from __future__ import annotations

from ...model.entities import Scope
from ...model.errors import Forbidden
from ...model.references import Reference
from ...model.scopes import ScopePath
from .scoped_connectors import ScopedConnector
from .session import Session
from .sharing import check_shared_version

__all__ = ["check_refers_to_own", "check_stored_reference"]


def check_stored_reference(session: Session, path: ScopePath, reference: Reference) -> None:
    """Raise Forbidden if a row of the scope `path` may not have this reference.

    It may not if it leads upward, people without the key of the scope that it leads to can have written the row, and
    they could not read the same by a share. A key opens the shares of its scope and those below.
    """
    target = reference.scope(path)
    if target == path or not session.opens(target):
        return
    chain, depth = session.chain(path), target.level.depth
    writers = session.handed_out_between(chain, depth)
    if writers is None:
        return
    secret = None if reference.scheme else session.secret(chain[: depth + 1], reference.identifier)
    opened = {scope.id for scope in chain[writers.level.depth :]}
    if reference.scheme or (secret and not opened & set(secret.shared_with)):
        raise _not_shared(path, reference, target, writers)
    if secret:
        check_shared_version(secret, reference.version, f"secret '{secret.identifier}' in {target}")


def check_refers_to_own(session: Session, chain: list[Scope], connector: ScopedConnector, what: str) -> None:
    """Raise Forbidden if a secret of the last scope of a chain may not refer to what this connector can read.

    It may not if people who can't use the connector can have written the secret: they could name any path.
    """
    if not session.opens(connector.path):
        return
    writers = session.handed_out_between(chain, connector.path.level.depth)
    if writers:
        raise Forbidden(
            "not_shared",
            f"{what} refers to a value that the {connector.what} has. The key of {writers} was handed out: its holders "
            "could refer to whatever that connector can read.",
            hint=f"Refer to it with a connector of {chain[-1].path}, or declare the secret in {connector.path} and "
            "read it from there in the playbook.",
        )


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
