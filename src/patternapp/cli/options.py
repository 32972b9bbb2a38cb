"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from patternapp.cli.output import Output

AppFile = Annotated[Path, typer.Argument(metavar="FILE", help="The app's file; - reads standard input.")]
OutputOption = Annotated[Output, typer.Option("-o", "--output", help="How data is printed.")]
Url = Annotated[str, typer.Option("--url", envvar="PATTERNAPP_URL", help="Where `patternapp dev` runs.", metavar="URL")]
DEFAULT_URL = "http://127.0.0.1:8700"
