from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from unit.examples import asgi_calls

from shop import orders, reports, storage
from shop.records import Order


async def report() -> asgi_calls.Answer:
    return await asgi_calls.deliver(
        reports.app, asgi_calls.event("dev.knative.sources.ping", {"title": "Sales by day"})
    )


@pytest.fixture(autouse=True)
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib keeps its list of fonts here, if another test has not loaded it before."""
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))


def keep(order: dict[str, Any], number: str, placed: str) -> None:
    body = Order.model_validate(order | {"id": number, "placed": placed}).model_dump_json()
    with storage.transaction("orders", orders.SCHEMA) as db:
        db.execute("INSERT INTO placed (id, body) VALUES (?, ?)", (number, body))


async def test_a_report_adds_up_the_orders_by_day_and_article(shop_data: Path, order: dict[str, Any]) -> None:
    keep(order, "o-1", "2026-11-22T09:00:00Z")
    keep(order, "o-2", "2026-11-23T09:00:00Z")
    keep(order, "o-3", "2026-11-23T10:00:00Z")

    answer = await report()

    assert answer.status == 204
    assert (shop_data / "reports" / "sales.csv").read_text().splitlines() == [
        "day,sku,cents",
        "2026-11-22,mug,2900",
        "2026-11-22,tea,1290",
        "2026-11-23,mug,5800",
        "2026-11-23,tea,2580",
    ]


@pytest.mark.parametrize("orders_placed", [0, 1])
async def test_a_report_has_a_picture_even_of_no_orders(
    shop_data: Path, order: dict[str, Any], orders_placed: int
) -> None:
    for number in range(orders_placed):
        keep(order, f"{number}", "2026-11-22T09:00:00Z")

    await report()

    with Image.open(shop_data / "reports" / "sales.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (800, 400)


def test_matplotlib_is_not_loaded_before_a_report_is_asked_for() -> None:
    folder = Path(reports.__file__).parents[1]

    loaded = subprocess.run(
        [sys.executable, "-c", "import shop.reports, sys; print('matplotlib' in sys.modules)"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert loaded.stdout == "False\n"
