"""The options of `patternapp serve` that say how a function is served; each can be set in the environment as well."""

import enum
from typing import Annotated, Any

import typer

from patternapp.http import limits
from patternapp.receiver.settings import Settings

LIMITS = limits.USUAL
SETTINGS = Settings()


def _option(name: str, text: str, **more: Any) -> Any:
    return typer.Option(f"--{name}", envvar=limits.variable(name), help=text, **more)


def _seconds(name: str, text: str, *, least: float = 0.0) -> Any:
    return _option(name, text, min=least, metavar="SECONDS")


def _count(name: str, text: str, *, metavar: str = "COUNT") -> Any:
    return _option(name, text, min=1, metavar=metavar)


Timeout = Annotated[
    float | None,
    _seconds("timeout", "How long handlers of events may take with one request; without, they may hang.", least=0.001),
]
Linger = Annotated[
    float, _seconds("linger", "How long requests are still taken after SIGTERM, while readiness fails already.")
]
Grace = Annotated[float, _seconds("grace", "How long requests in flight may take after that.")]
Connections = Annotated[int, _count("connections", "Open connections at most.")]
Headers = Annotated[int, _count("headers", "Headers of a request at most.")]
HeadSize = Annotated[int, _count("head-size", "Bytes of a request's headers at most.", metavar="BYTES")]
HeadTimeout = Annotated[float, _seconds("head-timeout", "How long the headers of a request may take.")]
BodyTimeout = Annotated[float, _seconds("body-timeout", "How long its body may take; a large one gets more.")]
IdleTimeout = Annotated[float, _seconds("idle-timeout", "How long a connection may wait for its next request.")]
AnswerTimeout = Annotated[float, _seconds("answer-timeout", "How long a client may take nothing of its answer.")]
MetricsPort = Annotated[
    int | None, _option("metrics-port", "Answer GET /metrics on this port; nothing is measured without.", max=65535)
]


class Document(enum.StrEnum):
    """What can be written about a function."""

    OPENAPI = "openapi"
    ASYNCAPI = "asyncapi"


Describe = Annotated[
    Document | None, typer.Option("--describe", help="Print the document of what it handles, and serve nothing.")
]


class LogLevel(enum.StrEnum):
    """From where on things are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogLevelOption = Annotated[LogLevel, _option("log-level", "From where on things are logged.")]
