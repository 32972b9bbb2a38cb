from __future__ import annotations

from pathlib import Path

import pytest

from patternapp.runtime.functions import modules


@pytest.mark.parametrize("path", ["/app/orders.py", "/app/shop/orders.py", "/app"])
def test_what_is_below_the_folder_is_the_apps_own(path: str) -> None:
    assert modules.belongs(path, Path("/app"))


@pytest.mark.parametrize(
    "path",
    [
        "/application/orders.py",
        "/usr/lib/python3.11/json/__init__.py",
        "/app/.venv/lib/site.py",
        "/app/.patternapp/x.py",
        "/app/.hidden.py",
        "/app/node_modules/gyp/x.py",
        "/app/shop/__pycache__/orders.py",
    ],
)
def test_what_is_elsewhere_hidden_or_installed_is_not(path: str) -> None:
    assert not modules.belongs(path, Path("/app"))


def test_a_hidden_folder_above_the_app_does_not_hide_it() -> None:
    assert modules.belongs("/home/.work/app/orders.py", Path("/home/.work/app"))
