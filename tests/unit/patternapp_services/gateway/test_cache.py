"""The gateway's cache over a function that counts how often it is asked, and a clock that the test moves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from patternapp_services import wire
from patternapp_services.gateway import cache, caching

if TYPE_CHECKING:
    from patternapp_services import wire

RULE = caching.Rule(route="get-order", ttl=30.0, stale=60.0, vary=("accept",))


@dataclass
class Function:
    """Answers with how often it was asked; `wait` holds answers back, and the one with the number `fails_at` fails."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"etag", b'"v1"')])
    asked: list[wire.Scope] = field(default_factory=list)
    wait: asyncio.Event | None = None
    fault: type[Exception] | None = None
    fails_at: int = 1
    size: int = 0
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def asked_times(self, times: int) -> None:
        async with asyncio.timeout(30), self._came:
            await self._came.wait_for(lambda: len(self.asked) == times)

    async def __call__(self, scope: wire.Scope, _receive: wire.Receive, send: wire.Send) -> None:
        self.asked.append(scope)
        number = len(self.asked)
        async with self._came:
            self._came.notify_all()
        if self.wait is not None:
            await self.wait.wait()
        if self.fault is not None and number == self.fails_at:
            raise self.fault
        body = b"x" * self.size or b"%d" % number
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Rig:
    """A cache before a function."""

    function: Function = field(default_factory=Function)
    now: float = 1000.0
    rule: caching.Rule = RULE

    def __post_init__(self) -> None:
        self.cache = cache.Cache(now=lambda: self.now)

    async def get(
        self, target: str = "/orders/1", subject: str = "", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        path, _, query = target.partition("?")
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": pairs}
        sent: list[wire.Message] = []

        async def receive() -> wire.Message:
            return {"type": "http.request", "body": b""}

        async def send(message: wire.Message) -> None:
            sent.append(message)

        call = ({**scope, "query_string": query.encode()}, receive, send)
        await self.cache.answer(self.rule, subject, call, self.function)
        start, *rest = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], told, b"".join(part["body"] for part in rest).decode()

    async def bodies(self, *calls: dict[str, Any]) -> list[str]:
        return [(await self.get(**call))[2] for call in calls]


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_an_answer_is_given_again_with_its_age_until_its_time_is_over(rig: Rig) -> None:
    _, first, _ = await rig.get()
    rig.now += 29
    _, second, body = await rig.get()
    rig.now += 62
    _, third, fresh = await rig.get()

    assert first["cache-status"] == "PatternApp; fwd=miss"
    assert (second["age"], second["cache-status"], body) == ("29", "PatternApp; hit; ttl=1", "1")
    assert (third["cache-status"], fresh) == ("PatternApp; fwd=miss", "2")


async def test_a_stale_answer_is_given_at_once_while_a_fresh_one_is_fetched(rig: Rig) -> None:
    await rig.get()
    rig.now += 40
    _, told, body = await rig.get()
    await asyncio.gather(*rig.cache._refreshing)
    _, _, fresh = await rig.get()

    assert (told["cache-status"], body, fresh) == ("PatternApp; hit; ttl=-10", "1", "2")
    assert len(rig.function.asked) == 2


async def test_a_function_that_fails_while_a_stale_answer_is_renewed_harms_nobody(rig: Rig) -> None:
    await rig.get()
    rig.now += 40
    rig.function.fault, rig.function.fails_at = RuntimeError, 2
    _, _, first = await rig.get()
    await asyncio.gather(*rig.cache._refreshing)

    _, _, second = await rig.get()
    await rig.cache.close()

    assert (first, second) == ("1", "1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"target": "/orders/1"}, {"target": "/orders/2"}),
        ({"target": "/orders/1?a=1"}, {"target": "/orders/1?a=2"}),
        ({"accept": "text/html"}, {"accept": "application/json"}),
        ({"subject": "user ann"}, {"subject": "user bob"}),
        ({"subject": "user ann"}, {"subject": "api_key ann"}),
    ],
    ids=["path", "query", "varied header", "subject", "kind of subject"],
)
async def test_what_may_have_another_answer_is_asked_for_itself(rig: Rig, one: Any, other: Any) -> None:
    assert await rig.bodies(one, other, one, other) == ["1", "2", "1", "2"]


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=0-1"},
        {"cache_control": "no-store"},
        {"cookie": "session=1"},
        {"authorization": "Bearer x"},
    ],
    ids=["a part", "no-store", "a cookie", "a proof that the gateway does not know"],
)
async def test_what_may_be_for_one_caller_alone_is_never_kept(rig: Rig, headers: Any) -> None:
    assert await rig.bodies(headers, headers, {}) == ["1", "2", "3"]


async def test_where_callers_are_proven_their_proof_does_not_matter(rig: Rig) -> None:
    first = {"subject": "user ann", "authorization": "Bearer old"}
    second = {"subject": "user ann", "authorization": "Bearer new"}

    assert await rig.bodies(first, second) == ["1", "1"]


@pytest.mark.parametrize(
    "header",
    [
        (b"set-cookie", b"a=b"),
        (b"cache-control", b"max-age=60, private"),
        (b"cache-control", b"No-Store"),
        (b"vary", b"Accept, X-Tenant"),
        (b"vary", b"*"),
    ],
    ids=["a cookie", "private", "no-store", "varies by more", "varies by all"],
)
async def test_what_the_function_does_not_let_be_kept_is_not(rig: Rig, header: tuple[bytes, bytes]) -> None:
    rig.function.headers = [header]

    assert await rig.bodies({}, {}) == ["1", "2"]


async def test_what_varies_by_a_header_that_the_route_names_is_kept(rig: Rig) -> None:
    rig.function.headers = [(b"vary", b"Accept")]

    assert await rig.bodies({}, {}) == ["1", "1"]


@pytest.mark.parametrize("status", [201, 204, 302, 404, 500, 503])
async def test_failures_and_changes_are_not_kept(rig: Rig, status: int) -> None:
    rig.function.status = status

    await rig.bodies({}, {})

    assert len(rig.function.asked) == 2


async def test_of_many_that_miss_together_one_asks(rig: Rig) -> None:
    rig.function.wait = asyncio.Event()
    together = [asyncio.create_task(rig.get()) for _ in range(50)]
    await rig.function.asked_times(1)
    rig.function.wait.set()

    answers = await asyncio.gather(*together)

    assert {body for _, _, body in answers} == {"1"}
    assert len(rig.function.asked) == 1


async def test_nobody_waits_for_an_answer_that_is_not_to_be_kept(rig: Rig) -> None:
    rig.function.headers = [(b"cache-control", b"no-store")]
    await rig.get()
    rig.function.wait = asyncio.Event()

    together = [asyncio.create_task(rig.get()) for _ in range(5)]
    await rig.function.asked_times(6)
    rig.function.wait.set()

    assert len(await asyncio.gather(*together)) == 5


async def test_whoever_waited_for_one_that_failed_asks_for_itself(rig: Rig) -> None:
    rig.function.wait, rig.function.fault = asyncio.Event(), RuntimeError
    together = [asyncio.create_task(rig.get()) for _ in range(2)]
    await rig.function.asked_times(1)
    rig.function.wait.set()

    failed, answer = await asyncio.gather(*together, return_exceptions=True)

    assert isinstance(failed, RuntimeError)
    assert isinstance(answer, tuple)
    assert answer[2] == "2"


async def test_who_has_the_answer_already_gets_304(rig: Rig) -> None:
    miss, _, nothing = await rig.get(if_none_match='W/"v1"')
    hit, told, empty = await rig.get(if_none_match='"v0", "v1"')
    other, _, body = await rig.get(if_none_match='"v0"')

    assert (miss, nothing) == (304, "")
    assert (hit, told["etag"], empty) == (304, '"v1"', "")
    assert (other, body) == (200, "1")
    assert not [name for name, _ in rig.function.asked[0]["headers"] if name == b"if-none-match"]


async def test_an_answer_that_is_too_large_goes_through_and_is_not_kept(rig: Rig) -> None:
    rig.function.size = cache.LARGEST + 1

    _, _, first = await rig.get()
    await rig.get()

    assert len(first) == cache.LARGEST + 1
    assert len(rig.function.asked) == 2


async def test_what_is_kept_is_bounded_and_the_oldest_goes_first(rig: Rig) -> None:
    rig.function.size = 1000
    rig.cache = cache.Cache(now=lambda: rig.now, budget=5000)

    for number in range(20):
        await rig.get(f"/orders/{number}")
    await rig.get("/orders/19")
    await rig.get("/orders/0")

    assert len(rig.function.asked) == 21
    assert rig.cache._bytes <= 5000
