"""A7: names that are chosen so that they would meet."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import spec_strategies

from patternapp import errors
from patternapp.plan import compile as compiler
from patternapp.render import names, objects
from patternapp.spec import load

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = "a" * 63
"""An app's name that fills every name: of what follows, the hash alone is left."""


def meeting(named: Callable[[str], str]) -> tuple[str, str]:
    """Two words that get one name. As many are tried as somebody would who wants to find such."""
    seen: dict[str, str] = {}
    for number in itertools.count():
        word = f"n{number}"
        other = seen.setdefault(named(word), word)
        if other != word:
            return other, word
    raise AssertionError


def app(**spec: Any) -> dict[str, Any]:
    functions = [{"name": "orders", "handler": "shop:app"}]
    return {
        "apiVersion": "patternapp.dev/v1alpha1",
        "kind": "PatternApp",
        "metadata": {"name": LONG},
        "spec": {"image": "shop:1", "functions": functions} | spec,
    }


def functions() -> dict[str, Any]:
    two = meeting(lambda word: names.function(LONG, word))
    return app(functions=[{"name": name, "handler": "shop:app"} for name in two])


def triggers() -> dict[str, Any]:
    two = meeting(lambda word: names.entry(LONG, f"event-driven/{word}"))
    return app(eventDriven=[{"name": name, "function": "orders"} for name in two])


def schedules() -> dict[str, Any]:
    two = meeting(lambda word: names.job_sink(LONG, f"schedule/{word}"))
    return app(schedules=[{"name": name, "cron": "@daily", "function": "orders", "job": True} for name in two])


@pytest.mark.parametrize("found", [functions, triggers, schedules])
def test_entries_whose_names_were_searched_to_meet_are_refused(found: Callable[[], dict[str, Any]]) -> None:
    """One would be written over the other, and the other over the one, for ever."""
    wanted = spec_strategies.parsed(found())

    with pytest.raises(errors.SpecError, match=r"two entries would both become the .* rename one of them"):
        objects.render(compiler.compile_app(wanted))


@pytest.mark.parametrize("name", ["..", "a.b", "A", "é", "a/b", "-a", "a-", "a" * 64, "", "a\n", "a\u200b"])
def test_no_other_name_is_read(name: str) -> None:
    with pytest.raises(errors.SpecError):
        load.from_object(app() | {"metadata": {"name": name}})
