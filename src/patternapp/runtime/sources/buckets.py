"""Watches the folders of buckets: every object that is created or removed becomes an event.

What holds here:

* What is known of an object is its bookmark, which moves in the transaction that accepts the event. So a restart
  finds every change since, and none twice. Only if the process dies between the events of two entries for one
  change does the first entry get it again, with the same id.
* Notifications only say where to look; what happened follows from comparing the folder with what is known. A
  notification that is lost is made good by the next sweep.
* A file is an object once nobody writes to it: at once if it was moved into place, else when its size has settled.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pathlib
from typing import TYPE_CHECKING, Protocol

from patternapp import errors
from patternapp.runtime import watching
from patternapp.runtime.sources import bucket_events
from patternapp.spec import sources as spec_sources
from patternapp_services.buckets import files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from patternapp.plan import model
    from patternapp.runtime.clock import Clock
    from patternapp_services import wire
    from patternapp_services.buckets.files import State

SETTLE = 0.3
"""Seconds without a change after which a file counts as written."""
SWEEP = 60.0
"""Seconds after which folders are compared as a whole."""
POLL = 2.0
"""The same where the system cannot watch them."""
RETRY = 1.0
"""Seconds to wait for a store that refused."""
BOOKMARK = "bucket/"
"""Begins the names of our bookmarks: ``bucket/<bucket>/<key>``, whose values are ``<mtime_ns>:<size>``."""
_TICK_MS = 1_000
_AT_ONCE = 32
_log = logging.getLogger("patternapp.buckets")


class Remember(Protocol):
    """Moves a bookmark by itself, durably; None deletes it. Raises `errors.StoreError`."""

    async def __call__(self, name: str, value: str | None) -> None: ...


class BucketWatcher:
    """Publishes the changes of the buckets that `sources` name, which are folders of `folder`.

    Args:
        folder: Where the buckets are; what is missing is made by `run`.
        sources: The plan's sources; those that are not buckets are passed over.
        publish: Takes the events, one for every entry that wants a change.
        remember: Takes the bookmarks of changes that no entry wants.
        bookmarks: What an earlier run remembered; names that do not begin with `BOOKMARK` are passed over.
        clock: Tells when a removal was seen.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        sources: Iterable[model.Source],
        *,
        publish: wire.Publish,
        remember: Remember,
        bookmarks: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._folder = pathlib.Path(os.path.realpath(folder))
        self._entries = tuple(
            (source, source.origin) for source in sources if isinstance(source.origin, spec_sources.Bucket)
        )
        self._buckets = tuple(dict.fromkeys(origin.name for _, origin in self._entries))
        self._publish = publish
        self._remember = remember
        self._clock = clock
        self._known = {
            name.removeprefix(BOOKMARK): files.State.parse(value)
            for name, value in bookmarks.items()
            if name.startswith(BOOKMARK)
        }
        """The state of every object, by bucket/key, for which events were accepted."""
        self._busy: set[str] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def make_folders(self) -> None:
        """Make the buckets that are missing; before anybody may put something into them, if not in `run`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for bucket in self._buckets:
            if (self._folder / bucket).is_symlink():
                _log.warning(
                    "%s is a link, and links are not followed: its files are no objects", self._folder / bucket
                )
            else:
                (self._folder / bucket).mkdir(exist_ok=True)

    async def run(self) -> None:
        """Watches until cancelled."""
        self.make_folders()
        if not self._buckets:
            return
        async with asyncio.TaskGroup() as tasks:
            await self._sweep(tasks)
            # The folders are watched from some moment after that sweep, and surely when the first answer comes: the
            # sweep that follows it finds what happened in between.
            due = 0.0
            async for paths in self._bursts():
                now = asyncio.get_running_loop().time()
                if paths is None or now >= due:
                    due = now + SWEEP
                    await self._sweep(tasks)
                for path in paths or ():
                    self._look(pathlib.Path(path), tasks)

    async def _bursts(self) -> AsyncIterator[frozenset[str] | None]:
        """What changed, burst by burst; None where only a sweep can tell."""
        try:
            # The folder of all buckets: the watch of one would end when it is removed, and not see it made again.
            async for paths in watching.bursts(
                self._folder, wanted=None, quiet_ms=10, longest_ms=100, timeout_ms=_TICK_MS
            ):
                yield paths
        except OSError as error:
            _log.warning("%s cannot be watched, so it is looked through every %g s: %s", self._folder, POLL, error)
        while True:
            yield None
            await asyncio.sleep(POLL)

    async def _sweep(self, tasks: asyncio.TaskGroup) -> None:
        for bucket in self._buckets:
            present = await asyncio.to_thread(lambda name: set(files.keys(self._folder, name)), bucket)
            known = {name for name in self._known if name.startswith(f"{bucket}/")}
            for name in known | {f"{bucket}/{key}" for key in present}:
                self._consider(name, tasks)

    def _look(self, path: pathlib.Path, tasks: asyncio.TaskGroup) -> None:
        """Considers whatever a notification about this path can be about: a file, or a folder of files."""
        name = path.relative_to(self._folder).as_posix()
        if name.partition("/")[0] not in self._buckets:
            return
        if files.is_folder(self._folder, name):
            for key in files.keys(self._folder, name):
                self._consider(f"{name}/{key}", tasks)
        elif name in self._known or files.regular(self._folder, name) is not None:
            self._consider(name, tasks)
        else:
            for known in [known for known in self._known if known.startswith(f"{name}/")]:
                self._consider(known, tasks)

    def _consider(self, name: str, tasks: asyncio.TaskGroup) -> None:
        if name in self._busy:  # Whoever works on it looks again before it ends.
            return
        if files.state(self._folder, name) == self._known.get(name):
            return
        _, _, key = name.partition("/")
        if files.fault(key) is None:
            self._busy.add(name)
            tasks.create_task(self._follow(name))

    async def _follow(self, name: str) -> None:
        """Publishes what happened to an object until there is nothing new."""
        try:
            while (state := await self._settled(name)) != self._known.get(name):
                async with self._slots:
                    try:
                        await self._emit(name, state)
                    except FileNotFoundError:
                        continue  # It was removed while it was read.
                    except OSError as error:
                        _log.warning("%s cannot be read, so it is no object: %s", self._folder / name, error)
                        return
                    except errors.StoreError as error:
                        _log.warning("the event of %s is not kept yet: %s", name, error)
                        await asyncio.sleep(RETRY)
        finally:
            self._busy.discard(name)

    async def _emit(self, name: str, state: State | None) -> None:
        change = await self._change(name, state)
        if change is None:
            return
        bookmark = (f"{BOOKMARK}{name}", None if state is None else str(state))
        events = [
            bucket_events.event(change, entry=source.name, marker=source.marker)
            for source, origin in self._entries
            if bucket_events.wanted(origin, change)
        ]
        for event in events[:-1]:
            await self._publish(event)
        if events:
            await self._publish(events[-1], bookmark=bookmark)
        else:
            await self._remember(*bookmark)
        if state is None:
            self._known.pop(name)
        else:
            self._known[name] = state

    async def _change(self, name: str, state: State | None) -> bucket_events.Change | None:
        """What happened; None if the file changed again while it was read."""
        bucket, _, key = name.partition("/")
        if state is None:
            return bucket_events.Change(
                bucket=bucket, key=key, operation="removed", state=self._known[name], etag=None, at=self._clock.now()
            )
        etag = await asyncio.to_thread(files.etag, self._folder, name)
        if files.state(self._folder, name) != state:
            return None
        return bucket_events.Change(
            bucket=bucket, key=key, operation="created", state=state, etag=etag, at=state.mtime_ns / 1e9
        )

    async def _settled(self, name: str) -> State | None:
        """The state of a file that nobody writes to any more, or None once it stays away."""
        previous = files.state(self._folder, name)
        while not files.was_moved(self._folder, name):
            await asyncio.sleep(SETTLE)
            current = files.state(self._folder, name)
            if current == previous:
                return current
            previous = current
        return files.state(self._folder, name)
