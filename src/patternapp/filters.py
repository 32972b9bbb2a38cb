"""The filters of a Trigger: whether an event matches, and why not.

What holds here:

* Filters are Knative's JSON: a sequence of conditions of one dialect each, all of which must match; none matches all.
* The semantics are those of Knative's default Broker (knative/eventing ``pkg/eventfilter``). An optional standard
  attribute that an event lacks reads as the empty text, a time that it lacks as the year 1; an extension that it lacks
  fails every condition on it. Numbers and booleans compare by their CloudEvents text form, times in UTC.
* Every dialect but CESQL, which is refused by name.
* `compile` and `explain` use the same tables, so they cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from patternapp import errors

Attributes = Mapping[str, str | int | bool]
Predicate = Callable[[Attributes], bool]

DEPTH_LIMIT = 32
"""Levels of filters that are read; a PatternApp allows four."""
_MISSING_TIME = "0001-01-01T00:00:00Z"
_STANDARD = frozenset(
    {"specversion", "type", "source", "subject", "id", "dataschema", "datacontenttype", "datacontentencoding"}
)
_NAME = re.compile(r"[a-z][a-z0-9]*")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

_COMPARISONS: Mapping[str, tuple[Callable[[str, str], bool], str]] = {
    "exact": (str.__eq__, "is not"),
    "prefix": (str.startswith, "does not begin with"),
    "suffix": (str.endswith, "does not end with"),
}
"""Dialects that compare attributes: how, and what to say where it fails."""
_LISTS: Mapping[str, Callable[[Iterator[bool]], bool]] = {"all": all, "any": any}
"""Dialects that hold conditions of their own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one condition says of an event.

    Attributes:
        path: Where the condition stands, such as ``filters[0].any[1].exact.type``.
        matched: Whether it lets the event through.
        reason: One line: what the event has, and what was asked for.
    """

    path: str
    matched: bool
    reason: str


def compile(filters: Sequence[Mapping[str, Any]]) -> Predicate:  # noqa: A001 - callers write filters.compile, like re.compile
    """A function that says whether an event's attributes match; made once, called for every event.

    Raises:
        FilterError: A filter is malformed or uses CESQL.
    """
    predicates = tuple(
        _condition(condition, f"filters[{index}]", 1) for index, condition in enumerate(_conditions(filters, "filters"))
    )
    if len(predicates) == 1:
        return predicates[0]
    return lambda attributes: all(predicate(attributes) for predicate in predicates)


def explain(filters: Sequence[Mapping[str, Any]], attributes: Attributes) -> tuple[Verdict, ...]:
    """A verdict for every condition, outer before inner; the event matches if those without a parent all matched.

    Raises:
        FilterError: A filter is malformed or uses CESQL.
    """
    compile(filters)
    return tuple(
        verdict
        for index, condition in enumerate(filters)
        for verdict in _explained(condition, f"filters[{index}]", attributes)
    )


def uses_cesql(filters: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any condition, however deep, is a CESQL expression. Total: what is malformed holds none."""
    waiting: list[Any] = list(filters)
    while waiting:
        condition = waiting.pop()
        if not isinstance(condition, Mapping):
            continue
        if "cesql" in condition:
            return True
        for dialect in _LISTS:
            inner = condition.get(dialect)
            waiting.extend(inner if isinstance(inner, list | tuple) else ())
        waiting.append(condition.get("not"))
    return False


def text_of(attributes: Attributes, name: str) -> str | None:
    """The value a filter sees for an attribute; None where it sees none."""
    if name == "time":
        return _time(attributes.get("time"))
    if name == "datamediatype":
        # As Go's SDK cuts it: in the case it was sent in, and as it is where there are no parameters.
        kind, parameters, _ = str(attributes.get("datacontenttype", "")).partition(";")
        return kind.strip() if parameters else kind
    value = attributes.get("dataschema" if name == "schemaurl" else name)
    if value is None:
        return "" if name in _STANDARD or name == "schemaurl" else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _time(value: str | int | bool | None) -> str:  # noqa: FBT001 - an attribute's value, not a switch
    """A time as Go's RFC 3339 with nanoseconds writes it: in UTC, without trailing zeros."""
    if value is None:
        return _MISSING_TIME
    match = _TIME.fullmatch(str(value))
    if match is None:
        return str(value)
    try:
        moment = datetime.fromisoformat(match[1].upper() + match[3].upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return str(value)
    fraction = (match[2] or "").rstrip("0")
    return moment.replace(tzinfo=None).isoformat() + (f".{fraction}Z" if fraction else "Z")


def _conditions(value: object, path: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise errors.FilterError(f"{path}: a list of conditions is expected")
    return value


def _dialect(condition: object, path: str, depth: int) -> tuple[str, Any]:
    if depth > DEPTH_LIMIT:
        raise errors.FilterError(f"{path}: filters are nested more than {DEPTH_LIMIT} levels deep")
    if not isinstance(condition, Mapping) or len(condition) != 1:
        raise errors.FilterError(f"{path}: a condition is an object with one dialect, such as {{exact: {{type: a}}}}")
    return next(iter(condition.items()))


def _condition(condition: object, path: str, depth: int) -> Predicate:
    dialect, operand = _dialect(condition, path, depth)
    where = f"{path}.{dialect}"
    if dialect in _COMPARISONS:
        return _comparison(_COMPARISONS[dialect][0], _pairs(operand, where))
    if dialect in _LISTS:
        inner = tuple(
            _condition(child, f"{where}[{index}]", depth + 1) for index, child in enumerate(_conditions(operand, where))
        )
        if not inner:
            raise errors.FilterError(f"{where}: at least one condition is expected")
        combine = _LISTS[dialect]
        return lambda attributes: combine(predicate(attributes) for predicate in inner)
    if dialect == "not":
        negated = _condition(operand, where, depth + 1)
        return lambda attributes: not negated(attributes)
    if dialect == "cesql":
        raise errors.FilterError(
            f"{where}: CESQL is not available in dev; write exact, prefix, suffix, all, any or not"
        )
    raise errors.FilterError(f"{where}: unknown dialect; write exact, prefix, suffix, all, any or not")


def _pairs(operand: object, path: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(operand, Mapping) or not operand:
        raise errors.FilterError(f"{path}: attributes and their values are expected, such as {{type: shop.order}}")
    for name, value in operand.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise errors.FilterError(f"{path}: {name!r} is no attribute; write lower-case letters and digits")
        if not isinstance(value, str) or not value:
            raise errors.FilterError(f"{path}.{name}: a text that is not empty is expected")
    return tuple(operand.items())


def _comparison(compare: Callable[[str, str], bool], pairs: tuple[tuple[str, str], ...]) -> Predicate:
    def predicate(attributes: Attributes) -> bool:
        for name, wanted in pairs:
            actual = text_of(attributes, name)
            if actual is None or not compare(actual, wanted):
                return False
        return True

    return predicate


def _explained(condition: Mapping[str, Any], path: str, attributes: Attributes) -> Iterator[Verdict]:
    ((dialect, operand),) = condition.items()
    where = f"{path}.{dialect}"
    if dialect in _COMPARISONS:
        for name, wanted in operand.items():
            yield _compared(dialect, f"{where}.{name}", (name, wanted), attributes)
        return
    matched = compile((condition,))(attributes)
    if dialect == "not":
        yield Verdict(
            where, matched, "the condition inside does not match" if matched else "the condition inside matches"
        )
        yield from _explained(operand, where, attributes)
        return
    passed = sum(compile((child,))(attributes) for child in operand)
    yield Verdict(where, matched, f"{passed} of {len(operand)} conditions match")
    for index, child in enumerate(operand):
        yield from _explained(child, f"{where}[{index}]", attributes)


def _compared(dialect: str, path: str, pair: tuple[str, str], attributes: Attributes) -> Verdict:
    name, wanted = pair
    actual = text_of(attributes, name)
    if actual is None:
        return Verdict(path, matched=False, reason=f"the event has no {name}")
    compare, otherwise = _COMPARISONS[dialect]
    if compare(actual, wanted):
        return Verdict(path, matched=True, reason=f"{name} is {actual!r}")
    return Verdict(path, matched=False, reason=f"{name} is {actual!r}, which {otherwise} {wanted!r}")
