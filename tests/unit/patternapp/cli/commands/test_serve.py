"""`patternapp serve` of what cannot be served."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def test_a_module_that_is_not_there_is_named(tmp_path: Path, program: Any) -> None:
    result = program("serve", "no_such_module:app", cwd=tmp_path)

    assert result.returncode == 1
    assert "there is no module no_such_module" in result.stderr
    assert str(tmp_path) in result.stderr


def test_a_module_that_fails_is_named_with_the_line_that_failed(tmp_path: Path, program: Any) -> None:
    (tmp_path / "failing_at_import.py").write_text("\n\nraise RuntimeError('no database')\n")

    result = program("serve", "failing_at_import:app", cwd=tmp_path)

    assert result.returncode == 1
    assert f"{tmp_path / 'failing_at_import.py'}:3: " in result.stderr
    assert "RuntimeError: no database" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_module_that_is_no_python_is_named_with_its_line(tmp_path: Path, program: Any) -> None:
    (tmp_path / "no_python.py").write_text("x = 1\ny = = 2\n")

    result = program("serve", "no_python:app", cwd=tmp_path)

    assert result.returncode == 1
    assert f"{tmp_path / 'no_python.py'}:2: " in result.stderr


def test_a_taken_port_is_the_environment_s_problem(tmp_path: Path, program: Any) -> None:
    (tmp_path / "something_to_serve.py").write_text("async def app(scope, receive, send): ...\n")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = program("serve", "something_to_serve:app", "--host", "127.0.0.1", "--port", port, cwd=tmp_path)

    assert result.returncode == 3
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
