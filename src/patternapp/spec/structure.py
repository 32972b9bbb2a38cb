"""JSON values to the models: what pydantic finds, in words of this project.

What holds here:

* Every error type that the models can raise is a row of `_REASONS`; nothing of pydantic's wording or its paths for
  alternatives gets out.
* A value is told by its kind and, if it is short, itself.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pydantic

from patternapp import durations
from patternapp.spec import constraints, v1alpha1
from patternapp.spec.base import Model
from patternapp.spec.flaws import Flaw, Path, nearest, shown
from patternapp.spec.formats import FORMATS

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Facts = Mapping[str, Any]
FLAW_LIMIT = 200
"""Errors that are put into words; nobody reads more."""
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_DURATIONS = frozenset(name for _, name in constraints.DURATIONS)
MISSING = "MissingField"
"""The reason of a flaw whose path is that of something that is not there."""


def parse(data: object) -> tuple[v1alpha1.PatternApp | None, tuple[Flaw, ...]]:
    """The app that a document describes, or everything that is wrong with its structure."""
    try:
        return v1alpha1.PatternApp.model_validate_json(json.dumps(data)), ()
    except pydantic.ValidationError as error:
        found = [detail for detail in error.errors(include_url=False) if not _follows(detail)]
        return None, tuple(_flaw(detail, data) for detail in found[:FLAW_LIMIT])


def _follows(detail: ErrorDetails) -> bool:
    """Whether a list is only too short because its entries are wrong, each of which has an error of its own."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _flaw(detail: ErrorDetails, data: Any) -> Flaw:
    path = _path(detail, data)
    reason, say = _REASONS.get(detail["type"], _UNKNOWN)
    return Flaw(path, reason, say({**detail.get("ctx", {}), "input": detail["input"], "path": path, **_key(detail)}))


def _path(detail: ErrorDetails, data: Any) -> Path:
    """The place of an error in the document, without the steps that pydantic adds for alternatives and keys."""
    path: list[str | int] = []
    here = data
    for step in detail["loc"]:
        if _has(here, step):
            here = here[step]
            path.append(step)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _has(here: Any, step: str | int) -> bool:
    if isinstance(here, dict):
        return step in here
    return isinstance(here, list) and isinstance(step, int) and step < len(here)


def _key(detail: ErrorDetails) -> Facts:
    return {"subject": "this key" if detail["loc"][-1:] == ("[key]",) else "this value"}


def fields_at(path: Path) -> tuple[str, ...]:
    """The names of the fields that an object at `path` may have; empty where any name goes."""
    kind: Any = v1alpha1.PatternApp
    for step in path:
        kind = next((inner for model in _models(kind) if (inner := _field(model, step)) is not None), kind)
    return tuple(field.alias or name for model in _models(kind) for name, field in model.model_fields.items())


def _field(model: type[Model], step: str | int) -> Any:
    return next((field.annotation for name, field in model.model_fields.items() if (field.alias or name) == step), None)


def _models(annotation: Any) -> Iterator[type[Model]]:
    """The models inside an annotation such as ``Annotated[tuple[Filter, ...], ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    elif typing.get_origin(annotation) is not dict:
        for inner in typing.get_args(annotation):
            yield from _models(inner)


def _told(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "the boolean true" if value else "the boolean false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {shown(value)}"
        case list():
            return "a list"
    return "an object"


def _expected(kind: str) -> Callable[[Facts], str]:
    def say(facts: Facts) -> str:
        value = facts["input"]
        if value is None:
            return f"{kind} is expected, and nothing is here; write it, or remove the field"
        if _is_number(value) and facts["path"][-1:] and facts["path"][-1] in _DURATIONS:
            return _without_unit(value)
        mend = {
            (True, "a text"): "; put it in quotes",
            (False, "a whole number"): "; remove the quotes" if str(value).strip("-").isdigit() else "",
        }.get((not isinstance(value, str | list | dict), kind), "")
        return f"{kind} is expected, not {_told(value)}{mend}"

    return say


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _without_unit(number: object) -> str:
    return f"the unit is missing; write {number}s, or {number}ms, {number}m or {number}h"


def _unknown_field(facts: Facts) -> str:
    *parent, name = facts["path"]
    return f"unknown field; {nearest(str(name), fields_at(tuple(parent)))}"


def _format(facts: Facts) -> str:
    words = FORMATS[facts["pattern"]]
    if facts["pattern"] == durations.PATTERN and _NUMBER.fullmatch(facts["input"]):
        return _without_unit(facts["input"])
    return f"{facts['subject']} does not have the right form; write {words}"


_WRONG_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "tuple_type": "a list",
}
_UNKNOWN: tuple[str, Callable[[Facts], str]] = (
    "NotAllowed",
    lambda facts: f"{_told(facts['input'])} is not allowed here; see `patternapp schema`",
)
_REASONS: Mapping[str, tuple[str, Callable[[Facts], str]]] = {
    "extra_forbidden": ("UnknownField", _unknown_field),
    "missing": (MISSING, lambda facts: f"{facts['path'][-1]!r} is missing; add it"),
    **{kind: ("WrongType", _expected(words)) for kind, words in _WRONG_TYPES.items()},
    "literal_error": ("NotAllowed", lambda facts: f"{_told(facts['input'])} is not allowed; write {facts['expected']}"),
    "string_pattern_mismatch": ("BadFormat", _format),
    "greater_than_equal": ("OutOfRange", lambda facts: f"{facts['input']} is too little; write {facts['ge']} or more"),
    "less_than_equal": ("OutOfRange", lambda facts: f"{facts['input']} is too much; write {facts['le']} or less"),
    "string_too_short": ("Empty", lambda _: "the text is empty; write it, or remove the field"),
    "string_too_long": ("TooLong", lambda facts: f"too long; write {facts['max_length']} characters at most"),
    "too_short": ("Empty", lambda facts: f"too few entries; write {facts['min_length']} at least"),
    "too_long": ("TooMany", lambda facts: f"too many entries; write {facts['max_length']} at most"),
    "int_parsing_size": ("OutOfRange", lambda _: "the number is too large"),
}
