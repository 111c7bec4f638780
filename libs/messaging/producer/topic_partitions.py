"""The partitions of the topics that were written to, to notice when a topic is made anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from messaging.kafka.connection_errors import KafkaUnavailableError


class KnownPartitions:
    """Cache of the partitions of topics, as the broker last reported them."""

    def __init__(self) -> None:
        self._current: dict[str, list[int]] = {}
        self._most: Counter[str] = Counter()

    def get(self, topic: str) -> list[int] | None:
        """Return a topic's partitions; None if they are unknown or were forgotten."""
        return self._current.get(topic)

    def record(self, topic: str, partitions: list[int]) -> None:
        """Record the partitions that the broker reports."""
        self._current[topic] = partitions
        self._most[topic] = max(len(partitions), self._most[topic])

    def forget_if_changed(self, topic: str, partitions: Collection[int]) -> bool:
        """Forget a topic that has other partitions now; return whether it has.

        Args:
            topic: its name on the broker.
            partitions: those it has now; none if it was deleted.
        """
        if topic not in self._current or self._current[topic] == sorted(partitions):
            return False
        del self._current[topic]
        return True

    def require_new_partition(self, topic: str, partition: int) -> None:
        """Refuse a missing partition that the topic once had, before it was made anew with fewer.

        Raises:
            KafkaUnavailableError: it had the partition; sent again, the record gets another one.
        """
        if partition < self._most[topic]:
            raise KafkaUnavailableError(f"{topic} was created again with fewer partitions")
