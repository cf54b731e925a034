"""SQLAlchemy's expressions are values: what is made twice of the same parts is the same. While runs are played they are
made once and remembered, as most of a run's time would go into making some hundred statements again, and their names in
SQLAlchemy's cache of compiled ones. What is executed stays the same, to the byte.
"""

from __future__ import annotations

import contextlib
import enum
import sqlite3
import sys
from collections.abc import Callable, Generator
from copy import copy
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Insert,
    Select,
    SelectBase,
    Table,
    Update,
)
from sqlalchemy.sql.functions import _FunctionGenerator

# As modules of the store know them.
FUNCTIONS = ("select", "insert", "update", "delete", "and_", "or_", "case", "tuple_")
METHODS: dict[type[Any], tuple[str, ...]] = {
    ColumnElement: ("operate", "label"),
    Select: ("where", "select_from", "join", "outerjoin", "order_by", "limit", "distinct", "with_for_update"),
    SelectBase: ("scalar_subquery",),
    Insert: ("values",),
    Update: ("where", "values", "returning"),
    Delete: ("where",),
}
PLAIN = (int, bool, str, bytes, type(None))
ENOUGH = 10_000  # then it begins anew: ids differ from run to run

_made: dict[Any, Any] = {}
_known: set[int] = set()  # ids of what was made
_contexts: dict[int, Any] = {}  # of statements, by their ids


def _once(make: Callable[..., Any], name_of: Callable[[Any], Any] | None = None) -> Callable[..., Any]:
    def made_once(*parts: Any, **members: Any) -> Any:
        try:
            of = [name_of(parts[0]), *map(_name, parts[1:])] if name_of else map(_name, parts)
            name = (make, *of, *((member, _name(value)) for member, value in members.items()))
        except KeyError:
            return make(*parts, **members)
        made = _made.get(name)
        if made is None:
            if len(_made) > ENOUGH:
                _contexts.clear()
                _made.clear()
                _known.clear()
                return make(*parts, **members)
            made = _made[name] = make(*parts, **members)
            _known.add(id(made))
        return made

    return made_once


def execute(connection: Connection, driver: sqlite3.Connection, statement: Any, parameters: Any) -> CursorResult[Any]:
    """What SQLAlchemy made of a remembered statement, SQL and parameters, is remembered too, and runs again."""
    context = _contexts.get(id(statement))
    if context is not None:
        again = copy(context)
        again.root_connection = connection
        again.cursor = driver.cursor()
        try:
            again.cursor.execute(context.statement, context.parameters[0])
        except sqlite3.Error:
            pass  # it changed nothing; SQLAlchemy runs into it too, and knows how to say so
        else:
            return again._setup_result_proxy()
    result = connection.execute(statement, parameters)
    if id(statement) in _known and parameters is None and not statement.is_insert:
        context = _contexts[id(statement)] = copy(result.context)
        context.cursor, context._rowcount = None, None
    return result


def _name(part: Any) -> Any:
    """Equal for equal parts. Raises KeyError for a part that nothing is known of."""
    kind = type(part)
    if kind in PLAIN:
        return kind, part
    if id(part) in _known:
        return id(part)
    if kind in (list, tuple):
        return kind, *map(_name, part)
    if isinstance(part, Column | Table) or id(part) in _lasting():
        return id(part)
    if isinstance(part, enum.Enum) or kind in (type(len), type(_name)):  # an operator is a function
        return kind, part
    raise KeyError


@cache
def _lasting() -> set[int]:
    """Ids of what modules of the store keep themselves."""
    modules = [module for name, module in sys.modules.items() if name.startswith("slotlink.store.")]
    return {id(kept) for module in modules for kept in vars(module).values() if isinstance(kept, Select)}


@cache
def _places() -> list[tuple[Any, str, Any, Any]]:
    """Where something is made: the owner, the name there, what is there, and what remembers instead of it."""
    places = [(of, name, of.__dict__.get(name), _once(getattr(of, name))) for of in METHODS for name in METHODS[of]]
    function = _FunctionGenerator.__call__
    places.append((_FunctionGenerator, "__call__", function, _once(function, _names)))
    for module in [module for name, module in sys.modules.items() if name.startswith("slotlink.store.")]:
        for name in FUNCTIONS:
            if hasattr(module, name):
                places.append((module, name, getattr(module, name), _once(getattr(module, name))))
    return places


def _names(function: Any) -> Any:
    """What stands behind `func`."""
    return tuple(function._FunctionGenerator__names)


@contextlib.contextmanager
def remembering() -> Generator[None]:
    for owner, name, _, instead in _places():
        setattr(owner, name, instead)
    try:
        yield
    finally:
        for owner, name, before, _ in _places():
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
