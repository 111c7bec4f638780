"""Access rules of Apache Kafka: each user may do what the table says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka.errors import TopicAuthorizationFailedError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.produce import ProduceRequest

from audit.broker import open_backlog_scanner
from contracts import headers as h
from contracts.topic_access import (
    MIGRATOR,
    SERVICES,
    USERS,
    KafkaOperation,
    list_access_rules,
)
from contracts.topics import ALL_TOPICS
from control.letters.originals import OriginalMessageReader
from control.pipeline.status import read_pipeline_state
from database.pool import Database
from database.settings import PostgresSettings
from messaging import Publisher
from messaging.__main__ import main
from messaging.consumer.oversize import DigestScope
from messaging.dead_letters.stubs import DeadLetterStub
from messaging.kafka.access_checks import AccessRuleMissingError
from messaging.kafka.acls import (
    AclBinding,
    apply_declared_acls,
    compare_acls_with_declared,
)
from messaging.kafka.admin import create_topics, list_missing_topics, open_admin_client
from messaging.kafka.aiokafka_internals import get_network_client
from support.authorizing_kafka import AuthorizingKafka, change_rules, find_rules
from support.service_process import service_process

GROUP_AUTHORIZATION_FAILED = 30
RULES = list_access_rules()
"""What is declared; its cells are tried one by one."""


@pytest.fixture
async def broker(ruled_kafka: AuthorizingKafka) -> AuthorizingKafka:
    """The broker with all rules and topics, whatever the test before has changed."""
    await apply_declared_acls(ruled_kafka.user(), {})
    await create_topics(ruled_kafka.as_user(MIGRATOR), ALL_TOPICS)
    return ruled_kafka


async def test_a_broker_gets_all_rules_once_and_loses_what_is_too_much(
    broker: AuthorizingKafka,
) -> None:
    again = await apply_declared_acls(broker.user(), {})
    assert (again.missing, again.surplus) == ((), ())
    surplus = AclBinding(2, "enrichment-dlq", 3, "User:onrecord-guardrail", "*", 3, 3)
    of_somebody_else = surplus._replace(principal="User:reporting")
    await change_rules(broker, allow=[surplus, of_somebody_else])
    assert (await compare_acls_with_declared(broker.user(), {})).surplus == (surplus,)
    assert (await apply_declared_acls(broker.user(), {})).surplus == (surplus,)
    assert (await compare_acls_with_declared(broker.user(), {})).surplus == ()
    renamed = {"producer": "User:reporting"}
    assert of_somebody_else in (await compare_acls_with_declared(broker.user(), renamed)).surplus
    await change_rules(broker, forbid=[of_somebody_else])


@pytest.mark.parametrize("user", USERS)
async def test_each_user_reads_and_writes_what_the_table_says_and_nothing_else(
    broker: AuthorizingKafka, user: str
) -> None:
    topics = [topic.name for topic in ALL_TOPICS]
    async with open_admin_client(broker.as_user(user)) as admin:
        client = get_network_client(admin)
        node = client.get_random_node()
        # An empty batch is refused too, but only for who may write: nothing is written.
        written = await client.send(
            node, ProduceRequest(None, -1, 5_000, [(name, [(0, b"")]) for name in topics])
        )
        read = await client.send(
            node, FetchRequest(0, 1, 1_000, 0, [(name, [(0, 0, 100)]) for name in topics])
        )
        beats = {
            group: (await client.send(node, HeartbeatRequest(group, 1, "nobody"))).error_code
            for group in (*SERVICES, "somebody-else")
        }
    refused = TopicAuthorizationFailedError.errno
    writes = {name: parts[0][1] for name, parts in written.topics}
    reads = {name: parts[0][1] for name, parts in read.topics}
    assert {*writes} == {*reads} == {*topics}
    allowed = {(one.operation, one.name) for one in RULES if one.user == user}
    assert {name for name, code in writes.items() if code != refused} == {
        name for operation, name in allowed if operation is KafkaOperation.WRITE and name in topics
    }
    assert {name for name, code in reads.items() if code != refused} == {
        name for operation, name in allowed if operation is KafkaOperation.READ and name in topics
    }
    assert {group for group, code in beats.items() if code != GROUP_AUTHORIZATION_FAILED} == {
        name for operation, name in allowed if operation is KafkaOperation.READ and name in SERVICES
    }
    assert {for_code(code) for code in writes.values()} <= {
        TopicAuthorizationFailedError,
        for_code(87),  # InvalidRecord
    }


async def test_a_record_that_may_not_be_written_is_an_outage_that_names_topic_and_user(
    broker: AuthorizingKafka,
) -> None:
    async with Publisher(broker.as_user("guardrail"), source="/test") as publisher:
        with pytest.raises(AccessRuleMissingError) as refused:
            await publisher.forward("notes-drafted", b"k", b"v", ())
    assert "'onrecord-guardrail': Write on topic notes-drafted;" in str(refused.value)


async def test_what_may_not_be_seen_is_not_taken_for_missing(broker: AuthorizingKafka) -> None:
    async with Publisher(broker.as_user("guardrail"), source="/test") as publisher:
        with pytest.raises(AccessRuleMissingError, match="Write on topic enrichment-retry-0"):
            await publisher.find_missing_topics(["enrichment-retry-0"])
        assert await publisher.find_missing_topics(["notes-validated"]) == frozenset()
    with pytest.raises(AccessRuleMissingError, match="Write on topic transcripts-submitted"):
        await list_missing_topics(
            broker.as_user("guardrail"), ["transcripts-submitted"], KafkaOperation.WRITE
        )
    async with open_backlog_scanner(broker.as_user("producer")) as scanner:
        with pytest.raises(AccessRuleMissingError, match=r"Read on topic chunks-ready, .*more"):
            await scanner.scan()
    originals = OriginalMessageReader(broker.as_user("producer"), timeout_s=10)
    place = (
        (h.DLQ_TOPIC, b"chunks-ready"),
        (h.DLQ_PARTITION, b"0"),
        (h.DLQ_OFFSET, b"0"),
    )
    try:
        with pytest.raises(AccessRuleMissingError, match="Read on topic chunks-ready"):
            await originals.read("enrichment", place, DeadLetterStub(DigestScope.RECORD, 0, ""))
    finally:
        await originals.close()


async def test_a_group_that_may_not_be_seen_is_not_taken_for_one_that_never_was(
    broker: AuthorizingKafka,
) -> None:
    """Else all that its topics have would be shown as what it has before it."""
    control = broker.as_user("control")
    state = await read_pipeline_state(control, ())
    assert {one.state for one in state.services} <= {"Unknown", "Empty", "Dead", "Stable"}
    rules = find_rules(broker, ("control", KafkaOperation.DESCRIBE, "guardrail"))
    await change_rules(broker, forbid=rules)
    with pytest.raises(AccessRuleMissingError, match="Describe on group guardrail"):
        await read_pipeline_state(control, ())
    await change_rules(broker, allow=rules)


MISSING = {
    "a topic that is written": (
        "ingestion",
        KafkaOperation.WRITE,
        "ingestion-dlq",
        "'onrecord-ingestion': Write on topic ingestion-dlq;",
    ),
    "a topic that is read": (
        "ingestion",
        KafkaOperation.READ,
        "transcripts-submitted",
        "'onrecord-ingestion': Read on topic transcripts-submitted;",
    ),
    "the group": (
        "ingestion",
        KafkaOperation.READ,
        "ingestion",
        "'onrecord-ingestion': Read on group ingestion;",
    ),
}


@pytest.mark.parametrize("missing", MISSING)
async def test_a_service_waits_for_a_missing_rule_and_names_it(
    broker: AuthorizingKafka,
    fresh_database: Database,
    postgres_settings: PostgresSettings,
    missing: str,
    tmp_path: Path,
) -> None:
    user, operation, name, message = MISSING[missing]
    rules = find_rules(broker, (user, operation, name))
    await change_rules(broker, forbid=rules)
    del fresh_database  # it is migrated
    env = broker.env_of("ingestion") | {"POSTGRES_DSN": postgres_settings.dsn.get_secret_value()}
    with service_process("ingestion", env, tmp_path) as service:
        await service.waits_for(message)
        await change_rules(broker, allow=rules)
        await service.is_ready()
        # And so it does where a rule is taken away while it works.
        await change_rules(broker, forbid=rules)
        if operation is not KafkaOperation.WRITE:  # what is not written to is not noticed
            await service.waits_for(message)
        await change_rules(broker, allow=rules)
        await service.is_ready()
    assert not [one for one in service.events() if one["event"] in {"broken", "dead_letter"}]


def test_the_command_applies_and_checks(
    ruled_kafka: AuthorizingKafka,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in ruled_kafka.env().items():
        monkeypatch.setenv(name, value)
    assert main(["acls", "apply"]) == 0
    capsys.readouterr()
    assert main(["acls", "check"]) == 0
    assert capsys.readouterr().out == "0 rules missing, 0 rules surplus\n"
    assert main(["acls", "check", "--principal", "producer=User:CN=crm"]) == 1
    said = capsys.readouterr().out
    assert "missing: User:CN=crm Write topic transcripts-submitted\n" in said
    for name, value in ruled_kafka.env_of("enrichment").items():
        monkeypatch.setenv(name, value)
    assert main(["acls", "apply"]) == 1
    assert "the broker refused: " in capsys.readouterr().err
