"""What the shop's events and requests carry. Money is in cents."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]
"""One line of text."""
Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$", max_length=254)]
"""An e-mail address of the plain sort, which no header can be smuggled into."""
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=64)]
"""The number of an order; fit for a file name."""
Quantity = Annotated[int, Field(ge=1, le=1000)]
Cents = Annotated[int, Field(ge=0)]


class Refusal(BaseModel):
    """Why a request was refused: in words, or field by field."""

    detail: str | list[dict[str, Any]]


class Wish(BaseModel):
    """One thing that a customer asks for."""

    sku: str
    quantity: Quantity


class NewOrder(BaseModel):
    """What a customer sends to the orders API."""

    customer: Name
    email: Address
    lines: Annotated[list[Wish], Field(min_length=1, max_length=50)]
    priority: Literal["normal", "express"] = "normal"


class Line(BaseModel):
    """One line of an order, as it was sold."""

    sku: str
    title: Name
    quantity: Quantity
    price: Cents


class Order(BaseModel):
    """An order as it was placed: the data of `shop.order.placed` and of `shop.invoice.requested`."""

    id: Reference
    placed: AwareDatetime
    customer: Name
    email: Address
    priority: Literal["normal", "express"] = "normal"
    lines: Annotated[list[Line], Field(min_length=1)]
    total: Cents


class Payment(BaseModel):
    """The data of `shop.payment.received`, as the payment provider's webhook sends it."""

    order: Reference
    amount: Cents
    reference: Name


class Paid(BaseModel):
    """The data of `shop.order.paid`."""

    order: Reference
    customer: Name
    email: Address
    amount: Cents


class Shortage(BaseModel):
    """One article that runs out."""

    sku: str
    left: int
    threshold: int


class StockLow(BaseModel):
    """The data of `shop.stock.low`."""

    order: Reference
    articles: list[Shortage]


def money(cents: int) -> str:
    """Cents as people write them: ``1,299.00 EUR``."""
    return f"{cents // 100:,}.{cents % 100:02} EUR"
