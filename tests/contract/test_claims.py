"""Every store of handled events keeps what `patternapp.receiver.idempotency.store` promises."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import harness
import pytest
from psycopg import conninfo

from patternapp import errors
from patternapp.receiver.idempotency import settings, store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

LONG, KEEP = 600.0, 600.0
SHORT = 0.05
KEY, OTHER = b"k" * 32, b"o" * 32
DIGEST = b"d" * 32
PLACES = [
    pytest.param("memory"),
    pytest.param("sqlite"),
    pytest.param("postgres", marks=pytest.mark.component("postgres")),
    pytest.param("redis", marks=pytest.mark.component("redis")),
]
SHARED = PLACES[1:]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "postgres":
            known = conninfo.conninfo_to_dict(request.getfixturevalue("postgres_dsn"))
            return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**known)
        case "redis":
            return str(request.getfixturevalue("redis_url"))
        case "sqlite":
            return f"sqlite:///{tmp_path / 'claims.db'}"
        case _:
            return "memory:"


@contextlib.asynccontextmanager
async def opened(place: str) -> AsyncIterator[store.Store]:
    kept = settings.open_store(place)
    try:
        yield kept
    finally:
        await kept.close()


async def claimed(kept: store.Store, key: bytes = KEY, *, lease: float = LONG) -> store.Claim:
    found = await kept.claim(key, digest=DIGEST, lease=lease)
    assert isinstance(found, store.Claim)
    return found


async def eventually(check: Callable[[], Awaitable[Any]]) -> Any:
    """The first true result of a check: no store tells when a lease runs out."""
    async with asyncio.timeout(harness.DEADLINE):
        while not (result := await check()):  # noqa: ASYNC110 - nothing to wait on but another program
            await asyncio.sleep(SHORT / 5)
    return result


async def eventually_claimed(kept: store.Store, key: bytes = KEY) -> store.Claim:
    """The claim that is given once another has run out."""

    async def attempt() -> store.Claim | None:
        found = await kept.claim(key, digest=DIGEST, lease=LONG)
        return found if isinstance(found, store.Claim) else None

    claim = await eventually(attempt)
    assert isinstance(claim, store.Claim)
    return claim


@pytest.mark.parametrize("place", PLACES, indirect=True)
class TestAnyStore:
    async def test_a_claim_is_given_once_and_each_key_has_its_own(self, place: str) -> None:
        async with opened(place) as kept:
            await claimed(kept)

            assert await kept.claim(KEY, digest=b"another", lease=LONG) == store.Held(DIGEST)
            await claimed(kept, OTHER)

    async def test_of_many_that_ask_at_once_one_gets_the_claim(self, place: str) -> None:
        async with opened(place) as kept:
            found = await asyncio.gather(*(kept.claim(KEY, digest=DIGEST, lease=LONG) for _ in range(20)))

        assert sorted(type(one).__name__ for one in found) == ["Claim"] + ["Held"] * 19

    @pytest.mark.parametrize("outcome", [b"", b"\x00\xff\n", b"x" * 3_000_000])
    async def test_an_outcome_is_kept_with_the_digest_of_its_event(self, place: str, outcome: bytes) -> None:
        async with opened(place) as kept:
            await kept.settle(await claimed(kept), outcome, keep=KEEP)

            assert await kept.claim(KEY, digest=b"another", lease=LONG) == store.Recorded(DIGEST, outcome)

    async def test_what_was_given_back_is_as_if_never_claimed(self, place: str) -> None:
        async with opened(place) as kept:
            claim = await claimed(kept)
            await kept.release(claim)

            again = await claimed(kept)
            await kept.release(claim)

            assert await kept.claim(KEY, digest=DIGEST, lease=LONG) == store.Held(DIGEST)
            assert again.token != claim.token

    async def test_a_settled_claim_cannot_be_given_back_renewed_or_settled_again(self, place: str) -> None:
        async with opened(place) as kept:
            claim = await claimed(kept)
            await kept.settle(claim, b"first", keep=KEEP)

            await kept.release(claim)
            with pytest.raises(errors.LeaseLost):
                await kept.renew(claim, lease=LONG)
            with pytest.raises(errors.LeaseLost):
                await kept.settle(claim, b"second", keep=KEEP)

            assert await kept.claim(KEY, digest=DIGEST, lease=LONG) == store.Recorded(DIGEST, b"first")

    async def test_a_claim_that_ran_out_goes_to_the_next_and_its_first_holder_has_lost_it(self, place: str) -> None:
        async with opened(place) as kept:
            first = await claimed(kept, lease=SHORT)
            second = await eventually_claimed(kept)

            for lost in (kept.renew(first, lease=LONG), kept.settle(first, b"first", keep=KEEP)):
                with pytest.raises(errors.LeaseLost):
                    await lost
            await kept.settle(second, b"second", keep=KEEP)

            assert await kept.claim(KEY, digest=DIGEST, lease=LONG) == store.Recorded(DIGEST, b"second")

    async def test_a_claim_that_ran_out_is_lost_though_nobody_else_asked(self, place: str) -> None:
        async with opened(place) as kept:
            claim = await claimed(kept, lease=SHORT)

            async def lost() -> bool:
                await asyncio.sleep(SHORT * 2)
                try:
                    await kept.renew(claim, lease=SHORT)
                except errors.LeaseLost:
                    return True
                return False

            await eventually(lost)

    async def test_a_renewed_claim_is_held_on(self, place: str) -> None:
        async with opened(place) as kept:
            claim = await claimed(kept, lease=1)
            await kept.renew(claim, lease=LONG)
            await claimed(kept, OTHER, lease=1)
            await eventually_claimed(kept, OTHER)

            assert await kept.claim(KEY, digest=DIGEST, lease=LONG) == store.Held(DIGEST)

    async def test_an_outcome_is_forgotten_after_its_time(self, place: str) -> None:
        async with opened(place) as kept:
            await kept.settle(await claimed(kept), b"done", keep=SHORT)

            await eventually_claimed(kept)

    async def test_a_store_can_be_used_again_after_it_was_closed(self, place: str) -> None:
        async with opened(place) as kept:
            await kept.close()
            await claimed(kept)


@pytest.mark.parametrize("place", SHARED, indirect=True)
class TestSharedStores:
    async def test_processes_share_what_they_claim(self, place: str) -> None:
        async with opened(place) as mine, opened(place) as theirs:
            claim = await claimed(mine)
            held = await theirs.claim(KEY, digest=DIGEST, lease=LONG)
            await mine.settle(claim, b"done", keep=KEEP)

            assert held == store.Held(DIGEST)
            assert await theirs.claim(KEY, digest=DIGEST, lease=LONG) == store.Recorded(DIGEST, b"done")

    async def test_processes_that_start_at_once_on_an_empty_place_do_not_disturb_each_other(self, place: str) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stores = [await stack.enter_async_context(opened(place)) for _ in range(8)]

            found = await asyncio.gather(*(one.claim(KEY, digest=DIGEST, lease=LONG) for one in stores))

        assert sorted(type(one).__name__ for one in found) == ["Claim"] + ["Held"] * 7


@pytest.mark.parametrize(
    "place",
    [
        "sqlite:////proc/claims.db",
        "postgresql://nobody@127.0.0.1:1/none",
        "redis://127.0.0.1:1/0",
    ],
)
async def test_a_store_that_is_away_says_so(place: str) -> None:
    async with opened(place) as kept:
        claim = store.new_claim(KEY)

        for call in (
            kept.claim(KEY, digest=DIGEST, lease=LONG),
            kept.renew(claim, lease=LONG),
            kept.settle(claim, b"", keep=KEEP),
            kept.release(claim),
        ):
            with pytest.raises(errors.StoreError, match="does not take claims"):
                await call


@pytest.mark.parametrize("place", ["mysql://me:secret@host/db", "user=me password=secret"])
def test_a_place_that_is_no_store_is_refused_without_telling_its_password(place: str) -> None:
    with pytest.raises(ValueError, match="idempotency is kept in memory:, sqlite:///path, postgresql://") as caught:
        settings.open_store(place)

    assert "secret" not in str(caught.value)
