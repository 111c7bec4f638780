"""Edits of dead letters: which value a replay sends, and that it never sends both."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from contracts.access import Role
from contracts.errors import ErrorCode, RejectedError
from contracts.replay_plans import CreateReplayPlanRequest
from contracts.topics import build_retry_topic
from control.replays.plans.runner import ReplayPlanRunner
from control.replays.replayer import DeadLetterReplayer
from messaging import KafkaUnavailableError
from messaging.codec import encode_event
from support.chunks import CHUNK
from support.control_office import Office, as_role, letter_bytes
from support.waiting import until

RETRY = build_retry_topic("enrichment", 0).name
WHY = {"reason": "the title is wrong"}


def event(title: str) -> dict[str, Any]:
    return CHUNK.model_dump(mode="json") | {"title": title}


async def edit(
    office: Office, letter: UUID, title: str, version: str = "*", **more: Any
) -> tuple[int, Any]:
    answer = await office.client.put(
        f"{office.url}/v1/letters/{letter}/edit",
        json={"value": event(title), **WHY, **more},
        headers={"If-Match": version},
    )
    return answer.status_code, answer.json()


async def undo(office: Office, letter: UUID, version: str = "*") -> int:
    path = f"{office.url}/v1/letters/{letter}/edit"
    answer = await office.client.delete(path, headers={"If-Match": version})
    return answer.status_code


async def sent_titles(office: Office, number: int) -> list[str]:
    records = await office.bench.records(RETRY, number)
    return [json.loads(record.value)["title"] for record in records]


async def test_a_replay_sends_the_edit_and_the_dlq_keeps_the_message(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    status, shown = await edit(office, letter, "Cars")
    assert (status, shown["current"], shown["value"]["title"]) == (200, 1, "Cars")
    (change,) = shown["edits"][0]["changes"]
    assert change == {"path": "/title", "before": "Interview 1", "after": "Cars"}
    assert (await office.ask("GET", f"/v1/letters/{letter}"))[1]["letter"]["edit"] == 1
    answer = await office.client.get(f"{office.url}/v1/letters/{letter}/value")
    assert answer.json()["title"] == "Interview 1"
    assert (await office.ask("POST", f"/v1/letters/{letter}/replay"))[0] == 200
    (record,) = await office.bench.records(RETRY, 1)
    assert json.loads(record.value)["title"] == "Cars"
    assert record.key == CHUNK.key.encode()
    assert (await edit(office, letter, "Trains"))[0] == 409
    assert await undo(office, letter) == 409


async def test_an_edit_that_is_undone_is_kept_and_not_sent(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    await edit(office, letter, "Cars")
    assert await undo(office, letter) == 200
    _, shown = await edit(office, letter, "Trains")
    assert [one["number"] for one in shown["edits"]] == [2, 1]
    await undo(office, letter)
    _, shown = await office.ask("GET", f"/v1/letters/{letter}/edit")
    assert (shown["current"], len(shown["edits"])) == (None, 2)
    await office.ask("POST", "/v1/letters/replay")
    assert await sent_titles(office, 1) == ["Interview 1"]


async def test_of_two_who_edit_what_they_read_one_is_refused(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    answer = await office.client.get(f"{office.url}/v1/letters/{letter}/edit")
    assert answer.headers["etag"] == '"0"'
    found = await asyncio.gather(*(edit(office, letter, f"{n}", '"0"') for n in range(8)))
    assert Counter(status for status, _ in found) == {200: 1, 412: 7}
    no_version = await office.client.put(
        f"{office.url}/v1/letters/{letter}/edit", json={"value": event("x"), **WHY}
    )
    assert no_version.status_code == 428


async def test_a_check_keeps_nothing_and_a_refused_edit_says_why(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    assert (await edit(office, letter, "Cars", dry_run=True))[1]["current"] is None
    assert (await edit(office, letter, "T" * 100_000))[0] == 400
    locked = event("Cars") | {"segments": []}
    path = f"/v1/letters/{letter}/edit"
    answer = await office.client.put(
        office.url + path, json={"value": locked, **WHY}, headers={"If-Match": "*"}
    )
    assert (answer.status_code, "/segments" in answer.json()["detail"]) == (400, True)
    assert (await office.ask("GET", path))[1]["edits"] == []
    unknown = UUID(int=5)
    assert (await edit(office, unknown, "Cars"))[0] == 404


async def test_what_an_outage_sent_all_the_same_is_not_sent_again_once_it_failed_again(
    office: Office,
) -> None:
    letter = await office.died_of(CHUNK, 1)
    cut_short = DeadLetterReplayer(office.context.store, office.context.reader, OutagePublisher())  # type: ignore[arg-type]
    with pytest.raises(KafkaUnavailableError):
        await cut_short.replay(letter)
    before = await office.context.store.letter(letter)
    again = before.model_copy(
        update={"letter_id": UUID(int=3), "replay_of": letter, "dlq_offset": 9, "dlq_partition": 0}
    )
    assert await office.context.store.index_letter(again)
    after = await office.context.store.letter(letter)
    assert (after.state, after.became) == ("failed_again", again.letter_id)
    assert (await edit(office, letter, "Cars"))[0] == 409


async def test_a_letter_that_is_edited_goes_back_with_the_others_though_nothing_mends_its_cause(
    office: Office,
) -> None:
    class DoubtfulError(RejectedError):
        code = ErrorCode.DOUBTFUL_READING

    value = encode_event(CHUNK, source="/test")
    added = letter_bytes(
        1, value=value[1], key=value[0], original=tuple(value[2]), error=DoubtfulError("doubt")
    )
    letter = await office.set_aside(value[1], added, key=value[0])
    for way in ("/v1/plans", "/v1/letters/replay"):
        _, found = await office.ask("POST", way, {})
        assert "doubtful_reading" in json.dumps(found), found
    await edit(office, letter, "Cars")
    _, found = await office.ask("GET", "/v1/letters/replayable")
    assert (found["letters"], found["replayable"]) == (1, 1)
    _, plan = await office.ask("POST", "/v1/plans", {})
    assert plan["letters"] == 1
    await office.ask("POST", "/v1/letters/replay", {})
    assert await sent_titles(office, 1) == ["Cars"]


async def test_a_message_of_any_bytes_may_be_looked_at(office: Office) -> None:
    texts = (b'{"title": "a\\u0000b", "revision": 1e400}', b"\x00\xff", b'{"a": "\\ud800"}', None)
    for number, value in enumerate(texts):
        letter = await office.died(value, number)
        status, shown = await office.ask("GET", f"/v1/letters/{letter}/edit")
        assert (status, shown["editable"]) == (200, []), value


async def test_the_trail_has_who_and_which_fields_and_no_words(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    await edit(office, letter, "CANARYWORDS")
    (entry,) = (await office.context.trail.page(action="letter.edit")).entries
    assert json.loads(entry.target)["changes"] == ["/title"]
    assert (entry.reason, "CANARY" in entry.model_dump_json()) == (WHY["reason"], False)


async def test_an_operator_who_may_not_read_evidence_edits_nothing(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    await as_role(office, Role.OPERATOR)
    assert (await edit(office, letter, "Cars"))[0] == 403
    assert (await office.ask("GET", f"/v1/letters/{letter}/edit"))[0] == 403


@pytest.mark.parametrize("way", ["one", "many", "plan"])
async def test_edits_and_replays_at_the_same_time_send_one_value_each(
    office: Office, way: str
) -> None:
    letters = [await office.died_of(CHUNK, number) for number in range(30)]

    async def replay() -> None:
        if way == "one":
            await asyncio.gather(
                *(office.ask("POST", f"/v1/letters/{one}/replay") for one in letters)
            )
        elif way == "many":
            while await size(office) < len(letters):  # what is locked by an edit is left out
                await office.ask("POST", "/v1/letters/replay")
        else:
            plans = office.context.plans
            plan = await plans.create(CreateReplayPlanRequest(canary=False), "ada")
            runner = ReplayPlanRunner(plans, office.context.replayer, poll_s=0.02)
            async with runner.running():
                await plans.start(plan.plan_id)

                async def is_sent() -> bool:
                    return await size(office) == len(letters)

                await until(is_sent)

    async def change(letter: UUID) -> tuple[UUID, int]:
        status, _ = await edit(office, letter, f"edited {letter}")
        return letter, status

    replaying = asyncio.create_task(replay())
    edited = await asyncio.gather(*(change(one) for one in letters))
    await replaying
    kept = {letter for letter, status in edited if status == 200}
    titles = await sent_titles(office, len(letters))
    assert await size(office) == len(letters)
    assert sorted(titles) == sorted(
        f"edited {one}" if one in kept else "Interview 1" for one in letters
    )


async def size(office: Office) -> int:
    return int(await office.bench.size(RETRY))


async def test_a_replay_that_a_crash_cut_short_sends_the_edit_it_claimed(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    await edit(office, letter, "Cars")
    assert await office.context.store.claim_for_replay(letter)
    assert (await edit(office, letter, "Trains"))[0] == 409
    assert await office.context.replayer.finish_interrupted() == 1
    assert await sent_titles(office, 1) == ["Cars"]


class OutagePublisher:
    """A publisher whose broker takes a message and does not say so."""

    async def find_missing_topics(self, _: Any) -> frozenset[str]:
        return frozenset()

    async def forward(self, *_: Any) -> None:
        raise KafkaUnavailableError("no answer")


async def test_what_an_outage_may_have_sent_is_not_edited(office: Office) -> None:
    letter = await office.died_of(CHUNK, 1)
    context = office.context
    cut_short = DeadLetterReplayer(context.store, context.reader, OutagePublisher())  # type: ignore[arg-type]
    with pytest.raises(KafkaUnavailableError):
        await cut_short.replay(letter)
    assert (await context.store.letter(letter)).state == "open"
    status, refused = await edit(office, letter, "Cars")
    assert (status, "may have been sent" in refused["detail"]) == (409, True)
    assert await undo(office, letter) == 409
    await office.ask("POST", f"/v1/letters/{letter}/replay")
    assert await sent_titles(office, 1) == ["Interview 1"]
