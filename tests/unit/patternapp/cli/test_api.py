"""The client against servers that are not, or no longer, the `dev` it expects."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import typer

from patternapp import errors
from patternapp.cli import api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Server(http.server.ThreadingHTTPServer):
    """Answers every request with the same status and body, and keeps the authorizations it was shown."""

    daemon_threads = False
    status = 200
    body = b"{}"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.authorizations.append(self.headers.get("authorization"))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = answer  # noqa: N815 - names that http.server looks for

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_refusal_carries_the_server_s_own_reason(server: Server) -> None:
    server.status, server.body = 404, b'{"detail": "there is no event 7"}'

    with api.connected(server.url) as client, pytest.raises(api.RefusedError, match="404: there is no event 7"):
        client.get("/api/events/7")


def test_a_server_in_trouble_is_the_environment_s_problem(server: Server) -> None:
    server.status, server.body = 503, b"the disk is full"

    with api.connected(server.url) as client, pytest.raises(errors.EnvironmentProblem, match="503: the disk is full"):
        client.get("/api/ledger")


def test_an_answer_that_is_no_json_comes_from_somebody_else(server: Server) -> None:
    server.body = b"<h1>Welcome</h1>"

    with api.connected(server.url) as client, pytest.raises(errors.EnvironmentProblem, match="is not `patternapp dev`"):
        client.get("/api/ledger")


def test_an_accepted_event_without_a_number_comes_from_somebody_else(server: Server) -> None:
    with api.connected(server.url) as client, pytest.raises(errors.EnvironmentProblem, match="is not `patternapp dev`"):
        client.send("/events", [], b"")


def test_an_address_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter, match="such as"):
        api.Api("127.0.0.1:8700")


@pytest.mark.parametrize("proxy", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_stands_between_a_command_and_its_server(
    proxy: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(proxy, "http://127.0.0.1:1")

    with api.connected(server.url) as client:
        assert client.get("/api") == {}


def test_a_write_shows_the_token_of_the_data_folder(server: Server, tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o600)
    server.body = json.dumps({"data": str(tmp_path)}).encode()

    with api.connected(server.url) as client:
        client.post("/api/dead-letters/purge", {"all": True})

    assert server.authorizations == [None, "Bearer secret"]


def test_a_stranger_cannot_have_just_any_file_called_token(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a service account's")
    (tmp_path / "token").chmod(0o600)
    server.body = json.dumps({"data": str(tmp_path)}).encode()

    with api.connected(server.url) as client, pytest.raises(errors.EnvironmentProblem, match="is not a token"):
        client.post("/api/dead-letters/purge", {"all": True})

    assert server.authorizations == [None]


def test_a_token_that_is_not_there_is_explained(server: Server, tmp_path: Path) -> None:
    server.body = json.dumps({"data": str(tmp_path)}).encode()

    with api.connected(server.url) as client, pytest.raises(errors.EnvironmentProblem, match="cannot read the token"):
        client.post("/api/dead-letters/purge", {"all": True})
