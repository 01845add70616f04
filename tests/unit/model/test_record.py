# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records do what tuples of typing.NamedTuple do, and take no fields that they don't have."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, NamedTuple

import pytest
from ansible_collections.scoped.secrets.plugins.module_utils.model.record import Record


class Place(Record):
    host: str
    port: int = 443
    tls: bool = True


class Model(NamedTuple):
    """The same, as Python has it."""

    host: str
    port: int = 443
    tls: bool = True


GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}),
    (("a", 1), {}),
    (("a", 1, False), {}),
    (("a",), {"tls": False}),
    ((), {"tls": False, "port": 2, "host": "b"}),
]


@pytest.mark.parametrize(("values", "named"), GIVEN)
def test_a_record_is_the_tuple_that_python_would_make(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    record, model = Place(*values, **named), Model(*values, **named)
    assert tuple(record) == tuple(model)
    assert (record.host, record.port, record.tls) == (model.host, model.port, model.tls)
    assert record._asdict() == model._asdict()
    assert record._replace(port=9) == tuple(model._replace(port=9))
    assert repr(record) == repr(model).replace("Model", "Place")
    assert json.dumps(record) == json.dumps(model)
    assert hash(record) == hash(Place(*model))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        ((), {"port": 1}),
        (("a", 1, True, 4), {}),
        (("a",), {"host": "b"}),
        (("a",), {"nothing": 1}),
        (("a", 1, True), {"nothing": 1}),
    ],
)
def test_fields_are_given_once_and_none_besides(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Place, Model):
        with pytest.raises(TypeError):
            kind(*values, **named)


def test_a_record_never_changes() -> None:
    record: Any = Place("a")
    with pytest.raises(AttributeError):
        record.port = 1
    with pytest.raises(TypeError):
        record._replace(nothing=1)
    assert record == Place("a")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))])
def test_a_copy_is_equal_and_of_the_same_kind(again: Any) -> None:
    assert again(Place("a", 1)) == Place("a", 1)
    assert type(again(Place("a", 1))) is Place


def test_defaults_are_the_class_s_own() -> None:
    assert Place._fields == ("host", "port", "tls")
    assert Place._defaults == {"port": 443, "tls": True}
