"""The installations without Helm: each is the chart, rendered with the values beside it.

What holds here: nothing is said twice, so an installation cannot drift from the chart, and nothing says that Helm keeps
what Helm does not know.

``make manifests`` (``python -m manifests.installs`` in `tests`) writes the files anew; read the difference before you
keep it.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charts import helm as helms
from cluster import build as building
from tools import build

from patternapp.render import yaml
from patternapp.spec import crd

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "manifests"
_OF_HELM = ("app.kubernetes.io/managed-by", "helm.sh/chart", "helm.sh/resource-policy")
_WRITTEN_BY = "# Written by `make manifests` from charts/patternapp and {}.\n"
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Install:
    """One installation.

    Attributes:
        folder: Where it lies.
        namespace: Where the operator runs.
        above: Whether the values of `manifests` count as well, below its own.
    """

    folder: Path
    namespace: str = "patternapp-system"
    above: bool = True

    @property
    def file(self) -> Path:
        """The file with all its objects."""
        return self.folder / "install.yaml"

    @property
    def values(self) -> tuple[Path, ...]:
        """The files of values, the later ones before the earlier."""
        whole = (FOLDER / "values.yaml",) if self.above else ()
        own = self.folder / "values.yaml"
        return whole if own in whole else (*whole, own)

    def text(self, helm: helms.Helm) -> str:
        """What its file has to say."""
        options = [part for file in self.values for part in ("--values", str(file))]
        items = [item for item in helm.template(*options, namespace=self.namespace) if not helms.testing(item)]
        named = " and ".join(str(file.relative_to(ROOT)) for file in self.values)
        return _WRITTEN_BY.format(named) + "---\n".join(_written(item) for item in items)


INSTALLS = (
    Install(FOLDER),
    Install(FOLDER / "overlays" / "kind"),
    Install(FOLDER / "overlays" / "production"),
    Install(FOLDER / "overlays" / "namespaced", namespace="team-a", above=False),
)


def _written(item: Object) -> str:
    """An object as text; the definition of PatternApp as `manifests/crd` has it, which is a tenth as long."""
    if item["kind"] == "CustomResourceDefinition":
        assert item["spec"] == crd.document()["spec"], "the chart has another definition"
        return crd.text()
    return yaml.dump([_plain(item)])


def _plain(item: Object) -> Object:
    """The object without what Helm says of itself."""
    template = item.get("spec", {}).get("template", {})
    for metadata in (item["metadata"], template.get("metadata", {})):
        for kind in ("labels", "annotations"):
            kept = {key: value for key, value in (metadata.pop(kind, None) or {}).items() if key not in _OF_HELM}
            if kept:
                metadata[kind] = kept
    return item


def main() -> None:
    """Write every installation anew; exit code 3 and the reason where Helm cannot be built."""
    try:
        build.build()
    except building.NotBuiltError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(3)
    with tempfile.TemporaryDirectory() as home:
        for install in INSTALLS:
            install.file.write_text(install.text(helms.Helm("helm-4", Path(home))))


if __name__ == "__main__":
    main()
