"""In a function's process: which files of the app it imported, and that it imports what they say now.

What holds here: a file of the app is below its folder, in no hidden folder (``.venv``) and in no ``node_modules``.
"""

from __future__ import annotations

import sys
from importlib import abc, machinery
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IGNORED = frozenset({"__pycache__", "node_modules"})
BATCH = 100
"""Files told in one packet."""


def belongs(path: str, folder: Path) -> bool:
    """Whether the file or folder is the app's own."""
    if not Path(path).is_relative_to(folder):
        return False
    return not any(part.startswith(".") or part in IGNORED for part in Path(path).relative_to(folder).parts)


class FreshLoader(machinery.SourceFileLoader):
    """Compiles every time.

    Compiled files are told from stale ones by size and whole seconds only, so that a file saved twice in one second
    would be imported as it was before.
    """

    def path_stats(self, path: str) -> dict[str, int]:
        """Refuse, which is how a loader says that there are no compiled files (importlib.abc.SourceLoader)."""
        raise OSError(path)


def import_freshly(folder: Path) -> None:
    """Import the app's files through `FreshLoader` from now on."""
    find = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES), (FreshLoader, machinery.SOURCE_SUFFIXES)
    )

    def of_the_app(path: str) -> abc.PathEntryFinder:
        if not belongs(path, folder):
            raise ImportError(path)
        return find(path)

    sys.path_hooks.insert(0, of_the_app)
    for path in [path for path in sys.path_importer_cache if belongs(path, folder)]:
        del sys.path_importer_cache[path]


class Imported:
    """Tells which files of the app were imported since it last told, and at first since it was made."""

    def __init__(self, folder: Path, tell: Callable[[list[str]], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._known = set(sys.modules)

    def report(self) -> None:
        """Tell what is new; cheap where nothing is."""
        if len(sys.modules) == len(self._known):
            return
        new = sys.modules.keys() - self._known
        self._known.update(new)
        files = list(self._files(new))
        for start in range(0, len(files), BATCH):
            self._tell(files[start : start + BATCH])

    def _files(self, names: set[str]) -> Iterator[str]:
        for name in names:
            file = getattr(sys.modules.get(name), "__file__", None)
            if isinstance(file, str) and belongs(file, self._folder):
                yield file
