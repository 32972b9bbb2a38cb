"""The shop's queue on a real Kafka: events in at one end, invoices out at the other, each part a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from components import process
from harness import eventually

if TYPE_CHECKING:
    from services.functions import Function
    from services.kafka.rig import Topic

SHOP = Path(__file__).resolve().parents[3] / "examples" / "shop"


def order(number: int, *, total: int) -> bytes:
    lines = [{"sku": "mug", "title": "Mug", "quantity": 2, "price": 450}]
    ordered = {"id": f"o-{number}", "placed": "2026-01-31T12:00:00Z", "customer": "Ada", "email": "ada@example.com"}
    return json.dumps({**ordered, "lines": lines, "total": total}).encode()


def test_every_requested_invoice_is_written_and_the_one_that_does_not_add_up_is_a_dead_letter(
    topic: Topic, sink: Function
) -> None:
    port = process.free_port()
    invoices = process.Program(
        [sys.executable, "-m", "patternapp.cli.main", "serve", "shop.invoices:app", "--port", str(port)],
        log=topic.folder / "invoices.log",
        ready=lambda: process.listens(port),
        env={"SHOP_DATA": str(topic.folder), "PYTHONPATH": str(SHOP), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    invoices.start()
    try:
        url = f"http://{process.HOST}:{port}/"
        worker = topic.worker(url, ordered=True, deadLetter={"uri": sink.url}).start()
        enqueue = topic.enqueue().start()

        for number in range(10):
            headers = {
                "ce-specversion": "1.0",
                "ce-id": str(number),
                "ce-source": "/shop",
                "content-type": "application/json",
            }
            headers["ce-type"] = "shop.invoice.requested"
            body = order(number, total=901 if number == 7 else 900)
            assert enqueue.post("/queue/test", body, headers)[0] == 202

        eventually(lambda: worker.ledger()["delivered"] == 9)
        eventually(lambda: worker.ledger()["dead_lettered"] == 1)
    finally:
        invoices.stop()
    written = {path.name for path in (topic.folder / "invoices").iterdir()}
    assert written == {f"o-{number}.pdf" for number in range(10) if number != 7}
    assert sink.ids == ["7"]
