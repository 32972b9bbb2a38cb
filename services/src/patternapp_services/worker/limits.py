"""How much a worker holds, and how long it waits: counts, bytes and seconds, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

BATCH_BYTES = 1024 * 1024
"""Bytes of a batch, roughly; half of what a receiver takes by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a reader.

    Attributes:
        session: After how many seconds without a heartbeat the group counts the worker as dead: so long its
            partitions wait after it was killed.
        held: Items that are held; more are not fetched.
        held_bytes: Their bytes.
        prefetch: Messages of a RabbitMQ queue that are held. Fewer than of Kafka: what one worker holds, others cannot
            have.
        spread: Offsets of a partition between the first that is not done and the next to be fetched: what at most
            comes again after a kill.
        poll: A look at what is done comes at least as often.
        poll_records: Records that are taken over at once.
        fetch_bytes: Bytes of one answer of a broker.
        commit: Seconds between two commits at least.
        look: Seconds between two looks at where the partitions stand.
        stuck: Seconds in which a partition whose log goes on may give nothing.
        hand_over: Seconds that what is in flight gets when a partition is taken away; heartbeats rest meanwhile.
        leave: Seconds for the last commit and for leaving the group.
        pause: Seconds before a client that failed is made anew.
        silence: Seconds without a sign of the reader after which the process should be restarted.
    """

    session: float = 30.0
    held: int = 2000
    held_bytes: int = 16 * 1024 * 1024
    prefetch: int = 50
    spread: int = 10_000
    poll: float = 0.1
    poll_records: int = 500
    fetch_bytes: int = 8 * 1024 * 1024
    commit: float = 0.1
    look: float = 5.0
    stuck: float = 30.0
    hand_over: float = 8.0
    leave: float = 10.0
    pause: float = 1.0
    silence: float = 90.0
