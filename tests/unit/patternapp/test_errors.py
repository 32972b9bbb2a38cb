"""Errors as people read them."""

from __future__ import annotations

import inspect

import pytest

from patternapp import errors
from patternapp.errors import Problem


def problem(line: int = 3, path: str = "spec.queues[0]") -> Problem:
    return Problem("app.yaml", line, path, "UnknownField", "there is no field `bach`; did you mean `batch`?")


def test_a_problem_is_one_line_with_place_path_mend_and_reason() -> None:
    assert str(problem()) == (
        "app.yaml:3: spec.queues[0]: there is no field `bach`; did you mean `batch`? [UnknownField]"
    )


def test_a_problem_without_a_known_line_names_the_file_alone() -> None:
    assert str(problem(line=0)).startswith("app.yaml: spec.queues[0]: ")


def test_problems_sort_by_place() -> None:
    assert sorted([problem(line=9), problem(path="z"), problem(path="a")]) == [
        problem(path="a"),
        problem(path="z"),
        problem(line=9),
    ]


def test_a_spec_error_says_every_problem_on_a_line_of_its_own() -> None:
    error = errors.SpecError((problem(), problem(line=9)))

    assert str(error).splitlines() == [str(problem()), str(problem(line=9))]


def test_a_cloud_event_error_names_the_attribute_and_what_is_wrong_with_it() -> None:
    error = errors.CloudEventError("specversion", "is not 1.0")

    assert (error.attribute, error.reason, str(error)) == ("specversion", "is not 1.0", "specversion: is not 1.0")


def test_a_lost_lease_is_caught_where_store_errors_are() -> None:
    assert issubclass(errors.LeaseLost, errors.StoreError)


@pytest.mark.parametrize(
    "kind", [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
)
def test_every_error_is_caught_at_the_root(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.PatternAppError)
