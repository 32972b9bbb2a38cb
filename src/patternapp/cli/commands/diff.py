"""`patternapp diff`: what applying a file would change in a cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

from patternapp.cli import appfile, clusters, output
from patternapp.cli.options import AppFile, CapabilitiesFile, OutputOption
from patternapp.cli.output import Output

if TYPE_CHECKING:
    from patternapp.cluster.client import Client
    from patternapp.cluster.review import AppReview

EXAMPLE = "patternapp diff app.yaml -n shop --exit-code"


def run(
    file: AppFile,
    *,
    namespace: clusters.Namespace = None,
    context: clusters.Context = None,
    kubeconfig: clusters.Kubeconfig = None,
    capabilities: CapabilitiesFile = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 where something would change.")] = False,
    out: OutputOption = Output.TEXT,
) -> None:
    """Print what applying a file would change in a cluster.

    The cluster is asked object by object and field by field, and nothing is changed. What would be deleted, what is in
    the way and what another field manager set, too, is named. Secrets are never read.

    Exits with 0, also where there are differences, and with 1 where the cluster would refuse some of it.
    """
    resources = appfile.resources(file)
    able = appfile.capabilities(capabilities)

    async def question(client: "Client") -> list["AppReview"]:
        from patternapp.cluster import review

        return [await review.review(client, resource, able) for resource in resources]

    found = clusters.ask(question, namespace=namespace, context=context, kubeconfig=kubeconfig)
    raise typer.Exit(_shown(found, out, strict=exit_code))


def _shown(found: list["AppReview"], out: Output, *, strict: bool) -> int:
    """Print the reviews; the exit code is returned."""
    from patternapp.cli import differences
    from patternapp.cluster import plain
    from patternapp.cluster.review import Verdict

    if out is Output.JSON:
        output.as_json({"apps": [plain.review(one) for one in found]})
    else:
        for one in found:
            for line in differences.lines(one):
                output.styled(line)
    verdicts = {item.verdict for one in found for item in (one.app, *one.objects)}
    wrong = {Verdict.REFUSED, Verdict.FOREIGN}
    differ = {Verdict.CREATED, Verdict.CHANGED, Verdict.DELETED}
    return int(bool(verdicts & (wrong | differ if strict else wrong)))
