"""The `patternapp` command: which commands there are, and the one place where errors become lines and exit codes.

What holds here:

* Exit codes: 0 success, 1 the input is wrong, 2 usage, 3 the environment is wrong.
* Data goes to stdout, words about it to stderr. Nothing that PatternApp raises on purpose shows a traceback.
* Command modules import nothing heavy when they are imported, so `--help` stays quick.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from patternapp import errors
from patternapp.cli import failures
from patternapp.cli.commands import (
    dev,
    diff,
    dlq,
    events,
    explain,
    graph,
    init,
    render,
    schedule,
    schema,
    send,
    serve,
    status,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended."""


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code is returned."""
    try:
        build()(arguments, prog_name="patternapp")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (errors.PatternAppError, OSError) as error:
        failures.show(error)
        return failures.exit_code(error)
    return 0


def build() -> typer.Typer:
    """The command and all its subcommands."""
    app = typer.Typer(
        help="Six serverless patterns from one file: on this machine, or on Kubernetes with Knative, KEDA and Kafka.",
        epilog="Example: patternapp init hello && patternapp dev hello/app.yaml",
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=True,
        # Errors on purpose are shown by `run`; any other is a bug, and its traceback is what a report needs.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, command, example in (
        ("init", init.run, init.EXAMPLE),
        ("validate", validate.run, validate.EXAMPLE),
        ("dev", dev.run, dev.EXAMPLE),
        ("send", send.run, send.EXAMPLE),
        ("events", events.run, events.EXAMPLE),
        ("explain", explain.run, explain.EXAMPLE),
        ("render", render.run, render.EXAMPLE),
        ("diff", diff.run, diff.EXAMPLE),
        ("status", status.run, status.EXAMPLE),
        ("graph", graph.run, graph.EXAMPLE),
        ("schema", schema.run, schema.EXAMPLE),
        ("serve", serve.run, serve.EXAMPLE),
    ):
        app.command(name, epilog=f"Example: {example}")(command)
    app.add_typer(dlq.build(), name="dlq")
    app.add_typer(schedule.build(), name="schedule")
    return app


def _root(*, version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from importlib import metadata

        typer.echo(f"patternapp {metadata.version('patternapp')}")
        raise typer.Exit


if __name__ == "__main__":
    main()
