"""The watcher on real files; its store is a dictionary that outlives it, as the durable one does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import watchfiles

from patternapp import cloudevents, errors
from patternapp.plan import model
from patternapp.runtime.clock import SystemClock
from patternapp.runtime.sources import bucket_events, buckets
from patternapp.spec import sources
from patternapp_services.buckets import files

if TYPE_CHECKING:
    import pathlib
    from collections.abc import AsyncIterator

    from patternapp.cloudevents import Event

DEADLINE = 20


class Clock(SystemClock):
    def now(self) -> float:
        return 1_790_000_000.0


class Store:
    """Takes events and bookmarks; refuses as often as it is told to."""

    def __init__(self) -> None:
        self.bookmarks: dict[str, str] = {}
        self.events: asyncio.Queue[Event[bytes | None]] = asyncio.Queue()
        self.refusals = 0
        self.remembered = asyncio.Event()

    async def publish(self, event: Event[bytes | None], *, bookmark: tuple[str, str | None] | None = None) -> int:
        if self.refusals:
            self.refusals -= 1
            raise errors.StoreError("the disk is full")
        cloudevents.check(event.attributes)
        if bookmark is not None:
            self._keep(*bookmark)
        self.events.put_nowait(event)
        return self.events.qsize()

    async def remember(self, name: str, value: str | None) -> None:
        self._keep(name, value)
        self.remembered.set()

    def _keep(self, name: str, value: str | None) -> None:
        if value is None:
            self.bookmarks.pop(name, None)
        else:
            self.bookmarks[name] = value

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            event = await self.events.get()
        return {**event.attributes, "data": json.loads(event.data or b"null")}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def uploads(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


def _source(name: str = "new", **bucket: Any) -> model.Source:
    origin = sources.Bucket.model_validate({"name": "uploads", "events": ("created", "removed"), **bucket})
    return model.Source(name=name, origin=origin, marker=f"event-driven.{name}")


@contextlib.asynccontextmanager
async def _watching(folder: pathlib.Path, store: Store, *entries: model.Source) -> AsyncIterator[None]:
    watcher = buckets.BucketWatcher(
        folder,
        entries or (_source(),),
        publish=store.publish,
        remember=store.remember,
        bookmarks=store.bookmarks,
        clock=Clock(),
    )
    task = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def _mark(uploads: pathlib.Path, store: Store) -> list[str]:
    """Puts an object and waits for it; the subjects that came before it are what happened until now."""
    (uploads / "mark").write_bytes(os.urandom(8))
    subjects: list[str] = []
    while (event := await store.next())["subject"] != "mark":
        subjects.append(str(event["subject"]))
    return subjects


async def test_a_written_file_is_an_object_created_in_the_shape_of_s3(uploads: pathlib.Path, store: Store) -> None:
    async with _watching(uploads.parent, store):
        (uploads / "photos").mkdir()
        (uploads / "photos" / "a b.jpg").write_bytes(b"jpeg")

        event = await store.next()

    digest = hashlib.md5(b"jpeg", usedforsecurity=False).hexdigest()
    assert event["type"] == "com.amazonaws.s3.ObjectCreated:Put"
    assert event["source"] == "aws:s3.local.uploads"
    assert event["subject"] == "photos/a b.jpg"
    assert event["patternappsource"] == "event-driven.new"
    assert event["data"]["eventName"] == "ObjectCreated:Put"
    assert event["data"]["s3"]["bucket"] == {"name": "uploads", "arn": "arn:aws:s3:::uploads"}
    assert event["data"]["s3"]["object"] | {"sequencer": ""} == {
        "key": "photos/a+b.jpg",
        "size": 4,
        "eTag": digest,
        "sequencer": "",
    }


async def test_a_removed_file_is_an_object_removed(uploads: pathlib.Path, store: Store) -> None:
    async with _watching(uploads.parent, store):
        (uploads / "a").write_bytes(b"x")
        await store.next()

        (uploads / "a").unlink()

        event = await store.next()
    assert (event["type"], event["subject"]) == ("com.amazonaws.s3.ObjectRemoved:Delete", "a")
    assert event["time"] == "2026-09-21T14:13:20Z"
    assert "size" not in event["data"]["s3"]["object"]
    assert store.bookmarks == {}


async def test_an_overwritten_file_is_created_anew(uploads: pathlib.Path, store: Store) -> None:
    async with _watching(uploads.parent, store):
        (uploads / "a").write_bytes(b"x")
        first = await store.next()

        (uploads / "a").write_bytes(b"longer")

        second = await store.next()
    assert first["type"] == second["type"]
    assert first["id"] != second["id"]
    assert second["data"]["s3"]["object"]["size"] == 6


async def test_a_file_is_no_object_while_it_is_written(uploads: pathlib.Path, store: Store) -> None:
    async with _watching(uploads.parent, store):
        await _mark(uploads, store)

        with (uploads / "growing").open("wb", buffering=0) as file:
            (uploads / "beside").write_bytes(b"x")
            beside = asyncio.ensure_future(store.next())
            while not beside.done():  # Another file settles meanwhile.
                file.write(b"x")
                await asyncio.wait([beside], timeout=buckets.SETTLE / 4)
            size = file.tell()

        growing = await store.next()
    assert beside.result()["subject"] == "beside"
    assert (growing["subject"], growing["data"]["s3"]["object"]["size"]) == ("growing", size)


async def test_links_are_no_objects_and_what_they_lead_to_is_not_watched(
    tmp_path: pathlib.Path, uploads: pathlib.Path, store: Store
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (uploads / "folder").symlink_to(outside)

    async with _watching(uploads.parent, store):
        (uploads / "file").symlink_to(outside / "secret")
        (uploads / "folder" / "new").write_bytes(b"x")

        assert await _mark(uploads, store) == []


def test_a_file_moved_into_place_is_told_from_one_that_is_written(
    tmp_path: pathlib.Path, uploads: pathlib.Path
) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    written = (tmp_path / "elsewhere").stat().st_mtime_ns
    os.utime(tmp_path / "elsewhere", ns=(written, written - 10**9))  # A second ago: clocks of files are coarse.
    (tmp_path / "elsewhere").rename(uploads / "moved")

    (uploads / "written").write_bytes(b"x")

    assert files.was_moved(uploads, "moved")
    assert not files.was_moved(uploads, "written")


async def test_a_folder_of_files_moved_into_place_is_found(
    tmp_path: pathlib.Path, uploads: pathlib.Path, store: Store
) -> None:
    (tmp_path / "made-elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "made-elsewhere" / "deep" / "a").write_bytes(b"x")
    async with _watching(uploads.parent, store):
        await _mark(uploads, store)

        (tmp_path / "made-elsewhere").rename(uploads / "folder")

        assert (await store.next())["subject"] == "folder/deep/a"


async def test_a_folder_moved_away_removes_its_objects(
    tmp_path: pathlib.Path, uploads: pathlib.Path, store: Store
) -> None:
    (uploads / "folder").mkdir()
    (uploads / "folder" / "a").write_bytes(b"x")
    async with _watching(uploads.parent, store):
        await store.next()
        await _mark(uploads, store)

        (uploads / "folder").rename(tmp_path / "elsewhere")

        event = await store.next()
    assert (event["type"], event["subject"]) == ("com.amazonaws.s3.ObjectRemoved:Delete", "folder/a")


async def test_unfinished_and_hidden_files_are_passed_over(uploads: pathlib.Path, store: Store) -> None:
    async with _watching(uploads.parent, store):
        for name in (".hidden", "half.part", "a.tmp", "a~", ".patternapp-upload-1"):
            (uploads / name).write_bytes(b"x")

        assert await _mark(uploads, store) == []


async def test_every_entry_gets_its_own_event_of_what_it_wants(uploads: pathlib.Path, store: Store) -> None:
    entries = (
        _source("all"),
        _source("images", prefix="img/", suffix=".png"),
        _source("removed", events=("removed",)),
        _source("texts", suffix=".txt"),
    )
    (uploads / "img").mkdir()
    async with _watching(uploads.parent, store, *entries):
        (uploads / "img" / "a.png").write_bytes(b"x")

        events = [await store.next() for _ in range(2)]

    assert [event["patternappsource"] for event in events] == ["event-driven.all", "event-driven.images"]
    assert events[0]["id"] != events[1]["id"]
    assert store.events.empty()


async def test_files_that_were_there_before_the_first_start_are_created(uploads: pathlib.Path, store: Store) -> None:
    (uploads / "early").write_bytes(b"x")

    async with _watching(uploads.parent, store):
        assert (await store.next())["subject"] == "early"


async def test_a_restart_finds_what_happened_since_and_repeats_nothing(uploads: pathlib.Path, store: Store) -> None:
    for name in ("kept", "changed", "removed"):
        (uploads / name).write_bytes(b"x")
    async with _watching(uploads.parent, store):
        before = [await store.next() for _ in range(3)]
    (uploads / "changed").write_bytes(b"more")
    (uploads / "removed").unlink()
    (uploads / "new").write_bytes(b"x")

    async with _watching(uploads.parent, store):
        after = [await store.next() for _ in range(3)]
        rest = await _mark(uploads, store)

    assert {event["subject"] for event in before} == {"kept", "changed", "removed"}
    assert {(event["subject"], event["type"].rpartition(".")[2]) for event in after} == {
        ("changed", "ObjectCreated:Put"),
        ("removed", "ObjectRemoved:Delete"),
        ("new", "ObjectCreated:Put"),
    }
    assert rest == []


async def test_removals_while_it_was_down_are_known_to_entries_that_want_nothing_else(
    uploads: pathlib.Path, store: Store
) -> None:
    entry = _source(events=("removed",))
    (uploads / "a").write_bytes(b"x")
    async with _watching(uploads.parent, store, entry), asyncio.timeout(DEADLINE):
        await store.remembered.wait()
    (uploads / "a").unlink()

    async with _watching(uploads.parent, store, entry):
        assert (await store.next())["subject"] == "a"


async def test_a_file_whose_name_is_not_utf_8_is_passed_over_and_the_rest_goes_on(
    uploads: pathlib.Path, store: Store
) -> None:
    async with _watching(uploads.parent, store):
        await _mark(uploads, store)

        (uploads / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
        subjects = await _mark(uploads, store)
        (uploads / os.fsdecode(b"caf\xe9")).unlink()

        assert subjects + await _mark(uploads, store) == []


async def test_a_bucket_that_is_removed_and_made_again_is_still_watched(
    tmp_path: pathlib.Path, uploads: pathlib.Path, store: Store
) -> None:
    (tmp_path / "made-elsewhere").mkdir()
    async with _watching(uploads.parent, store):
        await _mark(uploads, store)
        shutil.rmtree(uploads)
        assert (await store.next())["type"] == "com.amazonaws.s3.ObjectRemoved:Delete"

        (tmp_path / "made-elsewhere").rename(uploads)
        (uploads / "new").write_bytes(b"x")

        assert (await store.next())["subject"] == "new"


async def test_where_the_system_cannot_watch_buckets_are_looked_through(
    uploads: pathlib.Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_folders: object, **_options: object) -> object:
        raise OSError(errno.ENOSPC, "OS file watch limit reached")

    monkeypatch.setattr(watchfiles, "awatch", exhausted)
    monkeypatch.setattr(buckets, "POLL", 0.01)
    async with _watching(uploads.parent, store):
        assert await _mark(uploads, store) == []


async def test_an_event_that_the_store_refuses_is_published_again(
    uploads: pathlib.Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "RETRY", 0.0)
    store.refusals = 2
    async with _watching(uploads.parent, store):
        (uploads / "a").write_bytes(b"x")

        assert (await store.next())["subject"] == "a"


async def test_the_folders_of_buckets_are_made(tmp_path: pathlib.Path, store: Store) -> None:
    folder = tmp_path / "data" / "buckets" / "uploads"
    async with _watching(folder.parent, store), asyncio.timeout(DEADLINE):
        while not folder.is_dir():  # noqa: ASYNC110 - the watcher does not say when it made them
            await asyncio.sleep(0)

        assert await _mark(folder, store) == []


def test_the_same_change_has_the_same_id() -> None:
    change = bucket_events.Change(
        bucket="uploads", key="a", operation="created", state=files.State(1, 2), etag="e", at=0.0
    )

    first, second = (bucket_events.event(change, entry="new", marker="event-driven.new") for _ in range(2))

    assert first == second
