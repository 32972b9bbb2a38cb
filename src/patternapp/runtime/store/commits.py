"""The store as the event loop sees it: awaitable writes in groups with one fsync each, and awaitable reads.

What holds here:

* A write's await ends only after the commit that holds it has been fsynced; if the commit fails, every write of the
  group fails with StoreError and none of them was kept.
* Nothing is kept in a file that was removed: it would be gone with the process.
* One thread owns the writing connection, one the reading connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from patternapp import errors
from patternapp.runtime.store import reads, schema, writes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
GROUP = 512
"""Writes that share one commit at most: bounds both the latency of the first and the memory of the group."""


@dataclass(frozen=True, slots=True)
class _Write:
    work: Callable[[writes.Writes], Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


class Store:
    """The durable store of one `dev`. `open` it inside a running event loop, `close` it in the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-read")
        self._writer = threading.Thread(target=self._commit_groups, name="store-write", daemon=True)
        self._closed = False

    async def open(self) -> None:
        """Open or make the file.

        Raises:
            EnvironmentProblem: The file is not ours, damaged, or of another version.
        """
        self._connection = await asyncio.to_thread(schema.connect, self._path)
        self._file = self._path.stat()
        self._writes = writes.Writes(self._connection)
        self._read_connection = await self._on_reader(lambda: schema.connect_for_reading(self._path))
        self._reads = reads.Reads(self._read_connection)
        self._writer.start()

    async def close(self) -> None:
        """Finish the writes that were asked for, then close the file."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
            await self._on_reader(self._read_connection.close)
            self._reader.shutdown()
            self._connection.close()

    async def write(self, work: Callable[[writes.Writes], T]) -> T:
        """Run `work` in the next transaction; returns its result once that is on the disk.

        Raises:
            StoreError: The transaction failed (a full disk, say) and nothing of it was kept.
            PatternAppError: Whatever `work` itself refused with; the others of its group are not touched by it.
        """
        if self._closed:
            raise errors.StoreError("the store is closed")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Write(work, loop, done))
        return await done

    async def read(self, look: Callable[[reads.Reads], T]) -> T:
        """Run a query beside the writes; it sees every write that was awaited before."""
        return await self._on_reader(lambda: look(self._reads))

    async def _on_reader(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, call)

    def _commit_groups(self) -> None:
        ending = False
        while not ending:
            group: list[_Write] = []
            item = self._queue.get()
            while item is not None:
                group.append(item)
                if len(group) == GROUP:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            ending = item is None
            if group:
                self._commit(group)

    def _commit(self, group: list[_Write]) -> None:
        results: list[Any] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for write in group:
                try:
                    results.append(write.work(self._writes))
                except errors.PatternAppError as refusal:
                    results.append(refusal)
            self._writes.flush_counters()
            self._check_place()
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it was, every writer of the group must hear of it
            self._writes.forget_counters()
            with contextlib.suppress(apsw.Error):
                self._connection.execute("ROLLBACK")
            results = [_failure(error) for _ in group]
        _answer(group, results)

    def _check_place(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self._path.stat(), self._file):
                return
        raise errors.StoreError(f"{self._path} was removed; start anew")


def _failure(error: Exception) -> errors.StoreError:
    failure = errors.StoreError(f"the store could not write: {error or type(error).__name__}")
    failure.__cause__ = error
    return failure


def _answer(group: list[_Write], results: list[Any]) -> None:
    """Hand the results over with one wake-up of the loop a group."""

    def resolve() -> None:
        for write, result in zip(group, results, strict=True):
            if write.done.cancelled():
                continue
            if isinstance(result, BaseException):
                write.done.set_exception(result)
            else:
                write.done.set_result(result)

    # A loop that is already closed has nobody left to tell.
    with contextlib.suppress(RuntimeError):
        group[0].loop.call_soon_threadsafe(resolve)
