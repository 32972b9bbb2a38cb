"""Which database an address means. Addresses are those of SQLAlchemy too, so one Secret serves function and reader."""

from __future__ import annotations

import importlib
import re
import urllib.parse
from typing import TYPE_CHECKING

from patternapp import errors

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from patternapp_services.outbox.changes import Watched
    from patternapp_services.outbox.journal import Journal

_DRIVER = re.compile(r"^(postgres(?:ql)?|sqlite)(?:\+\w+)?://")


def opened(
    url: str, watched: Watched, *, folder: Path | None = None
) -> contextlib.AbstractAsyncContextManager[Journal]:
    """The outbox of an entry in the database at an address; `folder` is where files of SQLite are, None for nowhere.

    Raises:
        EnvironmentProblem: The address is of no database that can be watched here.
    """
    found = _DRIVER.match(url)
    if found is not None and found[1] != "sqlite":
        return _postgres(f"postgresql://{url[found.end() :]}", watched)
    if found is not None and folder is not None:
        # Three slashes for a relative path, four for an absolute one.
        path = urllib.parse.unquote(url[found.end() :].partition("?")[0]).removeprefix("/")
        module = importlib.import_module("patternapp_services.outbox.sqlite")
        journal: contextlib.AbstractAsyncContextManager[Journal] = module.opened(folder / path, watched)
        return journal
    wanted = "postgresql://user:password@host/database"
    if folder is not None:
        wanted += " or sqlite:///file.db"
    # What it is may be a password in the wrong place.
    raise errors.EnvironmentProblem(f"the address of the database is not one to watch here; write {wanted}")


def _postgres(url: str, watched: Watched) -> contextlib.AbstractAsyncContextManager[Journal]:
    try:
        module = importlib.import_module("patternapp_services.outbox.postgres")
    except ModuleNotFoundError as error:
        raise errors.EnvironmentProblem(
            f"{error.name} is missing, which PostgreSQL needs: pip install 'patternapp[postgres]'"
        ) from error
    journal: contextlib.AbstractAsyncContextManager[Journal] = module.opened(url, watched)
    return journal
