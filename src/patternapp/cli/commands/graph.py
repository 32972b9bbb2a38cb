"""`patternapp graph`: a picture of an app, as its file says it or as it is on a cluster."""

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patternapp import errors
from patternapp.cli import appfile, clusters, output

if TYPE_CHECKING:
    from patternapp.plan.model import Plan
    from patternapp.plan.view import Marks

EXAMPLE = "patternapp graph app.yaml --format svg > app.svg"


class Format(enum.StrEnum):
    """How the picture is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    JSON = "json"


def run(
    app: Annotated[str, typer.Argument(metavar="FILE", help="The app's file, or - ; with --live the app's name.")],
    *,
    format_: Annotated[Format, typer.Option("--format", help="How the picture is written.")] = Format.MERMAID,
    live: Annotated[bool, typer.Option("--live", help="Ask a cluster, and show what is ready there.")] = False,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
) -> None:
    """Print a picture of an app and its events' ways."""
    from patternapp.plan import graph

    where = {"namespace": namespace, "context": context, "kubeconfig": kubeconfig}
    if not live and any(where.values()):
        raise typer.BadParameter("a file is asked of no cluster; add --live, or leave out the cluster's options")
    plan, marks = _on_cluster(app, where) if live else (appfile.plan(Path(app)), None)
    if format_ is Format.JSON:
        output.as_json(_data(plan, marks))
        return
    draw = {Format.MERMAID: graph.mermaid, Format.DOT: graph.dot, Format.SVG: graph.svg}[format_]
    typer.echo(draw(plan, marks), nl=False)


def _on_cluster(name: str, where: dict[str, str | None]) -> "tuple[Plan, Marks]":
    state = clusters.ask(clusters.app(name, clusters.DEFAULT_LEASE), **where)
    if state.plan is None:
        raise errors.PatternAppError(
            f"{state.key} has no picture: {state.ready.message}; see: patternapp status {name}"
        )
    from patternapp.cluster import picture

    return state.plan, picture.marks(state.plan, state)


def _data(plan: "Plan", marks: "Marks | None") -> Any:
    if marks is None:
        from patternapp.plan import describe

        return describe.describe(plan)
    from patternapp.cluster import picture

    return picture.data(plan, marks)
