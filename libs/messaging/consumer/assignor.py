"""A sticky assignor that moves no partition while its messages are in flight.

aiokafka only implements eager rebalances: each one revokes all partitions from all members and
assigns all of them again. Done literally, everything in flight would be cancelled and repeated
elsewhere, although most partitions come back to where they were. So members report what they own
and where they are busy, and the group's leader leaves a partition that has to move with its owner
until that has drained it, as cooperative rebalancing does (KIP-429)::

    A owns p0 p1 p2 p3, all busy         B joins
    rebalance 1    A: p0 p1 p2 p3, release p2 p3      B: nothing yet
                   A drains and commits p2 p3, then requests another rebalance
    rebalance 2    A: p0 p1                           B: p2 p3

Idle partitions move in rebalance 1 already. The assignor has the name of aiokafka's default, and
members without this extension can be led by it, or lead: they claim nothing, and get their share
at once.
"""

from __future__ import annotations

import json
import struct
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
class MemberOwnedPartitions:
    """Partitions that a consumer still owns when it rejoins its group, and which are busy.

    Attributes:
        owned: the partitions that it was assigned and has not released.
        busy: those of them with messages in flight.
        epoch: number of the assignment that it has them from; the claim with the highest counts.
    """

    owned: frozenset[TopicPartition] = frozenset()
    busy: frozenset[TopicPartition] = frozenset()
    epoch: int = 0


@dataclass(slots=True)
class MemberAssignment:
    """Partitions assigned to one consumer of a group, and those that it must release.

    Attributes:
        assigned: its partitions.
        release: those of them that are to move, and that it has to drain.
    """

    assigned: list[TopicPartition] = field(default_factory=list)
    release: list[TopicPartition] = field(default_factory=list)


def assign_partitions(
    partitions: Mapping[str, Collection[int]],
    subscriptions: Mapping[str, Collection[str]],
    claims: Mapping[str, MemberOwnedPartitions],
) -> dict[str, MemberAssignment]:
    """Distribute partitions evenly over a group's consumers, moving as few as possible.

    Args:
        partitions: of each topic.
        subscriptions: the topics of each member.
        claims: what members report.

    Returns:
        The plan of each member; deterministic, whoever leads the group.
    """
    owners = _owners(claims, subscriptions)
    # Topics in order, so that every leader comes to the same plan; ``load`` carries over from topic
    # to topic, so that the extra partition of each goes to whoever has fewest so far.
    plans = {member: MemberAssignment() for member in subscriptions}
    load: Counter[str] = Counter()
    for topic in sorted(partitions):
        members = [one for one, topics in subscriptions.items() if topic in topics]
        if not members:
            continue
        for partition, target in _share(topic, partitions[topic], members, owners, load).items():
            owner = owners.get(partition)
            # Nobody works on it, or it stays: its intended owner has it at once.
            if owner in {None, target} or partition not in claims[owner or ""].busy:
                plans[target].assigned.append(partition)
            else:
                plans[owner or ""].assigned.append(partition)
                plans[owner or ""].release.append(partition)
    return plans


def _owners(
    claims: Mapping[str, MemberOwnedPartitions], subscriptions: Mapping[str, Collection[str]]
) -> dict[TopicPartition, str]:
    """Return the owner of each partition; of two claims, the one of the later assignment counts."""
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
    """Return the intended owner of each partition of a topic; adds to the members' load."""
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


class CooperativeAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka is untyped
    """Cooperative partition assignor for aiokafka, which moves a partition once it is idle.

    Args:
        claims: returns what this member owns, and where it is busy.
        replica: identifies this replica's process among all members, whatever their ids.

    Attributes:
        release: partitions of the last assignment that are to be drained and released.
    """

    name = RoundRobinPartitionAssignor.name

    def __init__(
        self,
        claims: Callable[[], tuple[Collection[TopicPartition], Collection[TopicPartition]]],
        replica: str = "",
    ) -> None:
        self._claims = claims
        self._replica = replica
        self._epoch = 0
        self.release: frozenset[TopicPartition] = frozenset()

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return the JoinGroup metadata of this member, with its claims."""
        owned, busy = self._claims()
        claim: dict[str, Any] = {
            "epoch": self._epoch,
            "owned": _by_topic(owned),
            "busy": _by_topic(busy),
        }
        claim |= {"replica": self._replica}
        return ConsumerProtocolMemberMetadata(VERSION, sorted(topics), _dump(claim))

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the assignment of every member; called on the group's leader."""
        subscriptions = {member: one.subscription for member, one in members.items()}
        claims = {member: _claims_of(one.user_data) for member, one in members.items()}
        topics = {topic for topics in subscriptions.values() for topic in topics}
        partitions = {one: cluster.partitions_for_topic(one) or () for one in topics}
        epoch = 1 + max((one.epoch for one in claims.values()), default=0)
        return {
            member: ConsumerProtocolMemberAssignment(
                VERSION,
                sorted(_by_topic(plan.assigned).items()),
                _dump({"epoch": epoch, "release": _by_topic(plan.release)}),
            )
            for member, plan in assign_partitions(partitions, subscriptions, claims).items()
        }

    def on_assignment(self, assignment: Any) -> None:
        """Store which partitions the leader wants released."""
        plan = _load(assignment.user_data)
        self._epoch = max(self._epoch, _number(plan.get("epoch")))
        self.release = _partitions(plan.get("release")) & frozenset(assignment.partitions())


def _claims_of(user_data: bytes | None) -> MemberOwnedPartitions:
    claim = _load(user_data)
    owned = _partitions(claim.get("owned"))
    return MemberOwnedPartitions(
        owned, owned & _partitions(claim.get("busy")), _number(claim.get("epoch"))
    )


def parse_replica_id(metadata: bytes) -> str:
    """Return the replica id in a consumer's JoinGroup metadata; "" if there is none."""
    try:
        user_data = ConsumerProtocolMemberMetadata.decode(metadata).user_data
    except (ValueError, struct.error):  # there is none while the group rebalances
        return ""
    return str(_load(user_data).get("replica", ""))


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for topic, number in sorted(partitions):
        found[topic].append(number)
    return dict(found)


def _dump(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


def _load(user_data: bytes | None) -> Mapping[str, Any]:
    """Return a member's user data; empty if it is of a member without this extension."""
    try:
        data = json.loads(user_data or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _partitions(by_topic: object) -> frozenset[TopicPartition]:
    if not isinstance(by_topic, dict):
        return frozenset()
    return frozenset(
        TopicPartition(topic, number)
        for topic, numbers in by_topic.items()
        if isinstance(numbers, list)
        for number in numbers
        if isinstance(number, int)
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
