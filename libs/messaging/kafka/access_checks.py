"""What a broker's access rules (ACLs) let this client do, and errors that name what they do not.

A broker lists no topic that the client may not describe: to clients it looks as if it did not
exist. So topics that seem to be missing are asked for by name, as the broker then says which it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    TopicAuthorizationFailedError,
)

from contracts.topic_access import KafkaOperation, KafkaResourceKind
from messaging.kafka.connection_errors import KafkaAccessDeniedError
from messaging.kafka.protocol import TopicIdsRequest
from messaging.settings import KafkaSettings

MAX_SHOWN: Final = 4
"""Most operations that one error lists."""

OPERATION_BITS: Final = {KafkaOperation.READ: 1 << 3, KafkaOperation.WRITE: 1 << 4}
"""Bits of what a client may do with a topic, in the broker's answer (KIP-430)."""

Denial = tuple[KafkaOperation, KafkaResourceKind, str]
"""An operation that is not allowed, and the topic or group it was meant for."""


class AccessRuleMissingError(KafkaAccessDeniedError):
    """Raised when the broker's ACLs do not allow an operation that a service needs."""


def build_denial_error(kafka: KafkaSettings, denials: Iterable[Denial]) -> AccessRuleMissingError:
    """Build the error for denied operations: the user, the topics or groups, and what to do."""
    phrases = [f"{operation} on {kind} {name}" for operation, kind, name in denials]
    more = len(phrases) - MAX_SHOWN
    shown = [*phrases[:MAX_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return AccessRuleMissingError(
        f"the broker does not allow {_name_user(kafka)}: {', '.join(shown)}; add the access rules "
        "(`python -m messaging acls apply`)"
    )


def explain_denial(kafka: KafkaSettings, error: KafkaError) -> AccessRuleMissingError | None:
    """Convert a consumer's authorization failure to a clear error; None for other errors.

    Args:
        kafka: who we are.
        error: aiokafka's, which names the topics or the group.
    """
    if isinstance(error, TopicAuthorizationFailedError):
        topics = error.args[0] if error.args else "unknown"
        names = [topics] if isinstance(topics, str) else sorted(topics)
        return build_denial_error(
            kafka, [(KafkaOperation.READ, KafkaResourceKind.TOPIC, n) for n in names]
        )
    if isinstance(error, GroupAuthorizationFailedError):
        group = str(error.args[0]) if error.args else "unknown"
        return build_denial_error(kafka, [(KafkaOperation.READ, KafkaResourceKind.GROUP, group)])
    return None


async def require_topic_access(
    kafka: KafkaSettings, client: Any, wanted: Mapping[str, Collection[KafkaOperation]]
) -> None:
    """Raise an error unless the broker's ACLs allow operations on topics.

    A topic that does not exist, although the client might use it, is no error. Brokers that do not
    know the request (before Kafka 3.1) or do not answer this part of it, as the embedded one, are
    believed to allow everything.

    Args:
        kafka: who we are.
        client: aiokafka's client, as its consumer and its admin client have one.
        wanted: operations by topic, by the broker's names.

    Raises:
        AccessRuleMissingError: some are not allowed.
        KafkaError: the broker does not answer.
    """
    if not wanted:
        return
    request = TopicIdsRequest(sorted(wanted), with_operations=True)
    try:
        response = await client.send(client.get_random_node(), request)
    except (NotImplementedError, IncompatibleBrokerVersion):
        return
    denials = [
        (operation, KafkaResourceKind.TOPIC, name)
        for error, name, _, _, _, operations, *_ in sorted(response.topics, key=lambda it: it[1])
        for operation in sorted(wanted[name])
        if error == TopicAuthorizationFailedError.errno
        # Who is told of a topic may at least describe it, so no bit at all means no answer.
        or (not error and operations > 0 and not operations & OPERATION_BITS[operation])
    ]
    if denials:
        raise build_denial_error(kafka, denials)


def _name_user(kafka: KafkaSettings) -> str:
    if kafka.logs_in:
        return f"the user {kafka.sasl_username!r}"
    if kafka.ssl_certfile:
        return f"the user of the certificate {kafka.ssl_certfile}"
    return "clients without a login (User:ANONYMOUS)"
