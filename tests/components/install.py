"""Install what the tests' real servers are made of: packages of Debian, and Kafka's jars from Maven Central.

What holds here:

* Only what is missing is installed, and no service of a package is started: tests start their own.
* Jars lie in the cache under their version and are never changed: they are fetched beside their place and renamed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import versions
from components import postgres, rabbitmq, redis

if TYPE_CHECKING:
    from collections.abc import Iterator

MEND = {
    "postgres": "run `make components` as root, or install PostgreSQL",
    "redis": "run `make components` as root, or install redis-server",
    "rabbitmq": "run `make components` as root, or install rabbitmq-server",
    "kafka": "run `make components` as root and `make kafka-build`",
}
_PACKAGES = {
    "postgres": ("postgresql",),
    "redis": ("redis-server",),
    "rabbitmq": ("rabbitmq-server",),
    "java": ("default-jre-headless",),
    "maven": ("maven",),
}
_OF_A_NODE = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "sysctl": "procps",
    "unshare": "util-linux",
    "openssl": "openssl",
    "gcc": "gcc",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/include/stdio.h": "libc6-dev",
}
"""What a cluster on this machine and its images are made with, and the package of each."""
_POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a package's service may start; 101 is no."""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>dev.patternapp</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{}</dependencies></project>
"""


class NotInstalledError(Exception):
    """Something could not be installed; the message says why."""


def jars() -> Path:
    """Where Kafka's jars are, or will be."""
    return versions.cache() / f"kafka-{versions.read().kafka}"


def missing() -> frozenset[str]:
    """The components that cannot be started here."""
    there = {
        "postgres": postgres.programs() is not None,
        "redis": shutil.which(redis.PROGRAM) is not None,
        "rabbitmq": rabbitmq.PROGRAM.exists(),
        "kafka": shutil.which("java") is not None and jars().is_dir(),
    }
    return frozenset(name for name, is_there in there.items() if not is_there)


def node_missing() -> list[str]:
    """The packages without which there is no cluster on this machine."""
    wanted = {**_OF_A_NODE, redis.PROGRAM: "redis-server", "java": "default-jre-headless"}
    return [package for program, package in wanted.items() if not _is_there(program)]


def _is_there(program: str) -> bool:
    return shutil.which(program) is not None or (Path(program).is_absolute() and Path(program).exists())


def packages() -> None:
    """Install the packages that are missing.

    Raises:
        NotInstalledError: This is not root on Debian or a child of it.
    """
    absent = missing() & _PACKAGES.keys() | {
        name for name, program in (("java", "java"), ("maven", "mvn")) if shutil.which(program) is None
    }
    wanted = [package for name in sorted(absent) for package in _PACKAGES[name]]
    wanted += [package for program, package in _OF_A_NODE.items() if not _is_there(program)]
    if not wanted:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotInstalledError(f"these packages are missing, and only root can install them: {' '.join(wanted)}")
    with _no_services():
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def kafka() -> None:
    """Fetch Kafka's jars, once a version.

    Raises:
        NotInstalledError: There is no Maven, or it could not.
    """
    place = jars()
    if place.is_dir():
        return
    if shutil.which("mvn") is None:
        raise NotInstalledError("Kafka's jars are fetched by Maven, which is missing: run `make components` as root")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as folder:
        (Path(folder) / "pom.xml").write_text(_pom())
        copy = ("mvn", "-q", "-B", "-f", folder, "dependency:copy-dependencies")
        _run(*copy, f"-DoutputDirectory={folder}/{place.name}")
        if not place.is_dir():  # unless another run was quicker
            (Path(folder) / place.name).rename(place)


def _pom() -> str:
    read = versions.read()
    wanted = (
        ("org.apache.kafka", "kafka_2.13", read.kafka),
        ("org.apache.kafka", "kafka-tools", read.kafka),
        ("org.apache.logging.log4j", "log4j-slf4j-impl", read.log4j),
        ("org.apache.logging.log4j", "log4j-core", read.log4j),
    )
    return _POM.format("".join(_DEPENDENCY.format(*one) for one in wanted))


def _run(*command: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=sys.stderr.fileno(), check=False
    )
    if done.returncode:
        raise NotInstalledError(f"`{' '.join(command)}` ended with {done.returncode}")


def main() -> None:
    """Install packages, or with the word kafka the jars; exit code 3 and the reason if that cannot be."""
    try:
        if sys.argv[1:] == ["kafka"]:
            kafka()
        else:
            packages()
    except NotInstalledError as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - whoever ran it is told why
        sys.exit(3)


if __name__ == "__main__":
    main()
