"""Which member gets which partitions, and which of them have to be drained first."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from hypothesis import given
from hypothesis import strategies as st

from messaging.consumer.assignor import (
    CooperativeAssignor,
    MemberAssignment,
    MemberOwnedPartitions,
    assign_partitions,
)

TOPICS = {"a": range(7), "b": range(4), "c": range(1), "d": range(1)}
EVERYTHING = {TopicPartition(topic, n) for topic, numbers in TOPICS.items() for n in numbers}


def rebalance(
    plans: Mapping[str, MemberAssignment],
    members: tuple[str, ...],
    *,
    busy: bool = True,
    epoch: int = 1,
) -> dict[str, MemberAssignment]:
    """What members get next, after each has released what it was to."""
    claims = {}
    for member in members:
        plan = plans.get(member, MemberAssignment())
        owned = frozenset(plan.assigned) - frozenset(plan.release)
        claims[member] = MemberOwnedPartitions(owned, owned if busy else frozenset(), epoch)
    return assign_partitions(TOPICS, dict.fromkeys(members, TOPICS), claims)


def owners(plans: Mapping[str, MemberAssignment]) -> dict[TopicPartition, str]:
    return {one: member for member, plan in plans.items() for one in plan.assigned}


def is_complete_and_disjoint(plans: Mapping[str, MemberAssignment]) -> None:
    given_out = Counter(one for plan in plans.values() for one in plan.assigned)
    assert given_out == Counter(EVERYTHING)
    assert all(set(plan.release) <= set(plan.assigned) for plan in plans.values())


def is_balanced(plans: Mapping[str, MemberAssignment]) -> None:
    for topic in TOPICS:
        shares = [sum(one.topic == topic for one in plan.assigned) for plan in plans.values()]
        assert max(shares) - min(shares) <= 1, "of each topic"
    totals = [len(plan.assigned) for plan in plans.values()]
    assert max(totals) - min(totals) <= 1, "of all"


def test_the_first_member_gets_everything_at_once() -> None:
    plans = rebalance({}, ("one",))
    assert (set(plans["one"].assigned), plans["one"].release) == (EVERYTHING, [])


def test_what_is_busy_stays_until_its_owner_has_drained_it() -> None:
    alone = rebalance({}, ("one",))
    first = rebalance(alone, ("one", "two"))
    assert set(first["one"].assigned) == EVERYTHING
    assert first["two"].assigned == []
    second = rebalance(first, ("one", "two"))
    is_balanced(second)
    assert set(second["two"].assigned) == set(first["one"].release)
    assert not any(plan.release for plan in second.values())


def test_what_is_idle_moves_at_once() -> None:
    plans = rebalance(rebalance({}, ("one",)), ("one", "two"), busy=False)
    is_balanced(plans)
    assert not any(plan.release for plan in plans.values())


def test_a_member_that_comes_and_goes_moves_nothing() -> None:
    alone = rebalance({}, ("one",))
    with_two = rebalance(alone, ("one", "two"))
    with_two["one"].release.clear()  # nothing was drained yet
    again = rebalance(with_two, ("one",))
    assert (set(again["one"].assigned), again["one"].release) == (EVERYTHING, [])


def test_what_a_member_leaves_behind_is_given_out_at_once() -> None:
    plans = rebalance({}, ("one", "two", "three"))
    after = rebalance(plans, ("one", "three"))
    is_complete_and_disjoint(after)
    moved = {one for one, owner in owners(after).items() if owners(plans)[one] != owner}
    assert moved == set(plans["two"].assigned)


def test_a_later_claim_outweighs_an_earlier_one() -> None:
    everything = frozenset(EVERYTHING)
    claims = {
        "z": MemberOwnedPartitions(everything, everything, 3),
        "a": MemberOwnedPartitions(everything, everything, 4),
    }
    plans = assign_partitions(TOPICS, dict.fromkeys("az", TOPICS), claims)
    assert set(plans["a"].assigned) == EVERYTHING


def test_topics_that_a_member_does_not_read_go_to_the_others() -> None:
    plans = assign_partitions(TOPICS, {"one": ["a", "b"], "two": ["a", "c", "d"]}, {})
    is_complete_and_disjoint(plans)
    assert {one.topic for one in plans["one"].assigned} == {"a", "b"}


@given(seed=st.integers(0, 10_000))
def test_whoever_comes_and_goes_all_is_given_out_once_and_comes_to_rest(seed: int) -> None:
    chance = random.Random(seed)
    plans: dict[str, MemberAssignment] = {}
    for epoch in range(8):
        members = tuple(one for one in "abcdef" if chance.random() < 0.6) or ("a",)
        plans = rebalance(plans, members, busy=chance.random() < 0.8, epoch=epoch)
        is_complete_and_disjoint(plans)
    for _ in range(2):
        plans = rebalance(plans, members, epoch=9)
    is_balanced(plans)
    assert not any(plan.release for plan in plans.values())
    assert owners(rebalance(plans, members, epoch=10)) == owners(plans), "nothing moves at rest"


def cluster() -> SimpleNamespace:
    return SimpleNamespace(partitions_for_topic=lambda name: set(TOPICS[name]))


def test_members_understand_what_the_leader_tells() -> None:
    owned = {TopicPartition("b", n) for n in range(4)}
    one, two = CooperativeAssignor(lambda: (owned, owned)), CooperativeAssignor(lambda: ((), ()))
    told = one.assign(cluster(), {"one": one.metadata(["b"]), "two": two.metadata(["b"])})
    one.on_assignment(type(told["one"]).decode(told["one"].encode()))
    assert set(told["one"].partitions()) == owned
    assert len(one.release) == 2
    owned -= one.release
    told = two.assign(cluster(), {"one": one.metadata(["b"]), "two": two.metadata(["b"])})
    assert [len(told[name].partitions()) for name in ("one", "two")] == [2, 2]


@pytest.mark.parametrize("user_data", [b"", None, b"\x00\x01", b"[1]", b'{"owned": {"b": "x"}}'])
def test_members_that_know_nothing_of_this_get_their_share(user_data: bytes | None) -> None:
    stranger = ConsumerProtocolMemberMetadata(0, ["b"], user_data)
    mine = CooperativeAssignor(lambda: ((), ()))
    told = mine.assign(cluster(), {"me": mine.metadata(["b"]), "stranger": stranger})
    assert [len(told[name].partitions()) for name in ("me", "stranger")] == [2, 2]
    # And they lead as they always did.
    told = RoundRobinPartitionAssignor.assign(
        cluster(), {"me": mine.metadata(["b"]), "stranger": stranger}
    )
    mine.on_assignment(told["me"])
    assert mine.release == frozenset()
    assert mine.name == RoundRobinPartitionAssignor.name
