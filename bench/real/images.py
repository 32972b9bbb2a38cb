"""The images that are compared on a cluster, made as the project's own are, and given to its containerd.

What holds here: ours and FastAPI with the SDK are one image, so nothing but their modules and commands differs; all
stand on the same Debian, and all bytecode is compiled. The modules are those of the other benchmarks.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import build as building
from cluster import versions
from e2e import base, buildah
from e2e import images as project
from peers import receivers

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image.

    Attributes:
        name: The last part of its name.
        dockerfile: Its Dockerfile.
        argument: The build argument that names what it is built on.
        modules: What is in ``/srv``: text by path.
    """

    name: str
    dockerfile: Path
    argument: str
    modules: Mapping[str, str]

    @property
    def on(self) -> Path:
        """The archive of what it is built on."""
        return base.archive() if self.argument == "BASE" else project.archive("services")

    @property
    def tag(self) -> str:
        """The hash of what it is made of."""
        parts = (self.on.name, self.dockerfile.read_text(), *(f"{path}\n{text}" for path, text in self.modules.items()))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def reference(self) -> str:
        """What a Pod calls it."""
        return f"dev.local/patternapp-bench-{self.name}:{self.tag}"

    @property
    def archive(self) -> Path:
        """Where it is, or will be."""
        return versions.cache() / "images" / f"bench-{self.name}-{self.tag}.tar"


RECEIVERS = Image(
    name="receivers",
    dockerfile=HERE / "receivers" / "Dockerfile",
    argument="SERVICES",
    modules={
        "ours/main.py": receivers.OURS.code,
        "fastapi/main.py": receivers.FASTAPI.code,
        "counted.py": (HERE / "counted.py").read_text(),
    },
)
FUNC_PYTHON = Image(
    name="func-python",
    dockerfile=HERE / "func_python" / "Dockerfile",
    argument="BASE",
    modules={"main.py": receivers.FUNC_PYTHON.code},
)


def provide(containerd: Path) -> None:
    """Make the images that are missing, the project's own among them, and give them to a cluster's containerd.

    Raises:
        cluster.build.NotBuiltError: one cannot be made.
    """
    project.build()
    project.load(containerd)
    for image in (RECEIVERS, FUNC_PYTHON):
        building.once(image.archive, functools.partial(_make, image))
        for old in set(image.archive.parent.glob(f"bench-{image.name}-*.tar")) - {image.archive}:
            old.unlink()
        listed = _ctr(containerd, "list", "--quiet").split()
        repository, _, _ = image.reference.rpartition(":")
        for other in listed:
            if other.startswith(f"{repository}:") and other != image.reference:
                _ctr(containerd, "remove", other)
        if image.reference not in listed:
            _ctr(containerd, "import", str(image.archive))


def _ctr(containerd: Path, *arguments: str) -> str:
    command = ("ctr", "--address", str(containerd), "--namespace", "k8s.io", "images", *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _make(image: Image, place: Path) -> None:
    index = {key: os.environ[key] for key in ("PIP_INDEX_URL",) if key in os.environ}
    with buildah.store(place.parent) as store, tempfile.TemporaryDirectory() as context:
        for path, text in image.modules.items():
            file = Path(context) / "srv" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        arguments = {image.argument: store.take(image.on), **index}
        store.build(image.dockerfile, Path(context), name="made", arguments=arguments)
        store.give("made", place, called=image.reference)
