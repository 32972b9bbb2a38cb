"""`patternapp serve`: runs one function, as its container does."""

import traceback
from pathlib import Path
from typing import Annotated

import typer

from patternapp import errors

EXAMPLE = "patternapp serve shop.orders:app --port 8080"


def run(
    target: Annotated[str, typer.Argument(metavar="MODULE:APP", help="The ASGI application.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "0.0.0.0",  # noqa: S104 - a pod's default
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: $PORT, then 8080.")] = None,
) -> None:
    """Serve one function, with the settings that a pod wants."""
    from patternapp.receiver import server

    folder = Path.cwd()
    try:
        server.serve(target, host=host, port=port, folder=folder)
    except server.TargetError as error:
        if error.__cause__ is None or isinstance(error.__cause__, ModuleNotFoundError):
            raise
        raise errors.PatternAppError(f"{_place(error.__cause__, folder)}: {error}") from error


def _place(error: BaseException, folder: Path) -> str:
    """``FILE:LINE`` of the deepest place in the folder that an error passed, or of the deepest of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    last = (own or frames)[-1]
    return f"{last.filename}:{last.lineno}"
