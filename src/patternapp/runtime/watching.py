"""Folders watched for changes, for as long as somebody wants to know.

What holds here: a watch that breaks is made anew, and whoever uses it is told that it may have missed something. One
file whose name is not UTF-8 breaks it, and anybody can make one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import watchfiles

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

BREATH = 0.2
"""Seconds between a watch that broke and the next."""
_log = logging.getLogger("patternapp.files")


async def bursts(
    folder: Path,
    *,
    wanted: Callable[[watchfiles.Change, str], bool] | None,
    quiet_ms: int,
    longest_ms: int,
    timeout_ms: int = 5_000,
) -> AsyncGenerator[frozenset[str] | None]:
    """The absolute paths that changed below a folder, burst by burst, until the task is cancelled.

    Args:
        folder: What is watched, with all folders in it.
        wanted: Picks changes; None for all of them.
        quiet_ms: A burst ends once it has been quiet for so long.
        longest_ms: It lasts so long at most.
        timeout_ms: An empty burst comes where nothing has changed for so long.

    Yields:
        A burst, or None where the watch broke: anything may have changed since the last one.

    Raises:
        OSError: The system watches no more files (fs.inotify.max_user_watches), or there is no such folder.
    """
    while True:
        try:
            async for changes in watchfiles.awatch(
                folder,
                watch_filter=wanted,
                step=quiet_ms,
                debounce=longest_ms,
                rust_timeout=timeout_ms,
                yield_on_timeout=True,
            ):
                yield frozenset(path for _, path in changes)
        except* RuntimeError as broken:  # WatchfilesRustInternalError, in the group of the task that watched
            _log.info("%s is watched anew: %s", folder, broken.exceptions[0])
        await asyncio.sleep(BREATH)
        yield None
