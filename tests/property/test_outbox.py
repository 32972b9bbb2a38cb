"""Whatever transactions do to a table, every committed change is sent once and each row's changes in their order."""

from __future__ import annotations

import asyncio
import collections
import json
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from patternapp import errors
from patternapp.spec import sources
from patternapp_services.outbox import changes, postgres, turns
from patternapp_services.outbox.reader import Reader
from patternapp_services.outbox.turns import Waiting

if TYPE_CHECKING:
    from patternapp.cloudevents import Event
    from patternapp_services.outbox.journal import Figures

KEYS = st.integers(1, 3)
OPERATIONS = st.one_of(
    st.tuples(st.just("INSERT INTO stock VALUES (%s, 0) ON CONFLICT DO NOTHING"), st.tuples(KEYS)),
    st.tuples(st.just("UPDATE stock SET amount = amount + 1 WHERE id = %s"), st.tuples(KEYS)),
    st.tuples(st.just("DELETE FROM stock WHERE id = %s"), st.tuples(KEYS)),
    st.tuples(
        st.just("UPDATE stock SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM stock WHERE id = %s)"),
        st.tuples(KEYS, KEYS, KEYS).map(lambda keys: (keys[0], keys[1], keys[0])),
    ),
)
TRANSACTIONS = st.lists(st.tuples(st.lists(OPERATIONS, min_size=1, max_size=5), st.booleans()), max_size=8)
Row = dict[str, int] | None
Table = dict[int, Row]


class Broker:
    """Refuses for now as often as the drawn answers say, and keeps the rest."""

    def __init__(self, answers: list[bool]) -> None:
        self.answers = collections.deque(answers)
        self.events: list[Event[bytes | None]] = []

    async def __call__(self, event: Event[bytes | None], *, bookmark: tuple[str, str | None] | None = None) -> int:
        assert bookmark is None
        if self.answers and self.answers.popleft():
            raise errors.StoreError("not now")
        self.events.append(event)
        return 0

    def changes(self) -> list[tuple[Row, Row]]:
        data = [json.loads(event.data or b"") for event in self.events]
        return [(one["before"], one["after"]) for one in data]


class Heard:
    """Sets `idle` once nothing waits."""

    def __init__(self) -> None:
        self.idle = asyncio.Event()

    def sent(self) -> None: ...

    def failed(self) -> None: ...

    def dead_lettered(self) -> None: ...

    def trouble(self, text: str) -> None: ...

    def looked(self, figures: Figures) -> None:
        if figures.pending == 0:
            self.idle.set()


async def never(event: Event[bytes | None], refusal: errors.PatternAppError) -> None:
    raise AssertionError(f"{event} was refused: {refusal}")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses: what is tried again is tried at once."""
    for name in ("LOOK", "OTHERS", "PAUSE", "LONGEST"):
        monkeypatch.setattr(f"patternapp_services.outbox.reader.{name}", 0.02)


def applied(dsn: str, transactions: list[Any]) -> list[tuple[Row, Row]]:
    """Run the transactions, some of which are rolled back; the changes that were committed, as an audit has them."""
    for statements, commit in transactions:
        with psycopg.connect(dsn) as connection:
            for statement, values in statements:
                connection.execute(statement, values)
            if not commit:
                connection.rollback()
    with psycopg.connect(dsn) as connection:
        return [tuple(row) for row in connection.execute("SELECT before, after FROM audit ORDER BY number").fetchall()]


def begin(dsn: str) -> None:
    """An empty table, an audit of it that owes nothing to the outbox, and no outbox."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            """
            DROP SCHEMA IF EXISTS patternapp_outbox CASCADE; DROP TABLE IF EXISTS stock, audit;
            CREATE TABLE stock (id int PRIMARY KEY, amount int);
            CREATE TABLE audit (number int GENERATED ALWAYS AS IDENTITY, before jsonb, after jsonb);
            CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO audit (before, after) VALUES (to_jsonb(OLD), to_jsonb(NEW)); RETURN NULL; END $$;
            CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON stock FOR EACH ROW EXECUTE FUNCTION audit()
            """
        )


def replayed(sent: list[tuple[Row, Row]]) -> Table:
    """The table that somebody has who follows the events; each must fit what the ones before it left."""
    table: Table = {}
    for before, after in sent:
        if before is not None:
            assert table.pop(before["id"]) == before
        if after is not None:
            assert after["id"] not in table
            table[after["id"]] = after
    return table


@given(transactions=TRANSACTIONS, answers=st.lists(st.booleans(), max_size=12), readers=st.integers(1, 2))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@pytest.mark.usefixtures("quick")
def test_the_events_are_the_committed_changes_and_follow_every_row(
    postgres_dsn: str, transactions: list[Any], answers: list[bool], readers: int
) -> None:
    begin(postgres_dsn)
    broker = Broker(answers)

    committed = asyncio.run(followed(postgres_dsn, transactions, broker, readers=readers))

    assert collections.Counter(map(str, broker.changes())) == collections.Counter(map(str, committed))
    assert len({event.attributes["id"] for event in broker.events}) == len(committed)
    assert replayed(broker.changes()) == replayed(committed)


async def followed(dsn: str, transactions: list[Any], broker: Broker, *, readers: int) -> list[tuple[Row, Row]]:
    """Run the transactions beside readers, until nothing waits; what was committed."""
    watched = changes.watched(
        sources.Database.model_validate({"secretName": "db", "table": "stock"}), owner="a/b/c.d", marker="c.d"
    )
    stopping, heard = asyncio.Event(), [Heard() for _ in range(readers)]
    running = [
        asyncio.create_task(
            Reader(lambda: postgres.opened(dsn, watched), marker="c.d", publish=broker, bury=never, heard=one).run(
                stopping
            )
        )
        for one in heard
    ]
    try:
        await heard[0].idle.wait()
        committed = await asyncio.to_thread(applied, dsn, transactions)
        heard[0].idle.clear()
        await heard[0].idle.wait()
    finally:
        stopping.set()
        await asyncio.gather(*running)
    return committed


WINDOWS = st.lists(st.tuples(KEYS, st.none() | KEYS), max_size=12).map(
    lambda rows: [
        Waiting(number, str(key), None if was in {None, key} else str(was)) for number, (key, was) in enumerate(rows)
    ]
)


@given(window=WINDOWS, dice=st.lists(st.integers(0, 11), max_size=60))
def test_readers_that_take_turns_as_they_come_keep_every_row_s_order(window: list[Waiting], dice: list[int]) -> None:
    rolled = iter(dice)
    left, sent = list(window), list[int]()
    held: list[list[int]] = []
    keys = {one.number: {one.key, one.was} - {None} for one in window}

    while left:
        locked = {turn[0] for turn in held}
        free = [turn for turn in turns.turns(left) if turn[0] not in locked]
        if free and (not held or next(rolled, 0) % 2):
            held.append(free[next(rolled, 0) % len(free)])
            continue
        turn = held.pop(next(rolled, 0) % len(held))
        done = turn[: next(rolled, len(turn))]  # the rest was not taken
        sent += done
        left = [one for one in left if one.number not in done]

    for place, number in enumerate(sent):
        assert not any(later < number and keys[later] & keys[number] for later in sent[place:])
    assert sorted(sent) == [one.number for one in window]
