"""Assigns partitions so that as few as possible move, and none while messages of it are in flight.

aiokafka only knows eager rebalances: each one takes all partitions from everybody and gives out all
of them. Taken at its word, whatever is in flight would be cancelled and done again elsewhere,
although most partitions come back to where they were. So the members say what they own and where
they are busy, and whoever leads the group lets a partition that has to move stay where it is until
its owner has drained it (as cooperative rebalancing does, KIP-429)::

    one owns p0 p1 p2 p3, all busy      two joins
    rebalance 1    one: p0 p1 p2 p3, to release p2 p3       two: nothing yet
                   one drains p2 p3, then asks for another rebalance
    rebalance 2    one: p0 p1                               two: p2 p3

It goes by the name of aiokafka's default, and members that know nothing of this are led, or lead,
as by that: they own nothing that anybody knows of, and get their share at once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

VERSION: Final = 0
"""Of the consumer protocol's structures."""

Topics = Mapping[str, Collection[int]]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a member says when it joins.

    Attributes:
        owned: the partitions that it was assigned, and has not released.
        busy: those of them of which messages are in flight.
        epoch: of the assignment that gave them to it; a later one outweighs an earlier one.
    """

    owned: frozenset[TopicPartition] = frozenset()
    busy: frozenset[TopicPartition] = frozenset()
    epoch: int = 0


@dataclass(slots=True)
class Plan:
    """What a member is told.

    Attributes:
        assigned: its partitions.
        release: those of them that are to move, and that it has to drain.
    """

    assigned: list[TopicPartition] = field(default_factory=list)
    release: list[TopicPartition] = field(default_factory=list)


def assign(
    partitions: Mapping[str, Collection[int]],
    subscriptions: Mapping[str, Collection[str]],
    claims: Mapping[str, Claims],
) -> dict[str, Plan]:
    """Share partitions among members: of each topic each gets as many as the others, or one less.

    Args:
        partitions: of each topic.
        subscriptions: the topics of each member.
        claims: what members say they own.

    Returns:
        What each member gets; a function of the arguments alone.
    """
    owners = _owners(claims, subscriptions)
    plans = {member: Plan() for member in subscriptions}
    load: Counter[str] = Counter()
    for topic in sorted(partitions):
        members = [one for one, topics in subscriptions.items() if topic in topics]
        if not members:
            continue
        for partition, target in _share(topic, partitions[topic], members, owners, load).items():
            owner = owners.get(partition)
            if owner in {None, target} or partition not in claims[owner or ""].busy:
                plans[target].assigned.append(partition)
            else:
                plans[owner or ""].assigned.append(partition)
                plans[owner or ""].release.append(partition)
    return plans


def _owners(
    claims: Mapping[str, Claims], subscriptions: Mapping[str, Collection[str]]
) -> dict[TopicPartition, str]:
    """Return who owns what; of two that claim the same, whoever was assigned it later."""
    owners: dict[TopicPartition, str] = {}
    for member in sorted(claims, key=lambda one: (claims[one].epoch, one)):
        mine = claims[member].owned
        owners |= dict.fromkeys((one for one in mine if one.topic in subscriptions[member]), member)
    return owners


def _share(
    topic: str,
    numbers: Collection[int],
    members: Collection[str],
    owners: Mapping[TopicPartition, str],
    load: Counter[str],
) -> dict[TopicPartition, str]:
    """Return who is to have each partition of a topic in the end; adds to the members' load."""
    mine = [TopicPartition(topic, number) for number in sorted(numbers)]
    held = Counter(owners[one] for one in mine if one in owners)
    order = sorted(members, key=lambda one: (load[one], -held[one], one))
    base, extra = divmod(len(mine), len(order))
    room = {member: base + (place < extra) for place, member in enumerate(order)}
    load.update(room)
    targets: dict[TopicPartition, str] = {}
    for partition in mine:
        owner = owners.get(partition, "")
        if room.get(owner, 0) > 0:
            targets[partition] = owner
            room[owner] -= 1
    free = [member for member in order for _ in range(room[member])]
    homeless = [one for one in mine if one not in targets]
    return targets | dict(zip(homeless, free, strict=True))


class HandoverAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka is untyped
    """A member's side of it, and the leader's.

    Args:
        claims: tells what this member owns, and where it is busy.

    Attributes:
        release: partitions of the last assignment that are to be drained and released.
    """

    name = RoundRobinPartitionAssignor.name

    def __init__(
        self, claims: Callable[[], tuple[Collection[TopicPartition], Collection[TopicPartition]]]
    ) -> None:
        self._claims = claims
        self._epoch = 0
        self.release: frozenset[TopicPartition] = frozenset()

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return what this member says when it joins."""
        owned, busy = self._claims()
        said = {"epoch": self._epoch, "owned": _by_topic(owned), "busy": _by_topic(busy)}
        return ConsumerProtocolMemberMetadata(VERSION, sorted(topics), _written(said))

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return what each member gets, as whoever leads the group decides."""
        subscriptions = {member: one.subscription for member, one in members.items()}
        claims = {member: _claims_of(one.user_data) for member, one in members.items()}
        topics = {topic for topics in subscriptions.values() for topic in topics}
        partitions = {one: cluster.partitions_for_topic(one) or () for one in topics}
        epoch = 1 + max((one.epoch for one in claims.values()), default=0)
        return {
            member: ConsumerProtocolMemberAssignment(
                VERSION,
                sorted(_by_topic(plan.assigned).items()),
                _written({"epoch": epoch, "release": _by_topic(plan.release)}),
            )
            for member, plan in assign(partitions, subscriptions, claims).items()
        }

    def on_assignment(self, assignment: Any) -> None:
        """Take note of what is to be released."""
        said = _read(assignment.user_data)
        self._epoch = max(self._epoch, _number(said.get("epoch")))
        self.release = _partitions(said.get("release")) & frozenset(assignment.partitions())


def _claims_of(user_data: bytes | None) -> Claims:
    said = _read(user_data)
    owned = _partitions(said.get("owned"))
    return Claims(owned, owned & _partitions(said.get("busy")), _number(said.get("epoch")))


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for topic, number in sorted(partitions):
        found[topic].append(number)
    return dict(found)


def _written(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _read(user_data: bytes | None) -> Mapping[str, Any]:
    """Return what was said; nothing if it is of another kind of member."""
    try:
        said = json.loads(user_data or b"{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _partitions(said: object) -> frozenset[TopicPartition]:
    if not isinstance(said, dict):
        return frozenset()
    return frozenset(
        TopicPartition(topic, number)
        for topic, numbers in said.items()
        if isinstance(numbers, list)
        for number in numbers
        if isinstance(number, int)
    )


def _number(said: object) -> int:
    return said if isinstance(said, int) else 0
