"""What a receiver says of itself is true: Schemathesis tries the sample's receivers by their own documents."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest
from receiver import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SHOP = HERE.parents[1] / "examples" / "shop"
RECEIVERS = [
    "email:app",
    "invoices:app",
    "maintenance:backup",
    "orders:app",
    "packing:app",
    "reports:app",
    "sessions:app",
    "stock:app",
    "thumbnails:app",
]


@pytest.fixture
def platform() -> Iterator[str]:
    """A Broker that takes everything, and an object store that has nothing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(202)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def shop(folder: Path, receiver: str, platform: str) -> Iterator[serving.Served]:
    env = {
        "PYTHONPATH": str(SHOP),
        "SHOP_DATA": str(folder / "data"),
        "K_SINK": platform,
        "AWS_ENDPOINT_URL_S3": platform,
        "MPLCONFIGDIR": str(folder),
    }
    with serving.serving(folder, target=f"shop.{receiver}", env=env) as served:
        yield served


@pytest.mark.timeout(600)
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_receiver_of_the_shop_does_what_its_document_says(tmp_path: Path, receiver: str, platform: str) -> None:
    with shop(tmp_path, receiver, platform) as served:
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={HERE / 'schemathesis.toml'}",
                "run",
                f"http://127.0.0.1:{served.port}/openapi.json",
                "--max-examples=10",
                "--phases=examples,coverage,fuzzing",
                "--continue-on-failure",
                "--seed=1",
                "--generation-database=none",
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
                "PYTHONPATH": f"{HERE}{os.pathsep}{SHOP}",
                "RECEIVER": f"shop.{receiver}",
                "SHOP_DATA": str(tmp_path / "data"),
                "MPLCONFIGDIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_asyncapi_document_is_served_and_printed_alike(tmp_path: Path, platform: str) -> None:
    with (
        shop(tmp_path, "orders:app", platform) as served,
        urllib.request.urlopen(f"http://127.0.0.1:{served.port}/asyncapi.json", timeout=harness.DEADLINE) as answer,
    ):
        served_document = json.load(answer)
    printed = subprocess.run(
        [*harness.PATTERNAPP, "serve", "shop.orders:app", "--describe", "asyncapi"],
        cwd=SHOP,
        capture_output=True,
        check=True,
    )

    assert json.loads(printed.stdout) == served_document
    assert served_document["asyncapi"] == "3.0.0"


def test_the_openapi_document_is_printed_with_routes_and_events() -> None:
    printed = subprocess.run(
        [*harness.PATTERNAPP, "serve", "shop.orders:app", "--describe", "openapi"],
        cwd=SHOP,
        capture_output=True,
        check=True,
    )

    assert set(json.loads(printed.stdout)["paths"]) == {"/", "/orders", "/orders/{number}"}


@pytest.mark.parametrize("body", [b"E#\xff\xfe,\xc3%", b'{"customer": ', b"[]"], ids=["no text", "no JSON", "no order"])
def test_what_a_route_answers_to_a_body_that_it_cannot_read_is_in_the_document(
    tmp_path: Path, platform: str, body: bytes
) -> None:
    with shop(tmp_path, "orders:app", platform) as served:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/openapi.json", timeout=harness.DEADLINE) as answer:
            documented = json.load(answer)["paths"]["/orders"]["post"]["responses"]
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=harness.DEADLINE)
        connection.request("POST", "/orders", body, {"content-type": "application/json"})
        refused = connection.getresponse()
        connection.close()

    assert refused.status >= 400
    assert f"{refused.status}" in documented
    assert refused.headers["content-type"] in documented[f"{refused.status}"]["content"]


def test_what_describes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "fn.py").write_text("async def app(scope, receive, send): ...\n")

    ended = subprocess.run(
        [*harness.PATTERNAPP, "serve", "fn:app", "--describe", "asyncapi"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "fn:app does not have an AsyncAPI document: it is no Receiver" in ended.stderr
