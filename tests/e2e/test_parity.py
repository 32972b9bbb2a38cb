"""One shop, one input, two places: what passes the Broker and what dies is the same in `dev` and on the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from e2e import ledgers, topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.stack import state
    from e2e import kube
    from e2e.ledgers import Ledger


@pytest.fixture(scope="module")
def manifest(stack: state.Stack) -> Iterator[dict[str, Any]]:
    """The shop, with topics of its own."""
    with topics.made(stack, partitions=4) as queue, topics.made(stack, partitions=1) as stream:
        yield ledgers.manifest(stack, queue=queue, stream=stream)


@pytest.fixture(scope="module")
def in_dev(manifest: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return ledgers.in_dev(manifest, tmp_path_factory.mktemp("dev"))


@pytest.fixture(scope="module")
def on_cluster(manifest: dict[str, Any], namespace: kube.Namespace, in_dev: Ledger) -> Iterator[Ledger]:
    key = ledgers.key()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pay-hook"}, "stringData": {"secret": key}}
    namespace.apply(secret)
    try:
        yield ledgers.on_cluster(namespace.app(manifest), manifest, key=key, expected=in_dev)
    finally:
        namespace.delete(manifest)


def test_the_same_input_makes_events_in_dev_of_every_kind_that_the_shop_has(in_dev: Ledger) -> None:
    assert set(in_dev.events) == {
        "shop.click",
        "shop.invoice.requested",
        "shop.order.paid",
        "shop.order.placed",
        "shop.payment.received",
        "shop.stock.low",
        "shop.unheard",
    }


def test_as_many_events_of_each_type_pass_the_broker_on_the_cluster_as_in_dev(
    in_dev: Ledger, on_cluster: Ledger
) -> None:
    assert on_cluster.events == in_dev.events


def test_the_same_events_are_dead_letters_of_the_same_for_the_same_reason(in_dev: Ledger, on_cluster: Ledger) -> None:
    assert on_cluster.dead == in_dev.dead
