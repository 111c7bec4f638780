"""Tells letters of a topic's present log from those of one that was there before it.

A topic that was deleted and created anew has other records at its offsets, and nothing in a letter
says which log its message was in. Timestamps do: a message that was sent before the first record
of the present log, and whose place holds a record with another timestamp, was in an earlier log.
So were those that were sent before it::

    earlier log    0: 10:00   1: 10:01   2: 10:02          letters of 1 (10:01) and 2 (10:02)
    present log    0: 11:00   1: 11:05   2: 11:07          10:02 < 11:00, and 2 was sent at 11:07

A letter whose place cannot be looked at, or whose timestamp is not known, counts as one of the
present log. It takes the clocks of those who write to the topic, our services, to differ by less
than lies between the last message of the one log and the first of the other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from audit.facts import DatedDeadLetter, Ends

Partition = tuple[str, int]
"""Topic without prefix, and partition."""

ReadTimestamps = Callable[[Mapping[Partition, int]], Awaitable[Mapping[Partition, int]]]
"""Reads the record at one offset of each of some partitions; returns the timestamps that there are,
in milliseconds since the epoch."""


async def find_partitions_of_recreated_topics(
    letters: Iterable[DatedDeadLetter], begins: Ends, ends: Ends, read: ReadTimestamps
) -> dict[Partition, int]:
    """Find partitions of recreated topics, each with the last timestamp known of its old log.

    Args:
        letters: with the places and timestamps of their messages.
        begins: the first offset of each partition.
        ends: the offset behind the last record of each partition.
        read: reads timestamps; called twice.

    Returns:
        Of each partition with letters of an earlier log, the timestamp of the last such message, in
        milliseconds since the epoch.
    """
    at_hand = [one for one in letters if one.sent_at is not None and _is_at_hand(one, begins, ends)]
    firsts = await read({one.place[:2]: begins[one.place[:2]] for one in at_hand})
    latest: dict[Partition, DatedDeadLetter] = {}
    for one in at_hand:
        partition, sent_at = one.place[:2], one.sent_at or 0
        if sent_at >= firsts.get(partition, 0):
            continue
        if partition not in latest or sent_at > (latest[partition].sent_at or 0):
            latest[partition] = one
    there = await read({partition: one.place[2] for partition, one in latest.items()})
    return {
        partition: one.sent_at or 0
        for partition, one in latest.items()
        if partition in there and there[partition] != one.sent_at
    }


def _is_at_hand(letter: DatedDeadLetter, begins: Ends, ends: Ends) -> bool:
    """Return whether a letter's place is within the present log."""
    topic, partition, offset = letter.place
    place = (topic, partition)
    return place in begins and begins[place] <= offset < ends.get(place, 0)
