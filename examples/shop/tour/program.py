"""`patternapp dev` as a child process: started with its data prepared, ready when it says so, ended with SIGTERM."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FOLDER = Path(__file__).parents[1]
"""The folder of the app."""
STARTS_WITHIN = 30.0
STOPS_WITHIN = 30.0
ANSWERS_WITHIN = 1.0
SECRET = Path("secrets", "pay-hook", "secret")
"""Where `dev` looks for the Secret of the payment webhook, in its data folder."""


class EndedError(Exception):
    """`dev` did not come up, or did not stay up; the message says how it ended."""


@dataclass(frozen=True, slots=True)
class Program:
    """A `dev` that is up.

    Attributes:
        url: Where it listens.
        data: Its data folder.
        process: The process itself.
    """

    url: str
    data: Path
    process: asyncio.subprocess.Process

    @property
    def token(self) -> str:
        """What writes to the control API must show."""
        return (self.data / "token").read_text().strip()

    @property
    def secret(self) -> bytes:
        """The key with which payments are signed."""
        return base64.b64decode((self.data / SECRET).read_text().strip().removeprefix("whsec_"))

    @property
    def ended(self) -> bool:
        """Whether it is up no more."""
        return self.process.returncode is not None

    async def stay(self) -> NoReturn:
        """Wait for as long as it is up, then raise `EndedError`."""
        raise EndedError(f"patternapp dev ended with exit code {await self.process.wait()}")


@contextlib.asynccontextmanager
async def running(data: Path, *, port: int) -> AsyncIterator[Program]:
    """Runs `patternapp dev` on the shop while the block lasts.

    Raises:
        EndedError: It ended, or did not answer in time.
    """
    _keep_secret(data / SECRET)
    command = [str(Path(sys.executable).with_name("patternapp")), "dev", str(FOLDER / "app.yaml")]
    with (data / "dev.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            *("--port", f"{port}", "--data", str(data)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C in the terminal is for the tour, which then ends its child in good order.
            start_new_session=True,
        )
    try:
        program = Program(f"http://127.0.0.1:{port}", data, process)
        await _until_up(program)
        yield program
    finally:
        await _end(process)


def _keep_secret(path: Path) -> None:
    """A random secret in the form of Standard Webhooks, readable by this user alone; one that is there stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}\n")


async def _until_up(program: Program) -> None:
    try:
        async with asyncio.timeout(STARTS_WITHIN), aiohttp.ClientSession() as session:
            while not await _is_up(program, session):
                if program.ended:
                    await program.stay()
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise EndedError(f"patternapp dev did not answer within {STARTS_WITHIN:g} seconds") from None


async def _is_up(program: Program, session: aiohttp.ClientSession) -> bool:
    try:
        # On a taken port may listen what never answers.
        async with (
            asyncio.timeout(ANSWERS_WITHIN),
            session.get(f"{program.url}/healthz") as health,
            session.get(f"{program.url}/api") as about,
        ):
            # On a port that is taken somebody else answers.
            return health.status == about.status == 200 and (await about.json())["pid"] == program.process.pid
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOPS_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()
