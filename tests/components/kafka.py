"""A Kafka broker of its own: one node in KRaft mode, which can be stopped, killed and started again on its data.

Topics are not made by asking for them: a missing one is an error here as in production.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import install, process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "patternapp"
_DAYS = "2"
# C1 alone starts in half the time, and two cores are better spent on what is tested.
_JAVA = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach the broker: in the clear, or over TLS as `USER` by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.

    `bootstrap` and `secure` are ``host:port``; `authority` is the PEM file of who signed its certificate.
    """

    bootstrap: str
    secure: str
    password: str
    authority: Path


class Broker:
    """The broker in a folder. Its addresses stay the same over restarts.

    Args:
        folder: An empty folder; its log is there.
        host: The address that it listens on and tells clients.
        port: The port in the clear; a free one where it is not said.
    """

    def __init__(self, folder: Path, *, host: str = process.HOST, port: int | None = None) -> None:
        controller, secure = process.free_port(), process.free_port()
        plain = process.free_port() if port is None else port
        self._folder = folder
        self._host = host
        self.access = Access(
            bootstrap=f"{host}:{plain}",
            secure=f"{host}:{secure}",
            password=secrets.token_urlsafe(),
            authority=folder / "certificate.pem",
        )
        self._listeners = {"PLAINTEXT": plain, "CONTROLLER": controller, "SASL_SSL": secure}
        self.program = process.Program(
            self._java("kafka.Kafka", str(folder / "server.properties")),
            log=folder / "kafka.log",
            ready=lambda: process.listens(plain, host=host) and process.listens(secure, host=host),
        )

    def prepare(self) -> None:
        """Write its configuration and format its storage, in an empty folder."""
        key, certificate = self._folder / "key.pem", self.access.authority
        process.quiet(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", _DAYS, "-subj", "/CN=kafka"),
            *("-addext", f"subjectAltName=IP:{self._host}", "-keyout", str(key), "-out", str(certificate)),
        )
        (self._folder / "keystore.pem").write_text(key.read_text() + certificate.read_text())
        properties = self._folder / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        users = (
            f"{mechanism}=[name={USER},password={self.access.password}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        )
        process.quiet(
            *self._java("kafka.tools.StorageTool", "format", "--config", str(properties)),
            *("--cluster-id", str(uuid.uuid4().hex[:22])),
            *(word for user in users for word in ("--add-scram", user)),
        )

    def _java(self, *arguments: str) -> tuple[str, ...]:
        return ("java", *_JAVA, "-cp", f"{install.jars()}/*", *arguments)

    def _properties(self) -> dict[str, object]:
        listeners = ",".join(f"{name}://{self._host}:{port}" for name, port in self._listeners.items())
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{self._host}:{self._listeners['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "listeners": listeners,
            "advertised.listeners": ",".join(one for one in listeners.split(",") if "CONTROLLER" not in one),
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(
                f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in self._listeners
            ),
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": f'{plain} required user_{USER}="{self.access.password}";',
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": f"{scram} required;",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{scram} required;",
            "listener.name.sasl_ssl.ssl.keystore.type": "PEM",
            "listener.name.sasl_ssl.ssl.keystore.location": self._folder / "keystore.pem",
            "log.dirs": self._folder / "data",
            # After a kill its old session must end before it may come back.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 2,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # A worker that was killed is missed within seconds, not within Kafka's 45.
            "group.min.session.timeout.ms": 1000,
        }

    def start(self) -> None:
        """Start it, for the first time or again; returns once it takes connections."""
        self.program.start()

    def ensure_running(self) -> None:
        """Start it if it is not running."""
        if not self.program.alive:
            self.program.start()

    def stop(self) -> None:
        """Stop it in order."""
        self.program.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self.program.kill()

    def pause(self) -> None:
        """Let it answer nothing, its connections open, until `resume`."""
        self.program.pause()

    def resume(self) -> None:
        """Let it go on."""
        self.program.resume()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A fresh broker whose data and log are in an empty folder.

    Raises:
        NotStartedError: It is not installed, or does not start.
    """
    if shutil.which("java") is None or not install.jars().is_dir():
        raise process.NotStartedError(f"Kafka is not installed: {install.MEND['kafka']}")
    broker = Broker(folder)
    broker.prepare()
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
