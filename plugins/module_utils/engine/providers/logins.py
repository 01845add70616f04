# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the secrets and connectors that a connector needs to log in, and refuses login loops."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from ...managers.registry import references_in
from ...model.entities import Scope, Secret
from ...model.errors import Conflict, NotFound
from ...model.references import Reference, credential_not_value
from ...model.scopes import ScopePath
from ..rows.scoped_connectors import ScopedConnector, load_managers
from ..rows.session import Session
from ..rows.sharing import secret_in, shared_with
from ..rows.stored_references import check_stored_reference

__all__ = ["check_no_loop", "login_depth", "named_secrets", "references_of", "used_secrets"]


def references_of(connector: ScopedConnector) -> dict[str, str]:
    """Return the references among a connector's options, by option."""
    return references_in(connector.kind, connector.row.options)


def used_secrets(session: Session, connector: ScopedConnector) -> dict[str, str]:
    """Return the ids of the secrets that a connector uses, by option; raise NotFound for a missing one.

    Left out are its own credentials that are not stored yet, and references to a provider's paths.
    """
    return named_secrets(session, connector.path, references_of(connector), connector.row.kept, connector.what)


def named_secrets(
    session: Session, path: ScopePath, references: Mapping[str, str], kept: Container[str], what: str
) -> dict[str, str]:
    """Return the ids of the secrets that a thing in a scope refers to, by option, as `used_secrets` does.

    Raises NotFound, or InvalidInput for a credential, which has no value of its own.
    """
    used = {}
    for option, text in references.items():
        chain, secret = _target(session, path, text)
        if secret and secret.is_credential:
            raise credential_not_value(text)
        if secret:
            used[option] = secret.id
        elif not Reference.parse(text).scheme and option.removesuffix("_ref") not in kept:
            raise NotFound(
                "unknown_secret",
                f"'{option}' of {what} names '{text}', but there is no such secret in {chain[-1].path}.",
                hint="Declare that secret first, or set the option without '_ref' to the value itself.",
            )
    return used


def check_no_loop(session: Session, connector: ScopedConnector) -> None:
    """Raise Conflict if a connector needs itself to log in, directly or through others; the message shows the loop."""
    _walk(session, connector, [], set())


def _walk(session: Session, connector: ScopedConnector, way: list[tuple[ScopedConnector, str]], seen: set[str]) -> None:
    seen.add(connector.row.id)
    for option, text in references_of(connector).items():
        after = [*way, (connector, f"{option}: {text}")]
        target = _connector_of(session, connector, option, way[0][0] if way else connector)
        if target is None:
            continue
        if target.row.id == after[0][0].row.id:
            raise _loop(after)
        # A loop of other connectors is not this one's, and what was seen once does not lead back.
        if target.row.id not in seen:
            _walk(session, target, after, seen)


def login_depth(session: Session, connector: ScopedConnector, known: dict[str, int] | None = None) -> int:
    """Return how many managers must log in one after the other before a connector can.

    `known` has the depths that were found so far, by id.
    """
    known = {} if known is None else known
    # Until its depth is known, what leads back to it adds nothing.
    known[connector.row.id] = -1
    targets = (_connector_of(session, connector, option, connector) for option in references_of(connector))
    depths = []
    for target in filter(None, targets):
        depths.append(known[target.row.id] if target.row.id in known else login_depth(session, target, known))
    known[connector.row.id] = 1 + max(depths, default=-1)
    return known[connector.row.id]


def _connector_of(
    session: Session, connector: ScopedConnector, option: str, first: ScopedConnector
) -> ScopedConnector | None:
    """Return the connector that a reference leads to, None for the built-in manager or a missing secret."""
    text = references_of(connector)[option]
    chain, secret = _target(session, connector.path, text)
    reference = Reference.parse(text)
    known = [first, *load_managers(session, chain).connectors]
    if reference.scheme:
        place = chain[-1].path
        return next((k for k in known if k.path == place and k.row.identifier == reference.identifier), None)
    wanted = secret.connector_id if secret else _about_to_keep(connector, option, chain[-1])
    return next((k for k in known if k.row.id == wanted), None)


def _about_to_keep(connector: ScopedConnector, option: str, scope: Scope) -> str | None:
    """Return the id of the connector that a credential not stored yet goes to: the scope's default, if another."""
    default = scope.default_connector_id
    is_to_be_made = option.removesuffix("_ref") in connector.row.kept
    return default if is_to_be_made and default != connector.row.id else None


def _target(session: Session, path: ScopePath, text: str) -> tuple[list[Scope], Secret | None]:
    reference = Reference.parse(text)
    check_stored_reference(session, path, reference)
    target = reference.scope(path)
    if not session.opens(target) and not reference.scheme:
        found = shared_with(session, path, reference)
        if found:
            chain, share = found
            return chain[: target.level.depth + 1], secret_in(share)
    chain = session.chain(target)
    return chain, None if reference.scheme else session.secret(chain, reference.identifier)


def _loop(way: list[tuple[ScopedConnector, str]]) -> Conflict:
    return Conflict(
        "login_loop",
        f"To log in, {way[0][0].what} would need itself: {' -> '.join(_steps(way))}.",
        hint="Keep one of these credentials in another secret manager, for example the built-in one.",
    )


def _steps(way: list[tuple[ScopedConnector, str]]) -> Iterator[str]:
    for connector, how in way:
        yield f"{connector.label} ({how})"
    yield way[0][0].label
