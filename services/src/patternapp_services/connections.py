"""Where a queue's or a stream's events are, as the configuration names it, and how it is opened.

What holds here: a Secret is named in the configuration and read from the folder it is mounted in; what it holds is
never shown. It is read anew on every connection, so a password that was changed needs no restart.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Literal

from patternapp import errors
from patternapp.spec.base import Model

if TYPE_CHECKING:
    import pathlib

_PROTOCOL, _MECHANISM = "SASL_SSL", "SCRAM-SHA-512"
"""What a Secret means that does not say it."""
_PLAIN = ("PLAINTEXT", "SSL")


class Kafka(Model):
    """Kafka topics; a queue names one as `topic`, a stream several, of which the first is written to."""

    bootstrap_servers: tuple[str, ...]
    topic: str | None = None
    topics: tuple[str, ...] = ()
    secret_name: str | None = None
    protocol: str | None = None
    sasl_mechanism: str | None = None
    consumer_group: str | None = None
    start_at: Literal["earliest", "latest"] = "earliest"

    @property
    def names(self) -> tuple[str, ...]:
        """All topics."""
        return self.topics if self.topic is None else (self.topic,)


class RabbitMq(Model):
    """A RabbitMQ queue; the Secret's key `url` is the address.

    `ordered` counts where the queue is made: one consumer at a time gets its messages then.
    """

    secret_name: str
    queue: str
    ordered: bool = False


class Secrets:
    """Secrets as Kubernetes mounts them: ``<folder>/<name>/<key>``."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def path(self, name: str, key: str) -> pathlib.Path:
        """The file of a key, which need not be there."""
        return self.folder / name / key

    def read(self, name: str, key: str) -> str | None:
        """The value of a key, None where the Secret lacks it; raises `EnvironmentProblem` without the Secret."""
        if not self.path(name, "").is_dir():
            raise errors.EnvironmentProblem(
                f"the Secret {name} is not mounted in {self.folder}; make it, or mend the name"
            )
        try:
            return self.path(name, key).read_text().strip()
        except FileNotFoundError:
            return None

    def need(self, name: str, key: str) -> str:
        """The value of a key; raises `EnvironmentProblem` where it is missing or empty."""
        value = self.read(name, key)
        if not value:
            raise errors.EnvironmentProblem(f"the Secret {name} has no key {key}; add it")
        return value


def kafka_options(log: Kafka, secrets: Secrets) -> dict[str, Any]:
    """kafka-python's settings of the connection.

    Raises:
        EnvironmentProblem: The Secret is not there, or lacks a key.
    """
    options: dict[str, Any] = {"bootstrap_servers": list(log.bootstrap_servers)}
    if log.secret_name is None:
        return options
    name = log.secret_name
    protocol = log.protocol or secrets.read(name, "protocol") or _PROTOCOL
    options["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(name, secrets)
    if protocol not in _PLAIN:
        options["sasl_mechanism"] = log.sasl_mechanism or secrets.read(name, "sasl.mechanism") or _MECHANISM
        options["sasl_plain_username"] = secrets.need(name, "user")
        options["sasl_plain_password"] = secrets.need(name, "password")
    return options


def _ssl_context(name: str, secrets: Secrets) -> ssl.SSLContext:
    authority = secrets.read(name, "ca.crt")
    try:
        context = ssl.create_default_context(cadata=authority or None)
        if secrets.read(name, "user.crt"):
            context.load_cert_chain(secrets.path(name, "user.crt"), secrets.path(name, "user.key"))
    except (ssl.SSLError, OSError) as error:
        raise errors.EnvironmentProblem(f"the certificates in the Secret {name} cannot be used: {error}") from error
    return context
