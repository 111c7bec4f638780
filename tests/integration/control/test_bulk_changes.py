"""Discards of many letters, their undoing, and snoozes: what changes and what stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.access import Role
from contracts.errors import ErrorCode, RejectedError
from contracts.topics import ALL_TOPICS
from database.pool import Database
from support.control_office import Office, TryAgainError, as_role, open_office

LATER = (datetime.now(UTC) + timedelta(hours=2)).isoformat()


class UngroundedError(RejectedError):
    """A cause that is no timeout."""

    code = ErrorCode.UNGROUNDED


async def post(office: Office, path: str, body: Any = None, status: int = 200) -> Any:
    found, answer = await office.ask("POST", f"/v1/letters{path}", body)
    assert found == status, answer
    return answer


async def states(office: Office) -> dict[UUID, str]:
    return {one.letter_id: one.state.value for one in await office.context.store.letters()}


async def test_a_discard_takes_what_matches_and_its_undoing_gives_exactly_that_back(
    office: Office,
) -> None:
    slow = [await office.died(b"%d" % number, number) for number in range(3)]
    other = await office.died(b"x", 9, error=UngroundedError("not there"))
    earlier = await office.died(b"y", 10)
    await post(office, f"/{earlier}/discard", {"reason": "by itself"})
    done = await post(office, "/discard", {"code": "llm_timeout", "reason": "a test"})
    assert (done["discarded"], done["is_more"]) == (3, False)
    assert await states(office) == {
        **dict.fromkeys([*slow, earlier], "discarded"),
        other: "open",
    }
    letter = await office.context.store.letter(slow[0])
    assert (letter.state_reason, str(letter.discard_id)) == ("a test", done["discard_id"])
    undone = await post(office, "/restore", {"discard_id": done["discard_id"]})
    assert (undone["restored"], undone["left"]) == (3, 0)
    assert await states(office) == {**dict.fromkeys([*slow, other], "open"), earlier: "discarded"}
    again = await post(office, "/restore", {"discard_id": done["discard_id"]})
    assert (again["restored"], again["left"]) == (0, 3)
    await post(office, "/restore", {"discard_id": str(uuid4())}, 404)


async def test_what_became_something_else_since_a_discard_is_left_alone(office: Office) -> None:
    ids = [await office.died(b"%d" % number, number) for number in range(4)]
    done = await post(office, "/discard", {"reason": "a test"})
    for letter_id in ids[:2]:
        assert (await post(office, f"/{letter_id}/restore"))["state"] == "open"
    await post(office, f"/{ids[0]}/discard", {"reason": "by itself, after all"})
    await post(office, f"/{ids[1]}/replay")
    undone = await post(office, "/restore", {"discard_id": done["discard_id"]})
    assert (undone["restored"], undone["left"]) == (2, 1)
    assert await states(office) == dict(
        zip(ids, ["discarded", "replayed", "open", "open"], strict=True)
    )
    await post(office, f"/{ids[2]}/restore", status=409)


async def test_a_discard_is_gone_on_with_by_its_caller_and_with_its_filter_only(
    office: Office,
) -> None:
    for number in range(3):
        await office.died(b"%d" % number, number)
    wanted = {"code": "llm_timeout", "reason": "a test", "limit": 1}
    first = await post(office, "/discard", wanted)
    same = {"discard_id": first["discard_id"], "until": first["until"]}
    problem = await post(office, "/discard", {"reason": "a test"} | same, 409)
    assert "leave out discard_id" in problem["detail"]
    assert (await post(office, "/discard", wanted | same))["discarded"] == 1
    await as_role(office, Role.OPERATOR)
    await post(office, "/discard", wanted | same, 409)
    assert list((await states(office)).values()).count("open") == 1


async def test_a_discard_of_a_few_goes_on_where_it_was_without_later_letters(
    office: Office,
) -> None:
    for number in range(5):
        await office.died(b"%d" % number, number)
    first = await post(office, "/discard", {"reason": "a test", "limit": 2})
    assert (first["discarded"], first["is_more"]) == (2, True)
    later = await office.died(b"late", 7, at=datetime.now(UTC) + timedelta(seconds=1))
    body = {"reason": "a test", "discard_id": first["discard_id"], "until": first["until"]}
    rest = await post(office, "/discard", body)
    assert (rest["discarded"], rest["discard_id"]) == (3, first["discard_id"])
    assert (await office.context.store.letter(later)).state == "open"
    few = await post(office, "/restore", {"discard_id": first["discard_id"], "limit": 4})
    assert (few["restored"], few["is_more"]) == (4, True)


async def test_what_a_replay_holds_is_neither_discarded_nor_snoozed(
    office: Office, fresh_database: Database
) -> None:
    letter = await office.died(b"1", 1)
    assert await office.context.store.claim_for_replay(letter)
    assert (await post(office, "/discard", {"reason": "a test"}))["discarded"] == 0
    assert (await post(office, "/snooze", {"snooze_until": LATER}))["snoozed"] == 0
    await post(office, f"/{letter}/snooze", {"snooze_until": LATER}, 409)
    assert await fresh_database.fetchval("SELECT state FROM dead_letters") == "replaying"


async def test_snoozed_letters_are_left_out_counted_and_come_back_by_themselves(
    office: Office, fresh_database: Database
) -> None:
    slow = [await office.died(b"%d" % number, number) for number in range(2)]
    other = await office.died(b"x", 9, error=UngroundedError("not there"))
    snoozed = {"code": "llm_timeout", "snooze_until": LATER}
    assert (await post(office, "/snooze", snoozed))["snoozed"] == 2
    assert (await post(office, "/snooze", snoozed))["snoozed"] == 0
    _, page = await office.ask("GET", "/v1/letters?state=open")
    assert ([one["letter_id"] for one in page["letters"]], page["snoozed"]) == ([str(other)], 2)
    for query in ("?state=open&snoozed=true", ""):
        _, page = await office.ask("GET", f"/v1/letters{query}")
        assert (len(page["letters"]), page["snoozed"]) == (3, 0)
    _, causes = await office.ask("GET", "/v1/causes")
    assert [one["error_code"] for one in causes["causes"]] == ["ungrounded"]
    assert causes["snoozed"] == 1
    _, causes = await office.ask("GET", "/v1/causes?snoozed=true")
    assert [one["snoozed"] for one in causes["causes"]] == [2, 0]
    _, found = await office.ask("GET", "/v1/letters/replayable")
    counted = {"letters": 3, "replayable": 1, "snoozed": 2}
    assert found == counted | {"left_out": {"snoozed": 2}}
    done = await post(office, "/replay", {})
    assert (done["replayed"], done["left_out"]) == ([str(other)], {"snoozed": 2})
    assert (await post(office, "/discard", {"reason": "a test"}))["discarded"] == 0
    await fresh_database.execute("UPDATE dead_letters SET snoozed_until = now()")  # time goes by
    _, page = await office.ask("GET", "/v1/letters?state=open")
    assert ({one["letter_id"] for one in page["letters"]}, page["snoozed"]) == (
        {*map(str, slow)},
        0,
    )
    assert len((await post(office, "/replay", {}))["replayed"]) == 2


async def test_a_snoozed_letter_is_replayed_by_its_id_and_woken_when_it_fails_again(
    office: Office, fresh_database: Database
) -> None:
    letter = await office.died(b"1", 1)
    snoozed = await post(office, f"/{letter}/snooze", {"snooze_until": LATER})
    assert datetime.fromisoformat(snoozed["snoozed_until"]) == datetime.fromisoformat(LATER)
    assert (await post(office, f"/{letter}/replay"))["state"] == "replayed"
    await office.died(b"1", 1, at=datetime.now(UTC) + timedelta(seconds=1))  # the same message
    again = await office.context.store.letter(letter)
    assert (again.state.value, again.snoozed_until) == ("open", None)
    woken = await post(office, f"/{letter}/snooze", {"snooze_until": None})
    assert woken["snoozed_until"] is None


async def test_discards_restores_and_snoozes_are_in_the_trail_with_what_they_meant(
    office: Office,
) -> None:
    letter = await office.died(b"1", 1)
    done = await post(office, "/discard", {"study": "bikes", "reason": "they left"})
    await post(office, "/restore", {"discard_id": done["discard_id"]}, 404)
    await post(office, f"/{letter}/snooze", {"snooze_until": LATER})
    page = await office.context.trail.page()
    assert [one.action for one in page.entries[:3]] == [
        "letter.snooze",
        "letters.restore",
        "letters.discard",
    ]
    entry = page.entries[2]
    assert entry.reason == "they left"
    assert json.loads(entry.target) == {"study": "bikes", "discard_id": done["discard_id"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/discard", {"code": "llm_timeout"}),
        ("/discard", {"reason": " "}),
        ("/discard", {"reason": "x", "studdy": "bikes"}),
        ("/discard", {"reason": "x", "limit": 0}),
        ("/snooze", {}),
        ("/snooze", {"snooze_until": "soon"}),
        ("/restore", {"discard_id": "3fa9"}),
    ],
)
async def test_bad_requests_change_nothing(office: Office, path: str, body: dict[str, Any]) -> None:
    letter = await office.died(b"1", 1, error=TryAgainError("slow"))
    await post(office, path, body, 400)
    assert (await office.context.store.letter(letter)).state == "open"
    assert (await office.context.trail.page()).entries == ()


async def test_the_audit_balances_before_and_after_a_discard_and_its_undoing(
    broker: str, fresh_database: Database
) -> None:
    async with open_office(broker, fresh_database, ALL_TOPICS) as office:
        await office.bench.send("chunks-ready", b"0", b"1", key=b"k")
        await office.died(b"1", 1)

        async def audited() -> tuple[bool, int, int]:
            _, report = await office.ask("GET", "/v1/audit")
            (its,) = [one for one in report["services"] if one["service"] == "enrichment"]
            return report["balances"], its["dead"], its["discarded"]

        assert await audited() == (True, 1, 0)
        done = await post(office, "/discard", {"reason": "a test"})
        assert await audited() == (True, 0, 1)
        await post(office, "/restore", {"discard_id": done["discard_id"]})
        assert await audited() == (True, 1, 0)
