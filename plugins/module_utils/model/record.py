# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tuples with named fields, as typing.NamedTuple makes them, for what every worker loads.

Each NamedTuple takes 0.2 ms to define, in every process anew: six of them were a third of what loading the lookup took.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any, ClassVar, Self, dataclass_transform

__all__ = ["Record"]


@dataclass_transform(frozen_default=True)
class Record(tuple[Any, ...]):
    """A subclass lists its fields as annotations, with defaults or without. The methods are those of NamedTuple."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)
        cls._defaults = {name: getattr(cls, name) for name in cls._fields if name in cls.__dict__}
        for place, name in enumerate(cls._fields):
            setattr(cls, name, property(itemgetter(place)))

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """Return a record; raise TypeError unless every field is given once or has a default."""
        row = list(values)
        try:
            for name in cls._fields[len(values) :]:
                row.append(named.pop(name) if name in named else cls._defaults[name])
        except KeyError as missing:
            raise TypeError(f"{cls.__name__} needs {missing}.") from None
        if named or len(row) > len(cls._fields):
            raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}.")
        return tuple.__new__(cls, row)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **named: Any) -> Self:
        return type(self)(**{**self._asdict(), **named})
