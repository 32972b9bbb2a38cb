"""buildah as it works without Docker and without user namespaces.

What holds here: each build has a store of its own, and nothing of it stays but the archives that it was told to write;
nothing is asked of a registry of images.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import build as building

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TRUST = Path("/etc/ssl/certs")
_PIP = "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n"
"""pip in a build has to believe whom this machine believes, such as a proxy with a certificate of its own."""


def require(*programs: str) -> None:
    """Go on only where programs are installed and may do what they do.

    Raises:
        cluster.build.NotBuiltError: one is missing, or this is not root.
    """
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        raise building.NotBuiltError(
            f"Images of the test cluster are made by {' and '.join(programs)}, and {', '.join(missing)} is not there:"
            f" install the Debian packages of these names."
        )
    if os.geteuid() != 0:
        raise building.NotBuiltError("Images of the test cluster are made by root: their files have owners.")


@dataclass(frozen=True, slots=True)
class Buildah:
    """One store of images, in a folder.

    Attributes:
        folder: Everything it writes is below it.
    """

    folder: Path

    def run(self, *arguments: str | Path) -> str:
        """What a command prints.

        Raises:
            subprocess.CalledProcessError: it failed; what it said is in `stderr`.
        """
        places = ("--root", self.folder / "store", "--runroot", self.folder / "run", "--storage-driver", "vfs")
        command = ("nice", "buildah", *places, *arguments)
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if answer.returncode:
            raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stdout + answer.stderr)
        return answer.stdout

    def take(self, archive: Path) -> str:
        """The id of the image in an archive, which is now in the store."""
        return self.run("pull", "--quiet", f"docker-archive:{archive}").split()[-1]

    def build(self, dockerfile: Path, context: Path, *, name: str, arguments: Mapping[str, str]) -> None:
        """Build an image from a Dockerfile, for which pip believes whom this machine believes."""
        told = self.folder / "pip.conf"
        told.write_text(_PIP)
        mounts = (f"--volume={_TRUST}:{_TRUST}:ro", f"--volume={told}:/etc/pip.conf:ro") if _TRUST.exists() else ()
        given = [f"--build-arg={key}={value}" for key, value in arguments.items()]
        # A chroot is what works where containers may not be nested.
        self.run(
            "build", "--isolation=chroot", "--quiet", *mounts, *given, f"--file={dockerfile}", f"--tag={name}", context
        )

    def pack(self, content: Path, *, name: str, options: tuple[str, ...] = ()) -> None:
        """Make an image of one layer: a tar's files, or a file with its mode."""
        container = self.run("from", "scratch").strip()
        self.run("add", "--quiet", container, content, "/")
        self.run("config", *options, container)
        self.run("commit", "--quiet", "--rm", container, name)

    def give(self, name: str, archive: Path, *, called: str) -> None:
        """Write an image of the store to an archive, in which it has a name."""
        self.run("push", "--quiet", name, f"docker-archive:{archive}:{called}")


@contextlib.contextmanager
def store(beside: Path) -> Iterator[Buildah]:
    """A store on the disk of a path."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=".buildah-") as folder:
        yield Buildah(Path(folder))
