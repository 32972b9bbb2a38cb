from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.patternapp_operator.leases import Election

from patternapp.cluster import failures
from patternapp_operator import leader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

YEARS = 1e8


@pytest.fixture
async def election() -> AsyncIterator[Election]:
    async with Election().running() as running:
        yield running


async def test_the_first_to_ask_leads_and_is_told_so_once(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")

    for replica in (one, two, one, two):
        await replica.attempt()

    assert (one.leads(), two.leads()) == (True, False)
    assert election.elected == ["one"]
    assert (election.server.lease or {})["spec"]["holderIdentity"] == "one"


async def test_a_leader_that_renews_leads_for_ever(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")

    for _ in range(20):
        await one.attempt()
        await two.attempt()
        election.world.seconds += leader.RENEW - 1

    assert (one.leads(), two.leads()) == (True, False)


async def test_a_leader_that_cannot_renew_stops_before_another_begins(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")
    await one.attempt()
    await two.attempt()

    election.world.seconds += leader.RENEW
    assert (one.leads(), one.left()) == (False, 0.0)
    election.world.seconds += leader.DURATION - leader.RENEW - 1
    await two.attempt()
    assert not two.leads()

    election.world.seconds += 1
    await two.attempt()
    assert two.leads()
    assert (election.server.lease or {})["spec"]["leaseTransitions"] == 1


async def test_what_a_leader_sends_in_its_last_moment_ends_before_another_begins(election: Election) -> None:
    one = election.replica("one")
    await one.attempt()

    election.world.seconds += leader.RENEW - 0.1

    assert one.left() == pytest.approx(leader.DURATION - leader.RENEW + 0.1)


@pytest.mark.parametrize("off", [-YEARS, YEARS])
async def test_a_clock_that_is_off_makes_nobody_lead_early_or_late(off: float, election: Election) -> None:
    one, two = election.replica("one"), election.replica("two", off=off)
    await one.attempt()
    await two.attempt()

    election.world.seconds += leader.DURATION - 0.5
    await two.attempt()
    assert not two.leads()

    election.world.seconds += 0.5
    await two.attempt()
    assert two.leads()


async def test_the_time_that_a_renewal_takes_counts(election: Election) -> None:
    one = election.replica("one")
    election.server.after = 6.0

    await one.attempt()

    assert one.left() == leader.DURATION - 6.0


async def test_a_leader_that_somebody_overtook_stops_at_once(election: Election) -> None:
    one = election.replica("one")
    await one.attempt()
    election.server.write(holderIdentity="two", leaseDurationSeconds=leader.DURATION)

    await one.attempt()

    assert not one.leads()


async def test_a_leader_outlives_an_answer_that_is_lost(election: Election) -> None:
    one = election.replica("one")
    await one.attempt()
    election.server.lose = True

    with pytest.raises(failures.Unavailable):
        await one.attempt()
    assert one.leads()
    await one.attempt()  # shows that the lease has changed
    await one.attempt()  # and that it was this replica itself

    assert one.leads()


async def test_a_lease_that_is_given_back_is_free_at_once(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")
    await one.attempt()
    await two.attempt()

    await one.release()
    await two.attempt()

    assert (one.leads(), two.leads()) == (False, True)


async def test_a_lease_is_given_back_although_the_last_renewal_was_broken_off(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")
    await one.attempt()
    election.server.lose = True
    with pytest.raises(failures.Unavailable):
        await one.attempt()

    await one.release()
    await two.attempt()

    assert two.leads()


async def test_the_lease_of_another_is_not_given_back(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")
    await one.attempt()
    before = election.server.lease

    await two.release()

    assert election.server.lease == before


async def test_a_lease_that_cannot_be_given_back_stops_nobody_from_ending(election: Election) -> None:
    one = election.replica("one")
    await one.attempt()
    election.server.refuse = True

    await one.release()

    assert not one.leads()


async def test_a_replica_that_comes_back_under_its_name_leads_at_once(election: Election) -> None:
    await election.replica("one").attempt()

    again = election.replica("one")
    await again.attempt()

    assert again.leads()


async def test_a_deleted_lease_holds_for_who_saw_it_and_its_holder_stops(election: Election) -> None:
    one, two = election.replica("one"), election.replica("two")
    await one.attempt()
    await two.attempt()
    election.server.lease = None

    await two.attempt()
    await one.attempt()
    assert (one.leads(), two.leads()) == (False, False)

    election.world.seconds += leader.DURATION
    await two.attempt()
    assert two.leads()


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": None}, {"holderIdentity": "one"}])
async def test_a_lease_that_somebody_made_by_hand_is_taken(spec: dict[str, str], election: Election) -> None:
    election.server.write(**spec)
    one = election.replica("one")

    await one.attempt()

    assert one.leads()


async def test_a_short_duration_of_somebody_else_makes_nobody_lead_early(election: Election) -> None:
    election.server.write(holderIdentity="other", leaseDurationSeconds=1)
    one = election.replica("one")
    await one.attempt()

    election.world.seconds += leader.DURATION - 1
    await one.attempt()

    assert not one.leads()
