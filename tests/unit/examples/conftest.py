"""The shop's functions without a running program."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# `dev` and `serve` put the app's folder on the path as well.
sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "shop"))


@pytest.fixture
def shop_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the shop's state, which does not exist yet."""
    data = tmp_path / "shop"
    monkeypatch.setenv("SHOP_DATA", str(data))
    monkeypatch.delenv("SMTP_URL", raising=False)
    return data


@contextlib.contextmanager
def running(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves ASGI apps on ports of their own until the test ends, and gives their URLs."""
    with contextlib.ExitStack() as stack:
        yield lambda app: stack.enter_context(running(app))


@pytest.fixture
def order() -> dict[str, Any]:
    """An order as its event carries it."""
    return {
        "id": "o-1",
        "placed": "2026-11-23T12:00:00Z",
        "customer": "Zoë Brandt",
        "email": "zoe@example.com",
        "priority": "express",
        "lines": [
            {"sku": "mug", "title": "Stoneware mug", "quantity": 2, "price": 1450},
            {"sku": "tea", "title": "Darjeeling", "quantity": 1, "price": 1290},
        ],
        "total": 4190,
    }
