"""PatternApp's images for the test cluster, from the real Dockerfiles: `python -m e2e.images`.

What holds here:

* A tag is a hash of everything that an image is made of, so what has its tag is never built again, and a cluster that
  has it never needs another.
* The registry in their names is `dev.local`, whose tags Knative takes as they are: nothing is pulled.
* Archives lie outside the tree. Of each image the newest few stay, as several checkouts share them.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster import build as building
from cluster import versions
from e2e import base, buildah, store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COPIED = re.compile(r"^COPY (?!--from)(?P<sources>.+) \S+$", re.MULTILINE)
_IGNORED = ("__pycache__", ".egg-info")
"""Of a folder that a Dockerfile copies, what `.dockerignore` leaves out."""
_KEPT = 3
"""Archives of an image that stay: that of this tree, and those of others."""
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Image:
    """One image.

    Attributes:
        name: The last part of its name, which is also the Makefile's.
        dockerfile: Its Dockerfile, from the root of the tree.
        on: The image that it is built on besides the base, and the build argument by which the Dockerfile knows it.
    """

    name: str
    dockerfile: str
    on: tuple[str, str] | None = None

    @property
    def repository(self) -> str:
        """Its name without the tag."""
        return f"dev.local/patternapp-{self.name}"


IMAGES = {
    "operator": Image("operator", "operator/Dockerfile"),
    "services": Image("services", "services/Dockerfile"),
    "shop": Image("shop", "examples/shop/Dockerfile", on=("SERVICES", "services")),
    "e2e": Image("e2e", "tests/e2e/functions/Dockerfile", on=("SERVICES", "services")),
}


def tag(name: str, root: Path = versions.ROOT) -> str:
    """The hash of what an image of a tree is made of."""
    image = IMAGES[name]
    found = hashlib.sha256(base.RECIPE.encode())
    if image.on is not None:
        found.update(tag(image.on[1], root).encode())
    for file in (root / image.dockerfile, *_sources(root, (root / image.dockerfile).read_text())):
        found.update(f"{file.relative_to(root)}\n{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def _sources(root: Path, dockerfile: str) -> Iterator[Path]:
    """The files that a Dockerfile copies from its context, in one order."""
    for copied in _COPIED.finditer(dockerfile):
        for source in copied["sources"].split():
            place = root / source
            files = sorted(place.rglob("*")) if place.is_dir() else [place]
            yield from (file for file in files if file.is_file() and not _ignored(file))


def _ignored(file: Path) -> bool:
    return any(part.endswith(_IGNORED) for part in file.parts)


def reference(name: str, root: Path = versions.ROOT) -> str:
    """What a Pod calls the image of a tree."""
    return f"{IMAGES[name].repository}:{tag(name, root)}"


def archive(name: str, root: Path = versions.ROOT) -> Path:
    """Where it is, or will be."""
    return versions.cache() / "images" / f"{name}-{tag(name, root)}.tar"


def build(root: Path = versions.ROOT) -> None:
    """Make the archives that are missing, and let old ones go.

    Raises:
        cluster.build.NotBuiltError: a tool is missing, or refused.
    """
    if any(not archive(name, root).exists() for name in _of(root)):
        base.build()
    store.build()
    for name in _of(root):
        place = archive(name, root)
        building.once(place, functools.partial(_make, name, root))
        os.utime(place)
        for old in sorted(place.parent.glob(f"{name}-*.tar"), key=lambda one: one.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)


def _of(root: Path) -> list[str]:
    """The images of a tree, which may be older than this one."""
    return [name for name, image in IMAGES.items() if (root / image.dockerfile).exists()]


def _make(name: str, root: Path, place: Path) -> None:
    image = IMAGES[name]
    index = {key: os.environ[key] for key in ("PIP_INDEX_URL",) if key in os.environ}
    with buildah.store(place.parent) as built:
        arguments = {"BASE": built.take(base.archive()), **index}
        if image.on is not None:
            argument, other = image.on
            arguments[argument] = built.take(archive(other, root))
        built.build(root / image.dockerfile, root, name="made", arguments=arguments)
        built.give("made", place, called=f"{image.repository}:{place.stem.removeprefix(f'{name}-')}")


def load(containerd: Path, root: Path = versions.ROOT) -> None:
    """Give a cluster's containerd the images that it has not, and take from it those that have no archive any more.

    Raises:
        cluster.build.NotBuiltError: containerd refused.
    """
    listed = _ctr(containerd, "list", "--quiet").split()
    wanted = {reference(name, root): archive(name, root) for name in _of(root)}
    for called, file in {**wanted, store.REFERENCE: store.archive()}.items():
        if called not in listed:
            _ctr(containerd, "import", str(file))
    for name, image in IMAGES.items():
        for other in listed:
            repository, _, other_tag = other.rpartition(":")
            if repository == image.repository and not (store.archive().parent / f"{name}-{other_tag}.tar").exists():
                _ctr(containerd, "remove", other)


def _ctr(containerd: Path, *arguments: str) -> str:
    command = ("ctr", "--address", str(containerd), "--namespace", "k8s.io", "images", *arguments)
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise building.NotBuiltError(f"`{' '.join(command)}` ended with {answer.returncode}:\n{answer.stderr}")
    return answer.stdout


def main() -> None:
    """Build what is missing and print what there is; exit code 3 and the reason if that cannot be."""
    try:
        build()
    except building.NotBuiltError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(3)
    for name in IMAGES:
        size = archive(name).stat().st_size - base.archive().stat().st_size
        sys.stdout.write(
            f"{reference(name)}  {size / _MIB:.0f} MiB on the base of {base.archive().stat().st_size / _MIB:.0f}\n"
        )


if __name__ == "__main__":
    main()
