from __future__ import annotations

import email.policy
import email.utils
import socketserver
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.examples import asgi_calls

from shop import email as mail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

LOW = {"order": "o-1", "articles": [{"sku": "mug", "left": 3, "threshold": 100}]}
PAID = {"order": "o-1", "customer": "Zoë Brandt", "email": "zoe@example.com", "amount": 4190}


async def tell(type_: str, data: object) -> asgi_calls.Answer:
    return await asgi_calls.deliver(mail.app, asgi_calls.event(type_, data))


def filed(data: Path) -> list[EmailMessage]:
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((data / "mail" / "new").iterdir())
    ]


async def test_an_order_is_confirmed_to_the_customer_by_a_well_formed_message(
    shop_data: Path, order: dict[str, Any]
) -> None:
    answer = await tell("shop.order.placed", order)

    (message,) = filed(shop_data)
    assert answer.status == 204
    assert not message.defects
    assert message["to"].addresses[0].addr_spec == "zoe@example.com"
    assert message["to"].addresses[0].display_name == "Zoë Brandt"
    assert message["message-id"] == "<o-1.placed@shop.example.com>"
    assert email.utils.parsedate_to_datetime(message["date"]).tzinfo is not None
    assert "2 x Stoneware mug, 14.50 EUR each" in message.get_content()
    assert "Total: 41.90 EUR" in message.get_content()


async def test_the_same_order_again_is_not_mailed_again(shop_data: Path, order: dict[str, Any]) -> None:
    await tell("shop.order.placed", order)
    await tell("shop.order.placed", order)

    assert len(filed(shop_data)) == 1


async def test_an_order_whose_mail_was_read_and_moved_is_not_mailed_again(
    shop_data: Path, order: dict[str, Any]
) -> None:
    await tell("shop.order.placed", order)
    (message,) = (shop_data / "mail" / "new").iterdir()
    message.rename(shop_data / "mail" / "cur" / f"{message.name}:2,S")

    await tell("shop.order.placed", order)

    assert filed(shop_data) == []


@pytest.mark.parametrize(
    ("type_", "data", "to", "words"),
    [
        ("shop.order.paid", PAID, "zoe@example.com", "we received 41.90 EUR for order o-1"),
        ("shop.stock.low", LOW, "buyer@shop.example.com", "mug: 3 left, fewer than 100"),
    ],
)
async def test_payments_and_shortages_are_told_to_whom_they_concern(
    shop_data: Path, type_: str, data: object, to: str, words: str
) -> None:
    await tell(type_, data)

    (message,) = filed(shop_data)
    assert message["to"].addresses[0].addr_spec == to
    assert words in message.get_content()


class Dialogue(socketserver.StreamRequestHandler):
    """The server's side of RFC 5321, as short as smtplib allows."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while (line := self.rfile.readline().strip().lower()) and line != b"quit":
            if line == b"data":
                self.wfile.write(b"354 go on\r\n")
                while (text := self.rfile.readline()) != b".\r\n":
                    self.server.messages.append(text)  # type: ignore[attr-defined]
            self.wfile.write(b"250 fine\r\n")
        self.wfile.write(b"221 bye\r\n")


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """The lines that were sent to the SMTP server that SMTP_URL names."""
    with socketserver.TCPServer(("127.0.0.1", 0), Dialogue) as server:
        server.messages = []  # type: ignore[attr-defined]
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.messages  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("shop_data")
async def test_a_mail_goes_over_smtp_once_where_a_server_is_named(smtp: list[bytes], order: dict[str, Any]) -> None:
    answers = [await tell("shop.order.placed", order), await tell("shop.order.placed", order)]

    assert [answer.status for answer in answers] == [204, 204]
    assert smtp.count(b"Message-ID: <o-1.placed@shop.example.com>\r\n") == 1
