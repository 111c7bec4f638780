"""Access rules (ACLs) of a broker: brings those of onrecord's users to what is declared.

Rules of other users, and rules by pattern or for other hosts, are left alone: they are somebody
else's decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import (
    CreateAclsRequest_v1,
    DeleteAclsRequest_v1,
    DescribeAclsRequest,
)
from aiokafka.protocol.api import Request

from contracts.topic_access import (
    USERS,
    AccessRule,
    KafkaOperation,
    KafkaResourceKind,
    get_kafka_principal,
    list_access_rules,
)
from messaging.kafka.admin import open_admin_client
from messaging.kafka.aiokafka_internals import get_network_client
from messaging.settings import KafkaSettings

# Codes of Kafka's protocol: org.apache.kafka.common.acl and org.apache.kafka.common.resource.
OPERATION_CODES: Final = {
    KafkaOperation.READ: 3,
    KafkaOperation.WRITE: 4,
    KafkaOperation.CREATE: 5,
    KafkaOperation.DELETE: 6,
    KafkaOperation.DESCRIBE: 8,
    KafkaOperation.DESCRIBE_CONFIGS: 10,
}
RESOURCE_CODES: Final = {KafkaResourceKind.TOPIC: 2, KafkaResourceKind.GROUP: 3}
IN_FORCE_WITHIN_S: Final = 10.0
"""How long a broker may take to learn of new rules, in seconds."""

_ANY: Final = 1
_LITERAL: Final = 3
_ALLOW: Final = 3
_EVERY_HOST: Final = "*"
_SECURITY_DISABLED: Final = 54


class AclBinding(NamedTuple):
    """One Kafka ACL: resource, principal, host, operation and permission."""

    resource_type: int
    resource_name: str
    pattern_type: int
    principal: str
    host: str
    operation: int
    permission: int


@dataclass(frozen=True, slots=True)
class AclDifference:
    """Difference between the ACLs on a broker and the declared ones: missing and surplus.

    Attributes:
        missing: declared, and not at the broker.
        surplus: at the broker, for a user of onrecord, and not declared.
    """

    missing: tuple[AclBinding, ...]
    surplus: tuple[AclBinding, ...]


class CreateAclsRequest(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka is untyped
    """Kafka ``CreateAcls`` request for several ACLs; aiokafka's own takes only one.

    Args:
        bindings: the ACLs.
    """

    API_KEY = 30

    def __init__(self, bindings: Sequence[AclBinding]) -> None:
        self._bindings = bindings

    def build(self, request_struct_class: Any) -> Any:
        """Return the request."""
        return request_struct_class([tuple(one) for one in self._bindings])


class DeleteAclsRequest(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]  # aiokafka is untyped
    """Kafka ``DeleteAcls`` request for several ACLs; aiokafka's own takes only one filter.

    Args:
        bindings: the ACLs.
    """

    API_KEY = 31

    def __init__(self, bindings: Sequence[AclBinding]) -> None:
        self._bindings = bindings

    def build(self, request_struct_class: Any) -> Any:
        """Return the request."""
        return request_struct_class([tuple(one) for one in self._bindings])


def build_acl_bindings(
    kafka: KafkaSettings, principals: Mapping[str, str], rules: Iterable[AccessRule]
) -> frozenset[AclBinding]:
    """Convert declared access rules to Kafka ACLs.

    Args:
        kafka: the prefix of topics and groups.
        principals: of users who are not called ``User:onrecord-<user>``.
        rules: what is to be allowed.
    """
    return frozenset(
        AclBinding(
            RESOURCE_CODES[rule.kind],
            kafka.topic(rule.name),
            _LITERAL,
            principals.get(rule.user, get_kafka_principal(rule.user)),
            _EVERY_HOST,
            OPERATION_CODES[rule.operation],
            _ALLOW,
        )
        for rule in rules
    )


async def compare_acls_with_declared(
    kafka: KafkaSettings, principals: Mapping[str, str]
) -> AclDifference:
    """Compare the ACLs on a Kafka broker with the declared access rules.

    Args:
        kafka: how to reach the broker, as somebody who may describe its rules.
        principals: of users who are not called ``User:onrecord-<user>``.

    Raises:
        KafkaUnavailableError: no broker answers.
        KafkaError: the broker refuses, or has no authorizer.
    """
    async with open_admin_client(kafka) as admin:
        return await _compare(get_network_client(admin), kafka, principals)


async def apply_declared_acls(kafka: KafkaSettings, principals: Mapping[str, str]) -> AclDifference:
    """Create missing ACLs on a Kafka broker and delete surplus ones; idempotent.

    What is missing is allowed first, so that a service that works goes on.

    Args:
        kafka: how to reach the broker, as somebody who may alter its rules.
        principals: of users who are not called ``User:onrecord-<user>``.

    Returns:
        What was added and taken away.

    Raises:
        KafkaUnavailableError: no broker answers.
        KafkaError: the broker refuses, or has no authorizer.
    """
    async with open_admin_client(kafka) as admin:
        client = get_network_client(admin)
        difference = await _compare(client, kafka, principals)
        await create_acls(client, difference.missing)
        await delete_acls(client, difference.surplus)
        await _wait_until_in_force(client, kafka, principals)
    return difference


def find_acl_difference(
    wanted: AbstractSet[AclBinding], found: AbstractSet[AclBinding]
) -> AclDifference:
    """Return the ACLs that are missing on a broker, and those that are surplus.

    Only those of topics and groups that are declared can be surplus: the same users may serve
    another installation, whose names have another prefix, or none.

    Args:
        wanted: what is declared.
        found: what the broker has for our users.
    """
    declared = {(one.resource_type, one.resource_name) for one in wanted}
    concerned = {one for one in found if (one.resource_type, one.resource_name) in declared}
    return AclDifference(_sorted(wanted - found), _sorted(concerned - wanted))


async def create_acls(client: Any, bindings: Sequence[AclBinding]) -> None:
    """Create ACLs on a Kafka broker; existing ones are left unchanged.

    Raises:
        KafkaError: the broker refuses one.
    """
    if bindings:
        answer = await client.send(client.get_random_node(), CreateAclsRequest(bindings))
        _raise_refusals(answer.creation_responses)


async def delete_acls(client: Any, bindings: Sequence[AclBinding]) -> None:
    """Delete ACLs from a Kafka broker; missing ones are ignored.

    Raises:
        KafkaError: the broker refuses one.
    """
    if bindings:
        answer = await client.send(client.get_random_node(), DeleteAclsRequest(bindings))
        _raise_refusals(answer.filter_responses)


def format_acl_binding(binding: AclBinding) -> str:
    """Format an ACL for people: ``User:onrecord-control Read topic control-dlq``."""
    operations = {code: name.value for name, code in OPERATION_CODES.items()}
    kinds = {code: name.value for name, code in RESOURCE_CODES.items()}
    operation = operations.get(binding.operation, f"operation {binding.operation}")
    kind = kinds.get(binding.resource_type, f"resource {binding.resource_type}")
    return f"{binding.principal} {operation} {kind} {binding.resource_name}"


async def _compare(
    client: Any, kafka: KafkaSettings, principals: Mapping[str, str]
) -> AclDifference:
    wanted = build_acl_bindings(kafka, principals, list_access_rules())
    ours = {principals.get(user, get_kafka_principal(user)) for user in USERS}
    found = {one for principal in sorted(ours) for one in await list_acls(client, principal)}
    return find_acl_difference(wanted, found)


async def _wait_until_in_force(
    client: Any, kafka: KafkaSettings, principals: Mapping[str, str]
) -> None:
    """Wait until a broker has what the controller has taken, which is a moment later."""
    deadline = asyncio.get_running_loop().time() + IN_FORCE_WITHIN_S
    while (left := await _compare(client, kafka, principals)).missing or left.surplus:
        if asyncio.get_running_loop().time() > deadline:
            raise KafkaError(f"its rules are not in force within {IN_FORCE_WITHIN_S:g} s")
        await asyncio.sleep(0.05)


async def list_acls(client: Any, principal: str) -> list[AclBinding]:
    """List the ACLs on a Kafka broker that allow a principal operations.

    Raises:
        KafkaError: the broker refuses, or has no authorizer.
    """
    request = DescribeAclsRequest(_ANY, None, _LITERAL, principal, _EVERY_HOST, _ANY, _ALLOW)
    answer = await client.send(client.get_random_node(), request)
    if answer.error_code:
        raise _build_error(answer.error_code, answer.error_message)
    return [
        AclBinding(kind, name, pattern, whose, host, operation, permission)
        for kind, name, pattern, rules in answer.resources
        for whose, host, operation, permission in rules
    ]


def _sorted(bindings: Collection[AclBinding]) -> tuple[AclBinding, ...]:
    return tuple(sorted(bindings, key=lambda one: (one.principal, *one)))


def _raise_refusals(answers: Iterable[Sequence[Any]]) -> None:
    for code, message, *_ in answers:
        if code:
            raise _build_error(code, message)


def _build_error(code: int, message: str | None) -> KafkaError:
    if code == _SECURITY_DISABLED:
        return KafkaError("it has no authorizer: set authorizer.class.name")
    error: KafkaError = for_code(code)(message or "it does not say why")
    return error
