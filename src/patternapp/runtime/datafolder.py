"""The folder that holds everything durable of one app: the store, the token, buckets, secrets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from typing import TYPE_CHECKING

from patternapp import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DataFolder:
    """Paths inside the data folder. `held` is how a `dev` takes it for itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = path / "store.db"
        self.buckets = path / "buckets"
        self.secrets = path / "secrets"
        self._token = path / "token"
        self._lock = path / "lock"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and keep others out; the lock goes with this process, however it ends.

        Raises:
            EnvironmentProblem: The folder cannot be made, or another `dev` holds it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise errors.EnvironmentProblem(f"the data folder {self.path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise errors.EnvironmentProblem(
                f"another `patternapp dev` uses the data folder {self.path}; stop it, or name another one with --data"
            ) from error
        try:
            yield
        finally:
            os.close(descriptor)

    def token(self) -> str:
        """The secret that writes to the control API must show; made once, readable by this user alone."""
        if self._token.exists() and (known := self._token.read_text().strip()):
            return known
        token = secrets.token_urlsafe(32)
        # A file that is there already is empty: whoever made it died before it was written.
        descriptor = os.open(self._token, os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
        return token
