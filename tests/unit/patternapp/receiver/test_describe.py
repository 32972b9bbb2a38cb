from __future__ import annotations

import json
from typing import Any

import jsonschema
import pydantic

from patternapp import cloudevents
from patternapp.receiver import Event, Receiver


class Item(pydantic.BaseModel):
    sku: str


class Order(pydantic.BaseModel):
    number: int
    items: list[Item]


class Sent(pydantic.BaseModel):
    to: str


EVENT = {"specversion": "1.0", "id": "1", "source": "/test", "type": "shop:order placed"}


def receiver() -> Receiver:
    app = Receiver(title="mail", version="1.2.3", description="Sends mail.")

    @app.on("shop:order placed", reply="mail.sent")
    async def send(order: Order) -> Sent | None:
        """Send a mail.

        To whom it may concern.
        """

    @app.on_batch("many")
    async def many(events: list[Event[Order]]) -> None: ...

    @app.on()
    async def others(event: Event[bytes | None]) -> None: ...

    return app


def references(document: Any) -> set[str]:
    if isinstance(document, dict):
        own = {document["$ref"]} if isinstance(document.get("$ref"), str) else set()
        return own.union(*(references(value) for value in document.values()))
    return set().union(*(references(value) for value in document)) if isinstance(document, list) else set()


def found(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def test_every_reference_of_both_documents_leads_somewhere() -> None:
    app = receiver()

    for document in (app.asyncapi(), app.openapi()):
        assert references(document)
        assert all(found(document, reference) is not None for reference in references(document))
        json.dumps(document, allow_nan=False)


def test_asyncapi_has_an_operation_for_each_type_with_its_reply() -> None:
    document = receiver().asyncapi()

    assert document["info"] == {"title": "mail", "version": "1.2.3", "description": "Sends mail."}
    assert list(document["operations"]) == ["handle_many", "handle_shop_order_placed", "handle_any"]
    operation = document["operations"]["handle_shop_order_placed"]
    assert operation["reply"]["messages"] == [{"$ref": "#/channels/replies/messages/mail.sent"}]
    assert document["components"]["messages"]["shop_order_placed"]["summary"] == "Send a mail."


def test_the_schema_of_an_event_takes_what_the_receiver_takes() -> None:
    document = receiver().asyncapi()
    schema = {
        **document["components"]["messages"]["shop_order_placed"]["payload"],
        "components": document["components"],
    }
    validator = jsonschema.Draft202012Validator(schema)

    assert validator.is_valid({**EVENT, "data": {"number": 1, "items": [{"sku": "pen"}]}, "priority": "high"})
    for wrong in ({"data": {"number": "x", "items": []}}, {}, {"data": None}, {"Priority": "high"}, {"id": "a\nb"}):
        assert not validator.is_valid({**EVENT, "data": {"number": 1, "items": []}, **wrong} if wrong else EVENT)


def test_openapi_describes_the_endpoint_of_events_beside_the_routes() -> None:
    app = receiver()
    app.get("/orders")(lambda: 1)

    document = app.openapi()

    assert set(document["paths"]) == {"/", "/orders"}
    post = document["paths"]["/"]["post"]
    assert set(post["requestBody"]["content"]) == {cloudevents.STRUCTURED, cloudevents.BATCHED}
    assert {"200", "204", "400", "413", "422", "503"} <= set(post["responses"])
    assert "- `shop:order placed`: Send a mail. Replies with `mail.sent`." in post["description"]
    assert "Binary mode as well" in post["description"]


def test_a_receiver_without_handlers_has_no_endpoint_of_events_to_describe() -> None:
    assert Receiver().openapi()["paths"] == {}
