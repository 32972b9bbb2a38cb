"""`patternapp serve`: runs one function, as its container does."""

import json
import os
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from patternapp import delivery, errors
from patternapp.cli import serving
from patternapp.http.limits import Limits
from patternapp.receiver.settings import Settings

EXAMPLE = "patternapp serve shop.orders:app --port 8080"
EVENT_HELP = (
    "Handle the CloudEvent in this file, then end: with 0 when it was handled, "
    f"{delivery.EXIT_REFUSED} when it was refused for good, {delivery.EXIT_FAILED} when it is to be tried again."
)


def run(
    target: Annotated[str, typer.Argument(metavar="MODULE:APP", help="The ASGI application.")],
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104 - a pod's default
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: $PORT, then 8080.")] = None,
    event: Annotated[Path | None, typer.Option(metavar="FILE", help=EVENT_HELP)] = None,
    describe: serving.Describe = None,
    timeout: serving.Timeout = None,
    linger: serving.Linger = serving.SETTINGS.linger,
    grace: serving.Grace = serving.SETTINGS.grace,
    connections: serving.Connections = serving.LIMITS.connections,
    headers: serving.Headers = serving.LIMITS.headers,
    head_size: serving.HeadSize = serving.LIMITS.head_size,
    head_timeout: serving.HeadTimeout = serving.LIMITS.head_timeout,
    body_timeout: serving.BodyTimeout = serving.LIMITS.body_timeout,
    idle_timeout: serving.IdleTimeout = serving.LIMITS.idle_timeout,
    answer_timeout: serving.AnswerTimeout = serving.LIMITS.answer_timeout,
    metrics_port: serving.MetricsPort = None,
    log_level: serving.LogLevelOption = serving.LogLevel.INFO,
) -> None:
    """Serve one function, with the settings that a pod wants; or run it once, as a Job does."""
    from patternapp.receiver import server

    folder = Path.cwd()
    limits = Limits(
        connections=connections,
        headers=headers,
        head_size=head_size,
        head_timeout=head_timeout,
        body_timeout=body_timeout,
        idle_timeout=idle_timeout,
        answer_timeout=answer_timeout,
    )
    settings = Settings(
        limits=limits, timeout=timeout, linger=linger, grace=grace, metrics_port=metrics_port, log_level=log_level
    )
    try:
        if describe is not None:
            typer.echo(json.dumps(server.describe(target, describe, folder=folder), indent=2))
            return
        if event is None:
            server.serve(target, host=host, port=port, folder=folder, settings=settings)
            return
        app = server.load(target, folder=folder)
    except server.TargetError as error:
        if error.__cause__ is None or isinstance(error.__cause__, ModuleNotFoundError):
            raise
        raise errors.PatternAppError(f"{_place(error.__cause__, folder)}: {error}") from error
    raise typer.Exit(_once(app, event, settings))


def _once(app: Any, file: Path, settings: Settings) -> int:
    """Handle the one event of a file; the exit code."""
    from patternapp.cli import eventfile, failures
    from patternapp.receiver import logs
    from patternapp.runtime import once

    logs.begin(settings.log_level)
    try:
        event = eventfile.only(file)
    except errors.SpecError as error:
        failures.show(error)
        return delivery.EXIT_REFUSED
    ended = once.run(app, event, around=once.around(os.environ), grace=settings.grace)
    typer.echo(ended.message, err=ended.code != 0)
    return ended.code


def _place(error: BaseException, folder: Path) -> str:
    """``FILE:LINE`` of the deepest place in the folder that an error passed, or of the deepest of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    last = (own or frames)[-1]
    return f"{last.filename}:{last.lineno}"
