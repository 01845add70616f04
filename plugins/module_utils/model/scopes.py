# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scopes: account > organization > project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from .errors import Forbidden, InvalidInput
from .identifiers import check_identifier

__all__ = ["ACCOUNT", "Level", "ScopePath", "common_scope"]


class Level(str, Enum):
    """The three levels of scopes, from the widest to the narrowest."""

    ACCOUNT = "account"
    ORG = "org"
    PROJECT = "project"

    @property
    def depth(self) -> int:
        return list(Level).index(self)


class ScopePath(NamedTuple):
    """The path of a scope. The account's has neither part, an organization's has no project."""

    org: str = ""
    project: str = ""

    @classmethod
    def of(cls, org: str | None, project: str | None) -> ScopePath:
        """Return the path for the options `org` and `project`; empty and None mean none. Raise InvalidInput."""
        if project and not org:
            raise InvalidInput(
                "project_without_org",
                f"The project {project!r} is given without its organization.",
                hint="Set 'org' too, or leave 'project' empty.",
            )
        for part in (org, project):
            if part:
                check_identifier(part, "scope")
        return cls(org or "", project or "")

    @property
    def level(self) -> Level:
        if self.project:
            return Level.PROJECT
        return Level.ORG if self.org else Level.ACCOUNT

    @property
    def parent(self) -> ScopePath | None:
        if self.project:
            return ScopePath(self.org)
        return ScopePath() if self.org else None

    @property
    def identifier(self) -> str:
        return self.project or self.org or Level.ACCOUNT.value

    @property
    def from_account(self) -> Iterator[ScopePath]:
        """The scopes from the account down to this one, both included."""
        if self.parent:
            yield from self.parent.from_account
        yield self

    @property
    def announced(self) -> str:
        """The path as text, account/ORG/PROJECT: for a shared store's row-level security and for audit records."""
        return "/".join(filter(None, ("account", self.org, self.project)))

    def at(self, level: Level) -> ScopePath:
        """Return this scope or its ancestor at `level`; raise Forbidden if `level` is lower than this scope."""
        if level.depth > self.level.depth:
            raise Forbidden(
                "reference_downward",
                f"From {self}, scopes below or beside it can't be used.",
                hint=f"Set 'org' and 'project' to the {'organization' if level is Level.ORG else 'project'} "
                "that the thing belongs to.",
            )
        return {Level.ACCOUNT: ACCOUNT, Level.ORG: ScopePath(self.org)}.get(level, self)

    def __str__(self) -> str:
        if self.project:
            return f"project '{self.org}/{self.project}'"
        return f"organization '{self.org}'" if self.org else "the account"


ACCOUNT = ScopePath()


def common_scope(paths: Iterable[ScopePath]) -> ScopePath:
    """Return the narrowest scope that contains all of these."""
    all_paths = set(paths)
    if len(all_paths) == 1:
        return all_paths.pop()
    orgs = {path.org for path in all_paths}
    return ScopePath(orgs.pop()) if len(orgs) == 1 else ACCOUNT
