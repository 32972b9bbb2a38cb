"""Two functions that each get every order, with deliveries of their own."""

from pydantic import BaseModel

from patternapp.receiver import Receiver


class Order(BaseModel):
    """What comes with `order.placed`."""

    order: int
    total: float


mailer = Receiver()
warehouse = Receiver()


@mailer.on("order.placed")
async def thank(order: Order) -> None:
    """Thank the customer."""
    print(f"order {order.order}: thank you for {order.total:.2f}")


@warehouse.on("order.placed")
async def pack(order: Order) -> None:
    """Pack the parcel."""
    print(f"order {order.order}: packed")
