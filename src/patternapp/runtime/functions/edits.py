"""Tells which Python files of the app changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp.runtime import watching
from patternapp.runtime.functions import modules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import watchfiles

QUIET_MS = 50
"""An editor's burst of writes is one change, once it has been quiet for so long."""
LONGEST_MS = 400
"""However long the burst is."""


async def changes(folder: Path) -> AsyncIterator[frozenset[str]]:
    """The absolute paths of files that changed, burst by burst, until the task is cancelled.

    What changes in the instant in which a watch breaks goes unseen until it is saved again.

    Raises:
        OSError: The system watches no more files (fs.inotify.max_user_watches).
    """

    def wanted(_change: watchfiles.Change, path: str) -> bool:
        return path.endswith(".py") and modules.belongs(path, folder)

    async for burst in watching.bursts(folder, wanted=wanted, quiet_ms=QUIET_MS, longest_ms=LONGEST_MS):
        if burst:
            yield burst
