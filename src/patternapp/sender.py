"""Posts events over HTTP and says what came of it. The only place that does, for `dev` and for services alike.

What holds here:

* Binary mode, ``Prefer: reply``, no redirects followed (CloudEvents webhook: a sender must not).
* What a name resolves to is asked when it is called: never a cloud's metadata or another link-local address, whatever
  the name resolved to before. Loopback is called: in ``dev`` it is the user's machine, and on a cluster our own Pod.
* Whatever happens on the wire is an `Outcome`, never an exception; only a cancelled task is cancelled. So is an event
  that cannot be written, such as one whose attributes became too long with those of a dead letter.
* A 2xx answer with a body that is not a CloudEvent carries an error, as behind every Knative Broker.
"""

from __future__ import annotations

import asyncio
import errno
import io
import socket
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict

from patternapp import cloudevents, errors, hosts
from patternapp.delivery import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from patternapp.cloudevents import Event

ANSWER_LIMIT = 1024 * 1024
"""Bytes of an answer that are read; a reply event must fit."""
LARGE = 64 * 1024
"""Bytes from which on a body is written in pieces."""
CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection, within the attempt's own timeout."""
TOKEN = Path("/oidc/token")
"""Where a SinkBinding puts the proof of who sends, if the sink wants one."""


def proof(token: Path) -> dict[str, str]:
    """The header that proves to a sink who sends; empty where there is no such file.

    The token in it is renewed all the time, so this is asked for each attempt.
    """
    try:
        return {"authorization": f"Bearer {token.read_text().strip()}"}
    except FileNotFoundError:
        return {}


class Resolver(AbstractResolver):
    """The system's resolver, without the addresses that nothing of ours calls."""

    def __init__(self) -> None:
        self._system = aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host; OSError where it has none, or none that is called."""
        found = await self._system.resolve(host, port, family)
        called = [one for one in found if not _forbidden(one["host"])]
        if not called:
            raise OSError(errno.EACCES, f"link-local and metadata addresses are not called, and {host} has no other")
        return called

    async def close(self) -> None:
        """End the system's."""
        await self._system.close()


def _forbidden(address: str) -> bool:
    known = hosts.address(address)
    return known is not None and hosts.is_forbidden(known)


class Sender:
    """An HTTP client for events. Use it as an async context manager; many sends run at once over kept connections."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=Resolver()),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            # A Content-Type that the event does not have would become its datacontenttype.
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session underneath, for whoever forwards plain HTTP over the same connections."""
        if self._session is None:
            raise RuntimeError("a Sender is used inside `async with`")
        return self._session

    async def send(
        self, url: str, event: Event[bytes | None], *, within: float, headers: Mapping[str, str] | None = None
    ) -> Outcome:
        """Post one event in binary mode; a CloudEvent in the answer is the outcome's reply.

        Args:
            url: Where to, an absolute http or https URL.
            event: What to post.
            within: Seconds for the whole attempt.
            headers: More headers, beside the event's own.
        """
        try:
            own, body = cloudevents.encode_binary(event)
        except errors.CloudEventError as error:
            return Outcome(destination=url, error=f"the event cannot be sent: {error}")
        return await self._post(url, [*own, ("prefer", "reply"), *(headers or {}).items()], body, within=within)

    async def send_batch(
        self,
        url: str,
        events: Sequence[Event[bytes | None]],
        *,
        within: float,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Post events as one batch; the answer's body is left to the caller, who knows the batch protocol."""
        try:
            own, body = cloudevents.encode_batch(events)
        except errors.CloudEventError as error:
            return Outcome(destination=url, error=f"the batch cannot be sent: {error}")
        return await self._post(url, [*own, *(headers or {}).items()], body, within=within, replies=False)

    async def _post(
        self,
        url: str,
        headers: list[tuple[str, str]],
        body: bytes | None,
        *,
        within: float,
        replies: bool = True,
    ) -> Outcome:
        began = time.monotonic()
        unreached = False
        try:
            async with asyncio.timeout(within):
                async with self.session.post(
                    url,
                    # aiohttp warns about large bodies that it cannot write in pieces.
                    data=io.BytesIO(body) if body and len(body) > LARGE else body,
                    headers=CIMultiDict(headers),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                ) as answer:
                    content = await _read(answer)
                    elapsed = time.monotonic() - began
                    return _outcome(url, answer, content, replies=replies, seconds=elapsed)
        except TimeoutError:
            error = f"no answer within {within:g} s"
        except aiohttp.ClientConnectorError as failure:
            error, unreached = f"no answer: {failure}", True
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = f"no answer: {failure or type(failure).__name__}"
        return Outcome(destination=url, error=error, seconds=time.monotonic() - began, unreached=unreached)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    if answer.content_length == 0 or answer.status == 204:
        return b""
    content = await answer.content.read(ANSWER_LIMIT + 1)
    while len(content) <= ANSWER_LIMIT and not answer.content.at_eof():
        content += await answer.content.read(ANSWER_LIMIT + 1 - len(content))
    return content


def _outcome(url: str, answer: aiohttp.ClientResponse, content: bytes, *, replies: bool, seconds: float) -> Outcome:
    reply, error = None, None
    # Another status says all there is to say, whatever its body.
    if 200 <= answer.status < 300:
        if len(content) > ANSWER_LIMIT:
            error = f"the answer is longer than {ANSWER_LIMIT} bytes"
        elif replies:
            reply, error = reply_in([(name.lower(), value) for name, value in answer.raw_headers], content)
    return Outcome(
        destination=url,
        code=answer.status,
        body=content[:ANSWER_LIMIT],
        # A 202 says "taken, not done": its body must not be read as a reply (knative/specs data-plane.md).
        reply=reply if answer.status != 202 else None,
        error=error,
        retry_after=_retry_after(answer.headers.get("retry-after")) if answer.status in {429, 503} else None,
        seconds=seconds,
    )


def reply_in(headers: cloudevents.Headers, content: bytes) -> tuple[Event[bytes | None] | None, str | None]:
    """The event in a 2xx answer, or why there is none although there is a body; names of headers are in lower case."""
    known = dict(headers)
    kind = known.get(b"content-type", b"").decode("latin-1").lower()
    if b"ce-specversion" not in known and not kind.startswith("application/cloudevents"):
        if not content:
            return None, None
        return None, (
            f"the body ({kind or 'no content type'}, {len(content)} bytes) is not a CloudEvent; "
            "answer 204 with no body, or return an event"
        )
    try:
        return cloudevents.decode(headers, content), None
    except errors.CloudEventError as error:
        return None, f"the reply is not a CloudEvent: {error}"


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
