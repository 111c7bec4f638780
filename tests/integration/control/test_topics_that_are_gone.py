"""Replays while retry topics or source topics do not exist: named, and nobody else's trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any
from uuid import UUID

import pytest

from contracts.control_api import DeadLetterState
from contracts.topics import build_dlq_topic, build_retry_topic
from control.replays import sender
from database.pool import Database
from messaging.kafka.admin import create_topics, list_missing_topics, open_admin_client
from support.control_office import Office, open_office
from support.waiting import until

GONE = "guardrail"
"""The service whose retry topic is deleted; its DLQ lies between those of the others."""

SERVICES = ("enrichment", GONE, "persistence")
TOPICS = [topic for one in SERVICES for topic in (build_dlq_topic(one), build_retry_topic(one, 0))]
RETRY = build_retry_topic(GONE, 0)


@pytest.fixture
async def offices(broker: str, fresh_database: Database) -> AsyncIterator[Office]:
    """Letters of three services."""
    async with open_office(broker, fresh_database, TOPICS) as opened:
        yield opened


async def delete(office: Office, *names: str) -> None:
    topics = [office.bench.kafka.topic(name) for name in names]
    async with open_admin_client(office.bench.kafka) as admin:
        await admin.delete_topics(topics)

        async def are_gone() -> bool:
            return not {*topics} & {*await admin.list_topics()}

        await until(are_gone)


async def one_of_each(office: Office, offset: int = 1) -> dict[str, UUID]:
    return {one: await office.died(b"%d" % offset, offset, one) for one in SERVICES}


async def states(office: Office, letters: Iterable[UUID]) -> set[DeadLetterState]:
    found = {one.letter_id: one.state for one in await office.context.store.letters()}
    return {found[one] for one in letters}


async def ask_soon(office: Office, path: str, body: Any = None) -> tuple[int, Any]:
    """As ``Office.ask``, well before the command line gives up waiting."""
    async with asyncio.timeout(10):
        return await office.ask("POST", path, body)


@pytest.mark.parametrize("known", [False, True], ids=["never written to", "written to before"])
async def test_letters_of_a_service_without_its_retry_topic_stay_open_and_others_are_replayed(
    offices: Office, *, known: bool
) -> None:
    if known:
        await one_of_each(offices)
        status, _ = await offices.ask("POST", "/v1/letters/replay")
        assert status == 200
    await delete(offices, RETRY.name)
    letters = await one_of_each(offices, 2)

    status, body = await ask_soon(offices, "/v1/letters/replay")

    assert status == 200
    assert {*body["replayed"]} == {str(letters["enrichment"]), str(letters["persistence"])}
    ((letter, why),) = body["not_replayed"].items()
    assert letter == str(letters[GONE])
    assert offices.bench.kafka.topic(RETRY.name) in why
    assert "python -m messaging topics create" in why
    assert await states(offices, [letters[GONE]]) == {DeadLetterState.OPEN}
    assert await list_missing_topics(offices.bench.kafka, [offices.bench.kafka.topic(RETRY.name)])

    await create_topics(offices.bench.kafka, [RETRY])
    _, body = await ask_soon(offices, "/v1/letters/replay")
    assert body["replayed"] == [str(letters[GONE])]
    assert await offices.bench.size(RETRY.name) == 1


@pytest.mark.parametrize("known", [False, True], ids=["never written to", "written to before"])
async def test_a_letter_without_its_retry_topic_is_refused_by_name_and_stays_open(
    offices: Office, *, known: bool
) -> None:
    if known:
        before = await offices.died(b"before", 1, GONE)
        assert (await offices.ask("POST", f"/v1/letters/{before}/replay"))[0] == 200
    await delete(offices, RETRY.name)
    letter = await offices.died(b"v", 2, GONE)
    status, body = await ask_soon(offices, f"/v1/letters/{letter}/replay")
    assert status == 424
    assert offices.bench.kafka.topic(RETRY.name) in body["detail"]
    assert "python -m messaging topics create" in body["detail"]
    assert await states(offices, [letter]) == {DeadLetterState.OPEN}
    await create_topics(offices.bench.kafka, [RETRY])
    assert (await ask_soon(offices, f"/v1/letters/{letter}/replay"))[0] == 200


async def test_interrupted_replays_into_a_topic_that_is_gone_are_open_again(
    offices: Office,
) -> None:
    letters = await one_of_each(offices)
    for one in letters.values():
        assert await offices.context.store.claim_for_replay(one)
    await delete(offices, RETRY.name)
    async with offices.context.replayer.repairing():

        async def are_settled() -> bool:
            return DeadLetterState.REPLAYING not in await states(offices, letters.values())

        await until(are_settled, within_s=10)
    assert await states(offices, [letters.pop(GONE)]) == {DeadLetterState.OPEN}
    assert await states(offices, letters.values()) == {DeadLetterState.REPLAYED}


async def test_letters_on_their_way_into_a_topic_that_is_deleted_are_open_again_and_keep_no_others(
    offices: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ACKNOWLEDGED_WITHIN_S", 1.0)
    await one_of_each(offices)
    await offices.ask("POST", "/v1/letters/replay")
    letters = await one_of_each(offices, 2)
    publisher = offices.context.replayer.sender.publisher
    look = publisher.find_missing_topics

    async def look_then_lose_it(topics: Collection[str]) -> frozenset[str]:
        found = await look(topics)
        await delete(offices, RETRY.name)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(publisher, "find_missing_topics", look_then_lose_it)
        status, _ = await ask_soon(offices, "/v1/letters/replay")
    assert status == 503
    async with asyncio.timeout(20):
        status, _ = await offices.ask("POST", "/v1/letters/replay")
    assert status == 200

    async def are_settled() -> bool:
        return DeadLetterState.REPLAYING not in await states(offices, letters.values())

    await until(are_settled)
    assert await states(offices, [letters.pop(GONE)]) == {DeadLetterState.OPEN}
    assert await states(offices, letters.values()) == {DeadLetterState.REPLAYED}
