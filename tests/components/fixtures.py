"""Fixtures of real servers: one of a kind in each process of a test run, started by the first test that wants it.

What holds here:

* A test gets a place of its own in a server: a fresh database, an empty Redis, topics and queues it names itself.
* Where a component is not installed, the tests that want it are left out, which the run's first lines say. Under
  CI they fail instead.
* A test wants a component by its fixture, or by the mark `component`, where a parameter decides.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
import redis as redis_client
from components import install, kafka, postgres, rabbitmq, redis
from psycopg import conninfo, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

_WANTED_BY = {
    "postgres_dsn": "postgres",
    "redis_url": "redis",
    "kafka_broker": "kafka",
    "rabbitmq_broker": "rabbitmq",
}


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "component(name): the test wants postgres, redis, kafka or rabbitmq")


def pytest_report_header() -> list[str]:
    """What is left out, and the mend."""
    if os.environ.get("CI"):
        return []
    return [f"left out: tests that want {name}: {install.MEND[name]}" for name in sorted(install.missing())]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run here."""
    missing = frozenset() if os.environ.get("CI") else install.missing()
    left = [item for item in items if wanted(item) & missing]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def wanted(item: pytest.Item) -> frozenset[str]:
    """The components that a test wants."""
    by_fixture = {_WANTED_BY[name] for name in getattr(item, "fixturenames", ()) if name in _WANTED_BY}
    return frozenset(by_fixture | {mark.args[0] for mark in item.iter_markers("component")})


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres.running(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn


@pytest.fixture
def postgres_dsn(_postgres: str) -> Iterator[str]:
    """The DSN of a fresh database, which the test's user owns; it is gone after the test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(_postgres, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield conninfo.make_conninfo(_postgres, dbname=name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis.running(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis_url(_redis: str) -> str:
    """The URL of a Redis that is empty."""
    with redis_client.Redis.from_url(_redis) as client:
        client.flushall()
    return _redis


@pytest.fixture(scope="session")
def _kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kafka.Broker]:
    with kafka.running(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def kafka_broker(_kafka: kafka.Broker) -> Iterator[kafka.Broker]:
    """A Kafka broker that runs; a test that stopped it finds it running again afterwards."""
    yield _kafka
    _kafka.ensure_running()


@pytest.fixture(scope="session")
def _rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbitmq.Broker]:
    with rabbitmq.running(tmp_path_factory.mktemp("rabbitmq")) as broker:
        yield broker


@pytest.fixture
def rabbitmq_broker(_rabbitmq: rabbitmq.Broker) -> Iterator[rabbitmq.Broker]:
    """A RabbitMQ broker that runs; a test that stopped it finds it running again afterwards."""
    yield _rabbitmq
    _rabbitmq.ensure_running()
