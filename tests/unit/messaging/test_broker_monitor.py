"""How long a partition with unread records is waited for before the client is replaced."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition

from messaging.consumer.commits import OffsetCommitter
from messaging.kafka.broker_monitor import (
    MAX_STALL_TIMEOUT_S,
    STALL_TIMEOUT_S,
    BrokerMonitor,
    DoublingStallTimeout,
    TopicExistenceChecker,
)
from messaging.kafka.connection_errors import KafkaUnavailableError

STALLED, OTHER = TopicPartition("chunks-ready", 0), TopicPartition("chunks-ready", 1)
LOOK_S = 5.0


class Clients:
    """Clients that replace each other on a clock of the test's own."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.patience = DoublingStallTimeout()
        self.replace()

    def replace(self) -> None:
        self.monitor = BrokerMonitor(
            lambda: {STALLED, OTHER},
            OffsetCommitter(),
            TopicExistenceChecker((), optional=()),
            self.patience,
            clock=lambda: self.now,
        )

    def look(self, position: int) -> None:
        """Look once at a partition that has more to read than was read so far."""
        self.monitor.update_positions({STALLED: position, OTHER: 7})
        self.monitor.expect_progress({(STALLED, position)})
        self.now += LOOK_S

    def look_until(self, end: float, position: int) -> None:
        while self.now < end:
            self.look(position)

    def replaced_after_s(self, position: int = 3) -> float:
        """Return how long a new client is waited for that receives nothing."""
        self.replace()
        began = self.now
        with pytest.raises(KafkaUnavailableError, match="chunks-ready-0 has unread records"):
            self.look_until(began + 10 * MAX_STALL_TIMEOUT_S, position)
        return self.now - began


def test_each_client_in_a_row_that_receives_nothing_is_waited_for_twice_as_long() -> None:
    clients = Clients()
    waits = [clients.replaced_after_s() for _ in range(6)]
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]
    assert waits[0] == STALL_TIMEOUT_S
    assert waits[-1] == MAX_STALL_TIMEOUT_S


def test_a_fetch_that_takes_longer_than_the_first_client_waits_arrives_at_a_later_one() -> None:
    clients, fetch_s, replaced, arrived = Clients(), 45.0, 0, 0
    began = clients.now
    position, fetch_began = 0, began
    while clients.now < began + 1_000:
        if clients.now - fetch_began >= fetch_s:
            position, fetch_began, arrived = position + 1, clients.now, arrived + 1
        try:
            clients.look(position)
        except KafkaUnavailableError:
            clients.replace()
            replaced, fetch_began = replaced + 1, clients.now
    assert replaced == 1, "what the fetches take is known from then on"
    assert arrived > 15


def test_quick_records_reset_the_time() -> None:
    clients = Clients()
    for _ in range(3):
        clients.replaced_after_s()
    clients.replace()
    for position in range(3, 6):
        clients.look(position)
    assert clients.replaced_after_s() == STALL_TIMEOUT_S


def test_a_new_client_that_begins_elsewhere_has_received_nothing() -> None:
    clients = Clients()
    clients.replaced_after_s(3)
    assert clients.replaced_after_s(9) == 2 * STALL_TIMEOUT_S


def test_a_client_that_starts_again_at_an_earlier_record_has_received_nothing() -> None:
    clients = Clients()
    clients.replaced_after_s()
    clients.replace()
    clients.look(9)
    clients.look(3)
    assert clients.patience.timeout_s == 2 * STALL_TIMEOUT_S
