"""The client of a running `patternapp dev`: its control API and its doors for events.

What holds here:

* Only the stdlib: a command that asks one question should not wait for an HTTP library to load.
* No proxy and no redirect is followed: what is asked, and the token, stay on the way to the URL that the user named.
"""

from __future__ import annotations

import contextlib
import json
import stat
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from patternapp import errors

if TYPE_CHECKING:
    import http.client
    from collections.abc import Iterator, Mapping, Sequence

TIMEOUT = 30.0
"""Seconds that an answer may take."""
STORE = "dead-letters"
"""What the dead-letter store of a cluster calls itself; whoever reaches it may write."""


class RefusedError(errors.PatternAppError):
    """The server understood, and said no."""


class Api:
    """One kept connection to a `dev`. Get it from `connected`."""

    def __init__(self, url: str) -> None:
        import http.client

        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise typer.BadParameter(f"{url!r} is not an address such as http://127.0.0.1:8700", param_hint="--url")
        self._url = f"http://{parts.netloc}"
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer; parts of the query that are None are left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urllib.parse.urlencode(given)}" if given else path
        return self._json(*self._ask("GET", target, b"", {}))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a write, which carries the token where the server has one."""
        headers = {"content-type": "application/json"}
        about = self.get("/api")
        if not isinstance(about, dict):
            raise self._stranger()
        if about.get("role") != STORE:
            headers["authorization"] = f"Bearer {self._token(about)}"
        return self._json(*self._ask("POST", path, json.dumps(body).encode(), headers))

    def send(self, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> int:
        """Post an event; the number under which it was accepted is returned."""
        answer, _ = self._ask("POST", path, body, dict(headers))
        number = answer.getheader("patternapp-event", "")
        if not number.isdecimal():
            raise self._stranger()
        return int(number)

    def _ask(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        import http.client

        try:
            self._connection.request(method, target, body or None, dict(headers))
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise errors.EnvironmentProblem(
                f"nothing usable answers at {self._url}: {error or type(error).__name__}; "
                "start it with: patternapp dev app.yaml, or name another address with --url"
            ) from error
        if answer.status >= 500:
            raise errors.EnvironmentProblem(f"{self._url}{target} answers {answer.status}: {_detail(content)}")
        if answer.status >= 300:
            raise RefusedError(f"{self._url}{target} answers {answer.status}: {_detail(content)}")
        return answer, content

    def _json(self, _answer: http.client.HTTPResponse, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError as error:
            raise self._stranger() from error

    def _stranger(self) -> errors.EnvironmentProblem:
        return errors.EnvironmentProblem(
            f"what answers at {self._url} is not `patternapp dev`; name its address with --url"
        )

    def _token(self, about: Mapping[str, Any]) -> str:
        if "data" not in about:
            raise self._stranger()
        path = Path(about["data"]) / "token"
        try:
            # A stranger at this address could name any folder: only a file as `dev` makes it is read and sent.
            if stat.S_IMODE(path.lstat().st_mode) != 0o600 or not path.with_name("store.db").is_file():
                raise errors.EnvironmentProblem(f"{path} is not a token that `patternapp dev` made for its user alone")
            return path.read_text().strip()
        except OSError as error:
            raise errors.EnvironmentProblem(
                f"cannot read the token {path}: {error.strerror}; run this as the user who runs `patternapp dev`"
            ) from error


@contextlib.contextmanager
def connected(url: str) -> Iterator[Api]:
    """A client of the `dev` at this URL.

    Its methods raise EnvironmentProblem where no `dev` answers, and RefusedError with the server's reason where it
    refuses what is asked. A URL that is none is a usage error.
    """
    with contextlib.closing(Api(url)) as api:
        yield api


def _detail(content: bytes) -> str:
    """The reason in a problem+json answer, or the beginning of whatever else it is."""
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode(errors="replace").strip() or "no reason given"
