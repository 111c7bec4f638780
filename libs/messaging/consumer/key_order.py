"""Key order: messages of one key are processed one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from aiokafka import TopicPartition

from messaging.processing.inflight import InFlightMessage


class KeyOrdering:
    """Tracker of record keys in progress, which holds back later messages with the same key.

    A key is taken from the moment its message may be worked on until that message is settled.
    Those behind it wait here, and take no place from messages of other keys.
    """

    def __init__(self) -> None:
        self._followers: dict[tuple[TopicPartition, bytes], deque[InFlightMessage]] = {}

    def enter(self, job: InFlightMessage) -> bool:
        """Return whether a message may be processed now; if not, ``leave`` returns it later."""
        key = job.received.key
        if key is None:
            return True
        # By partition too: equal keys of different topics are different keys, and a partition that
        # moves away takes its keys along.
        followers = self._followers.get((job.partition, key))
        if followers is None:
            self._followers[job.partition, key] = deque()
            return True
        followers.append(job)
        return False

    def leave(self, job: InFlightMessage) -> InFlightMessage | None:
        """Record that a message is settled, and return the next one of its key, if any."""
        key = job.received.key
        if key is None:
            return None
        followers = self._followers.get((job.partition, key))
        if followers:
            return followers.popleft()
        self._followers.pop((job.partition, key), None)
        return None

    def partitions(self) -> set[TopicPartition]:
        """Return the partitions of the keys in use."""
        return {partition for partition, _ in self._followers}

    def forget(self, partitions: Collection[TopicPartition]) -> list[InFlightMessage]:
        """Free the keys of some partitions, and return the messages that waited for them."""
        going = [key for key in self._followers if key[0] in partitions]
        return [job for key in going for job in self._followers.pop(key)]
