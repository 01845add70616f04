# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which the items of a manifest are declared: each after those that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from ...managers import builtin
from ...model.errors import Conflict, ScopedSecretsError
from ...model.messages import Request
from ...model.references import Reference
from ...model.scopes import ScopePath

__all__ = ["Thing", "order_of", "thing_of", "things_of"]


class Thing(NamedTuple):
    """What an item declares, as others refer to it. `identifier` is empty for a scope and its default manager."""

    noun: str
    path: ScopePath
    identifier: str = ""

    def __str__(self) -> str:
        if self.noun == "default":
            return f"the default secret manager of {self.path}"
        return f"{self.noun} '{self.identifier}' of {self.path}" if self.identifier else str(self.path)


def thing_of(request: Request) -> Thing:
    """Return what a request declares; raise InvalidInput for an invalid scope."""
    path = ScopePath.of(request.params.get("org"), request.params.get("project"))
    if request.resource == "secret_share":
        names = [str(request.params.get("identifier")), *filter(None, _grantee(request, path))]
        return Thing("share", path, "/".join(names))
    noun = request.resource.partition("_")[0]
    if noun in ("scope", "default"):
        return Thing(noun, path)
    return Thing(noun, path, str(request.params.get("identifier")))


def things_of(request: Request) -> Iterator[Thing]:
    """Yield everything that a request declares: the thing, and for a default connector also the scope's default."""
    thing = thing_of(request)
    yield thing
    if thing.noun == "connector" and request.params.get("use_as_default"):
        yield Thing("default", thing.path)


def _grantee(request: Request, path: ScopePath) -> ScopePath:
    """Return the scope that a share is given to."""
    return ScopePath.of(request.params.get("to_org") or path.org, request.params.get("to_project"))


def order_of(requests: Sequence[Request], things: Sequence[Thing]) -> dict[int, set[int]]:
    """Return for each request's index the indexes of those that come before it.

    `things` are what the requests declare. Raises Conflict for requests that need each other.
    """
    places = {thing: number for number, thing in enumerate(things)}
    needed = [_known(_needed(request, things[number]), places, number) for number, request in enumerate(requests)]
    before = {number: set(items) for number, items in enumerate(needed)}
    for maker in _makers_of_default(requests):
        # Whatever may go to a new default comes after it, except for what the default itself needs to log in.
        earlier = _reached(needed, maker)
        for number, request in enumerate(requests):
            if number not in earlier and things[number].path == things[maker].path and _goes_to_default(request):
                before[number].add(maker)
    _check_loops(before, things)
    return before


def _needed(request: Request, thing: Thing) -> Iterator[Thing]:
    """Yield everything that must exist before: the scopes, the named manager, and what is referred to."""
    yield from (Thing("scope", step) for step in thing.path.from_account if Thing("scope", step) != thing)
    if thing.noun == "share":
        yield Thing("secret", thing.path, str(request.params["identifier"]))
        yield from (Thing("scope", step) for step in _grantee(request, thing.path).from_account)
    manager = request.params.get("secret_manager")
    if manager and manager != builtin.NAME:
        level, _dot, identifier = str(manager).rpartition(".")
        yield Thing("connector", _path_at(thing.path, level), identifier)
    for text in _references(request.params):
        try:
            reference = Reference.parse(text)
            path = reference.scope(thing.path)
        except ScopedSecretsError:
            continue  # Declaring the item reports the bad reference.
        yield Thing("connector" if reference.scheme else "secret", path, reference.identifier)


def _path_at(path: ScopePath, level: str) -> ScopePath:
    return {"account": ScopePath(), "org": ScopePath(path.org)}.get(level, path)


def _references(params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        if name.endswith("_ref") and isinstance(value, str):
            yield value
        elif name.endswith("_refs") and isinstance(value, Mapping):
            yield from map(str, value.values())


def _known(needed: Iterable[Thing], places: Mapping[Thing, int], number: int) -> set[int]:
    return {places[thing] for thing in needed if thing in places} - {number}


def _goes_to_default(request: Request) -> bool:
    """Tell whether an item may store something new at the default manager of its scope."""
    return request.resource.startswith(("secret_", "connector_")) and not request.params.get("secret_manager")


def _makers_of_default(requests: Sequence[Request]) -> list[int]:
    return [
        number
        for number, request in enumerate(requests)
        if request.resource == "default_secret_manager" or request.params.get("use_as_default")
    ]


def _reached(needed: Sequence[set[int]], start: int) -> set[int]:
    """Return an item and everything that it needs, directly or indirectly."""
    seen, left = set[int](), [start]
    while left:
        number = left.pop()
        if number not in seen:
            seen.add(number)
            left += needed[number]
    return seen


def _check_loops(before: Mapping[int, set[int]], things: Sequence[Thing]) -> None:
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        loop = " needs ".join(str(things[number]) for number in reversed(error.args[1]))
        raise Conflict(
            "manifest_loop",
            f"Items of the manifest need each other: {loop}.",
            hint="Change one of these references, or keep one of the secrets in the built-in secret manager.",
        ) from None
