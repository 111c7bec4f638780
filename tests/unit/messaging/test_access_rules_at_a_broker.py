"""Which of a broker's access rules are missing, and which are surplus."""

from __future__ import annotations

import pytest

from contracts.topic_access import list_access_rules
from messaging.kafka.acls import AclBinding, build_acl_bindings, find_acl_difference
from messaging.settings import KafkaSettings

PREFIXES = ("", "a-", "a-b-")


def _wanted(prefix: str) -> frozenset[AclBinding]:
    return build_acl_bindings(KafkaSettings(topic_prefix=prefix), {}, list_access_rules())


@pytest.mark.parametrize("other", PREFIXES)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_rules_of_an_installation_with_another_prefix_are_left_alone(
    prefix: str, other: str
) -> None:
    found = find_acl_difference(_wanted(prefix), _wanted(prefix) | _wanted(other))
    assert (found.missing, found.surplus) == ((), ())


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_rule_on_a_declared_topic_that_is_not_declared_is_surplus(prefix: str) -> None:
    wanted = _wanted(prefix)
    one = next(iter(sorted(wanted)))
    surplus = one._replace(principal="User:onrecord-somebody")
    assert find_acl_difference(wanted, wanted | {surplus}).surplus == (surplus,)
    assert find_acl_difference(wanted, wanted - {one}).missing == (one,)
