from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any

from unit.examples import asgi_calls

from shop import invoices

if TYPE_CHECKING:
    from pathlib import Path


def requested(order: dict[str, Any], number: str, **changes: object) -> dict[str, Any]:
    return asgi_calls.event("shop.invoice.requested", order | {"id": number} | changes, id=number)


def words(pdf: bytes) -> str:
    """What the pages show, in the order of their content streams."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    shown = [re.findall(rb"\((.*?)\) Tj", zlib.decompress(stream)) for stream in streams]
    return "\n".join(text.decode("latin-1") for page in shown for text in page)


async def test_a_batch_becomes_one_pdf_for_each_order(shop_data: Path, order: dict[str, Any]) -> None:
    answer = await asgi_calls.deliver_batch(invoices.app, [requested(order, "o-1"), requested(order, "o-2")])

    assert answer.status == 204
    assert sorted(path.name for path in (shop_data / "invoices").iterdir()) == ["o-1.pdf", "o-2.pdf"]


async def test_an_invoice_shows_what_was_sold_to_whom_and_for_how_much(shop_data: Path, order: dict[str, Any]) -> None:
    await asgi_calls.deliver_batch(invoices.app, [requested(order, "o-1")])

    pdf = (shop_data / "invoices" / "o-1.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert {"Zoë", "Stoneware mug", "29.00 EUR", "41.90 EUR"} <= set(re.split(r"\n|(?<=To: )|(?<=Zoë) ", words(pdf)))


async def test_an_invoice_that_does_not_add_up_is_refused_and_the_others_are_done(
    shop_data: Path, order: dict[str, Any]
) -> None:
    wrong = requested(order, "o-2", total=1)

    answer = await asgi_calls.deliver_batch(invoices.app, [requested(order, "o-1"), wrong, requested(order, "o-3")])

    assert answer.status == 200
    assert [(failure["id"], failure["retry"]) for failure in answer.json["failures"]] == [("o-2", False)]
    assert answer.json["failures"][0]["reason"] == "order o-2: the lines make 4190 cents, not 1"
    assert sorted(path.name for path in (shop_data / "invoices").iterdir()) == ["o-1.pdf", "o-3.pdf"]


async def test_the_same_order_again_gives_the_same_bytes(shop_data: Path, order: dict[str, Any]) -> None:
    await asgi_calls.deliver_batch(invoices.app, [requested(order, "o-1")])
    first = (shop_data / "invoices" / "o-1.pdf").read_bytes()

    await asgi_calls.deliver_batch(invoices.app, [requested(order, "o-1")])

    assert (shop_data / "invoices" / "o-1.pdf").read_bytes() == first


async def test_a_name_the_fonts_cannot_show_does_not_stop_an_invoice(shop_data: Path, order: dict[str, Any]) -> None:
    answer = await asgi_calls.deliver_batch(invoices.app, [requested(order, "o-1", customer="山田太郎")])

    assert answer.status == 204
    assert (shop_data / "invoices" / "o-1.pdf").exists()
