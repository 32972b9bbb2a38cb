"""Errors as people and shells see them: lines on stderr and an exit code."""

from __future__ import annotations

import os

import typer

from patternapp import errors
from patternapp.cli import output
from patternapp.cluster import failures as cluster

EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (errors.EnvironmentProblem, 3),
    (errors.StoreError, 3),
    (cluster.ClusterError, 3),
    (errors.PatternAppError, 1),
    (OSError, 3),
)
"""The first type that fits decides."""


def exit_code(error: BaseException) -> int:
    """The exit code for an error that PatternApp raised on purpose, or that the system raised."""
    return next(code for type_, code in EXIT_CODES if isinstance(error, type_))


def show(error: BaseException) -> None:
    """Print the error to stderr, one line for each problem; in color on a terminal."""
    if isinstance(error, errors.SpecError):
        for problem in error.problems:
            say(problem_line(problem))
    else:
        say(f"{typer.style('error:', fg=typer.colors.RED, bold=True)} {output.shown(_text(error))}")


def _text(error: BaseException) -> str:
    """What the error says; of the system's errors the file and the reason, without their number."""
    if isinstance(error, cluster.Forbidden):
        return f"{error.message}; ask whoever runs the cluster for that right"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def problem_line(problem: errors.Problem) -> str:
    """``FILE:LINE: PATH: MESSAGE [REASON]``, styled; parts that are not known are left out."""
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    known = [typer.style(output.on_one_line(part), bold=True) for part in (place, problem.path) if part]
    return ": ".join([*known, output.on_one_line(problem.message)]) + typer.style(
        f" [{problem.reason}]", fg=typer.colors.RED
    )


def say(line: str) -> None:
    """Print a line to stderr; its styles are dropped where nobody would see them, and where NO_COLOR is set."""
    typer.echo(line, err=True, color=False if os.environ.get("NO_COLOR") else None)
