"""What drives the shop on a cluster, against the shop in `patternapp dev`: the same addresses, asked the same way."""

from __future__ import annotations

import base64
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import harness
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP = Path(__file__).parents[3] / "examples" / "shop"
WITHIN = 120


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[harness.Dev]:
    """The shop, with a secret for its payments."""
    copy = shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns(".patternapp", "__pycache__"))
    running = harness.Dev(copy)
    secret = running.data / "secrets" / "pay-hook" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_text(f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}")
    running.start("--no-reload")
    yield running
    running.close()


def drive(dev: harness.Dev, *options: str) -> subprocess.CompletedProcess[str]:
    url = f"http://127.0.0.1:{dev.port}"
    places = {"shop": url, "hooks": url, "letters": url, "broker": f"{url}/events"}
    named = [part for name, place in places.items() for part in (f"--{name}", place)]
    secret = dev.data / "secrets" / "pay-hook" / "secret"
    command = [sys.executable, str(SHOP / "drive.py"), *named, "--secret", str(secret), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=WITHIN, check=False)


def test_the_shop_is_driven_twice_and_every_pattern_comes_out_right(dev: harness.Dev) -> None:
    for _ in range(2):
        done = drive(dev)

        assert (done.returncode, done.stdout.count("✓"), done.stderr) == (0, 5, ""), done.stdout


def test_what_does_not_come_out_right_is_a_row_with_its_reason_and_exit_code_1(
    dev: harness.Dev, tmp_path: Path
) -> None:
    other = tmp_path / "secret"
    other.write_text(f"whsec_{base64.b64encode(b'another').decode()}")

    done = drive(dev, "--secret", str(other))

    assert (done.returncode, done.stdout.count("✗"), done.stdout.count("✓")) == (1, 1, 4)
    assert "POST /hooks/payment answered 401 and not 202" in done.stdout
