from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from patternapp.delivery import DeliverySpec
from patternapp.plan import graph, layout, view
from patternapp.plan.model import Broker, Function, Plan, Trigger, Uri


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ((), "every event"),
        (({"exact": {"type": "paid"}},), "type = paid"),
        (
            ({"exact": {"patternappsource": "event-driven.upload"}}, {"prefix": {"subject": "eu/"}}),
            "from upload and subject begins with eu/",
        ),
        (
            ({"any": [{"suffix": {"type": ".b"}}, {"not": {"cesql": "EXISTS a"}}]},),
            "(type ends with .b or not (EXISTS a))",
        ),
        (({"all": [{"exact": {"a": "1", "b": "2"}}]},), "(a = 1 and b = 2)"),
    ],
)
def test_filters_are_told_in_words(filters: tuple[dict[str, object], ...], words: str) -> None:
    assert view.summary(filters) == words


def function(name: str) -> Function:
    return Function(
        name=name,
        handler="shop:app",
        command=(),
        image=None,
        env=(),
        min=0,
        max=1,
        concurrency=1,
        idle=1.0,
        timeout=1.0,
        resources=None,
    )


def plan_of(*edges: Trigger, uri: str = "https://partner.example.com") -> Plan:
    broker = Broker(class_=None, config=None, delivery=DeliverySpec(), dead_letter=None)
    return Plan("shop", (function("orders"), function("email"), broker, Uri(uri=uri)), edges)


def trigger(key: str, head: str, dead_letter: str | None = None, **exact: str) -> Trigger:
    filters = ({"exact": exact},) if exact else ()
    return Trigger(key=key, head=head, filters=filters, delivery=DeliverySpec(), dead_letter=dead_letter)


def test_an_address_that_only_gets_dead_letters_is_drawn_once_among_them() -> None:
    uri = "https://audit.example.com"

    seen = view.view(plan_of(trigger("event-driven/a", "function/orders", uri), uri=uri))

    assert [(box.kind, box.name) for box in seen.boxes if box.name == uri] == [("dead letters", uri)]


def test_two_triggers_with_one_subscriber_share_the_line_to_the_dead_letters() -> None:
    seen = view.view(
        plan_of(trigger("event-driven/a", "function/orders"), trigger("event-driven/b", "function/orders"))
    )

    assert [(line.tail, line.head) for line in seen.lines if line.failed] == [("function/orders", "dead-letters/")]


def test_every_special_character_of_a_mermaid_label_is_an_entity() -> None:
    text = graph.mermaid(plan_of(trigger("event-driven/a", "function/orders", type='x"]; end <b>`#')))

    assert 'type = x#34;#93;#59; end #60;b#62;#96;#35;"|' in text


def test_quotes_and_backslashes_of_a_dot_label_are_escaped() -> None:
    text = graph.dot(plan_of(trigger("event-driven/a", "function/orders", type='a"\\')))

    assert r'type = a\"\\"' in text


def test_markup_and_control_characters_of_a_label_stay_text_in_svg() -> None:
    text = graph.svg(plan_of(trigger("event-driven/a", "function/orders", type="<script>\x00</script>")))

    assert "<script" not in text
    assert "&lt;script&gt;\N{REPLACEMENT CHARACTER}" in text


def test_no_two_things_of_a_track_overlap() -> None:
    edges = [trigger(f"event-driven/{number}", head) for number in range(9) for head in ("function/orders",)]
    placed = layout.layout(view.view(plan_of(*edges, trigger("event-driven/z", "https://partner.example.com"))))

    tracks = defaultdict(list)
    for item in {id(item): item for way in placed.ways for item in way.items}.values():
        tracks[item.track].append((item.y - item.height / 2, item.y + item.height / 2))
    for spans in tracks.values():
        assert all(above[1] <= below[0] for above, below in itertools.pairwise(sorted(spans)))
    assert all(top >= 0 and bottom <= placed.height for spans in tracks.values() for top, bottom in spans)
