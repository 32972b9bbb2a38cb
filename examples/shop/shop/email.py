"""Mails to customers and to the buyer: RFC 5322 messages in a maildir, and over SMTP if SMTP_URL names a server.

Each message has an id made of what it is about, and is filed under it. An event that comes again finds its message
filed and sends nothing. Only a crash between sending and filing sends twice, with the same Message-ID.
"""

from __future__ import annotations

import hashlib
import os
import smtplib
import ssl
import urllib.parse
from datetime import UTC, datetime
from email import utils
from email.headerregistry import Address
from email.message import EmailMessage

from patternapp.receiver import Receiver
from shop import storage
from shop.records import Order, Paid, StockLow, money

DOMAIN = "shop.example.com"
SHOP = Address("The shop", "orders", DOMAIN)
BUYER = Address("Purchasing", "buyer", DOMAIN)

app = Receiver()


@app.on("shop.order.placed")
def confirm(order: Order) -> None:
    """Tell the customer what was ordered."""
    lines = [f"{line.quantity:>4} x {line.title}, {money(line.price)} each" for line in order.lines]
    text = [f"Dear {order.customer},", "", "thank you for your order:", "", *lines, "", f"Total: {money(order.total)}"]
    _send(f"{order.id}.placed", to=_address(order.customer, order.email), subject=f"Your order {order.id}", text=text)


@app.on("shop.order.paid")
def receipt(paid: Paid) -> None:
    """Tell the customer that the money has come."""
    text = [f"Dear {paid.customer},", "", f"we received {money(paid.amount)} for order {paid.order}. Thank you!"]
    _send(f"{paid.order}.paid", to=_address(paid.customer, paid.email), subject=f"Paid: order {paid.order}", text=text)


@app.on("shop.stock.low")
def warn(low: StockLow) -> None:
    """Tell the buyer what runs out."""
    text = [f"{article.sku}: {article.left} left, fewer than {article.threshold}" for article in low.articles]
    _send(f"{low.order}.low", to=BUYER, subject="Stock is low", text=text)


def _address(name: str, address: str) -> Address:
    user, _, domain = address.rpartition("@")
    return Address(name, user, domain)


def _send(about: str, *, to: Address, subject: str, text: list[str]) -> None:
    new, cur, _ = (storage.folder("mail", part) for part in ("new", "cur", "tmp"))
    name = f"{hashlib.sha256(about.encode()).hexdigest()[:32]}.{DOMAIN}"
    # A mail program moves a message it has shown from `new` to `cur`, and puts its flags behind the name.
    if (new / name).exists() or any(cur.glob(f"{name}*")):
        return
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SHOP, to, subject
    message["Date"] = utils.format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{about}@{DOMAIN}>"
    message.set_content("\n".join(text) + "\n")
    if "SMTP_URL" in os.environ:
        _transmit(os.environ["SMTP_URL"], message)
    storage.write(new / name, bytes(message))


def _transmit(url: str, message: EmailMessage) -> None:
    """Hand a message to ``smtp://[user:password@]host[:port]``, or ``smtps://`` for TLS from the start."""
    server = urllib.parse.urlsplit(url)
    connect = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    with connect(server.hostname or "localhost", server.port or 0, timeout=20) as smtp:
        if server.username:
            if server.scheme == "smtp":  # A password never travels in the clear.
                smtp.starttls(context=ssl.create_default_context())
            smtp.login(urllib.parse.unquote(server.username), urllib.parse.unquote(server.password or ""))
        smtp.send_message(message)
