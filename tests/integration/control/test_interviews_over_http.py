"""Interviews, segments and notes over HTTP: masked, in pages, and of one's own studies only."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.ids import derive_id
from contracts.study import PersonalData
from contracts.transcript import Role as Speaking
from contracts.transcript import Segment
from control.api.limits import HeavyRequestLimiter
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office, as_role, open_office
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    evidence,
    ingested,
    note,
    refused,
    validated,
)
from support.many_interviews import STUDY as MANY
from support.many_interviews import interview

MASKED = STUDY.model_copy(update={"personal_data": PersonalData.MASK})
OPEN = STUDY.model_copy(update={"personal_data": PersonalData.ALLOW})
SAID = (
    Segment(number=1, speaker="Ada Lovelace", role=Speaking.INTERVIEWER, text="What do you pay?"),
    Segment(
        number=2,
        speaker="Bo",
        role=Speaking.PARTICIPANT,
        text="Write to bo@example.org, says Ada. We pay 40 dollars.",
        start_ms=1_000,
        end_ms=9_000,
    ),
    Segment(number=3, speaker="Bo", role=Speaking.PARTICIPANT, text="Nothing else."),
)
PATH = f"/v1/transcripts/{TRANSCRIPT}"
NOTE = note("They pay", evidence("We pay 40 dollars", masked_quote="We pay [AMOUNT]"))


async def trail(office: Office) -> list[tuple[str, str | None]]:
    return [(one.action, one.study_id) for one in (await office.context.trail.page()).entries]


async def segments(office: Office, query: str = "") -> list[dict[str, Any]]:
    status, page = await office.ask("GET", f"{PATH}/segments?{query}")
    assert status == 200
    found: list[dict[str, Any]] = page["segments"]
    return found


@pytest.mark.parametrize("study", [MASKED, STUDY, OPEN])
async def test_segments_are_masked_unless_the_study_allows_personal_data(
    office: Office, fresh_database: Database, study: Any
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested(study=study, segments=SAID))
    await as_role(office, Role.READER, STUDY.study_id)
    asked, answered, _ = await segments(office)
    if study is OPEN:
        assert (answered["text"], answered["is_masked"]) == (SAID[1].text, False)
        assert asked["speaker"] == "Ada Lovelace"
    else:
        assert answered["text"] == "Write to [EMAIL], says [PERSON]. We pay 40 dollars."
        assert (asked["speaker"], answered["speaker"]) == ("interviewer 1", "participant 2")
        assert asked["is_masked"]
    assert (answered["start_ms"], answered["end_ms"]) == (1_000, 9_000)
    assert await trail(office) == []


@pytest.mark.parametrize("has_notes", [False, True])
@pytest.mark.parametrize("default", list(PersonalData))
@pytest.mark.parametrize("policy", [None, *PersonalData])
async def test_words_are_shown_as_they_are_only_where_the_study_itself_allows_it(
    office: Office,
    fresh_database: Database,
    policy: PersonalData | None,
    default: PersonalData,
    has_notes: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Notes that the guardrail accepted look the same where it allows and where it rejects."""
    store = NotesStore(fresh_database)
    study = STUDY.model_copy(update={"personal_data": policy})
    await store.store_transcript(ingested(study=study, segments=SAID))
    if has_notes:
        is_masked = (policy or default) is PersonalData.MASK
        quote = "We pay 40 dollars"
        cited = evidence(
            quote,
            start=SAID[1].text.index(quote),
            start_ms=SAID[1].start_ms,
            end_ms=SAID[1].end_ms,
            masked_quote="We pay [AMOUNT]" if is_masked else None,
        )
        await store.store_notes(validated(note("They pay", cited)))
    await as_role(office, Role.READER, STUDY.study_id)
    asked, answered, _ = await segments(office)
    _, page = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/speakers")
    speakers = page["speakers"]
    if policy is PersonalData.ALLOW:
        assert (asked["speaker"], answered["text"]) == ("Ada Lovelace", SAID[1].text)
        assert speakers == ["Ada Lovelace", "Bo"]
    else:
        shown = f"{asked['speaker']}: {answered['text']}"
        assert shown == "interviewer 1: Write to [EMAIL], says [PERSON]. We pay 40 dollars."
        # Who is quoted with their label, is so in the list of notes as well.
        is_quoted = has_notes and policy is None and default is not PersonalData.MASK
        assert sorted(speakers) == (
            ["Bo", "interviewer 1"] if is_quoted else ["interviewer 1", "participant 2"]
        )


async def test_exact_segments_take_their_right_and_leave_a_trace(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested(study=MASKED, segments=SAID))
    await as_role(office, Role.READER)
    assert (await office.ask("GET", f"{PATH}/segments?exact=true"))[0] == 403
    assert await trail(office) == []
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    assert [one["text"] for one in await segments(office, "exact=true")] == [
        one.text for one in SAID
    ]
    assert await trail(office) == [("segments.read_exact", STUDY.study_id)]
    assert all(one["is_masked"] for one in await segments(office))


async def test_segments_come_in_pages_of_one_revision(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(segments=SAID))
    _, first = await office.ask("GET", f"{PATH}/segments?limit=2")
    await store.store_transcript(ingested(2, segments=SAID[:1]))
    status, rest = await office.ask("GET", f"{PATH}/segments?limit=2&cursor={first['next']}")
    assert status == 200
    assert [one["number"] for one in (*first["segments"], *rest["segments"])] == [1, 2, 3]
    assert (first["revision"], rest["revision"], rest["next"]) == (1, 1, None)
    _, latest = await office.ask("GET", f"{PATH}/segments")
    assert (latest["revision"], len(latest["segments"])) == (2, 1)
    query = f"revision=2&cursor={first['next']}"
    assert (await office.ask("GET", f"{PATH}/segments?{query}"))[0] == 400


async def test_what_is_of_another_study_is_as_if_it_were_not_there(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(NOTE))
    await as_role(office, Role.EVIDENCE_READER, "another")
    nobody = derive_id("nobody")
    for there, nowhere in (
        (PATH, f"/v1/transcripts/{nobody}"),
        (f"{PATH}/segments", f"/v1/transcripts/{nobody}/segments"),
        (f"{PATH}/segments?exact=true", f"/v1/transcripts/{nobody}/segments?exact=true"),
        (f"/v1/notes/{NOTE.note_id}", f"/v1/notes/{nobody}"),
        (f"/v1/notes/{NOTE.note_id}/evidence", f"/v1/notes/{nobody}/evidence"),
        (f"/v1/notes/{NOTE.note_id}?exact=true", f"/v1/notes/{nobody}?exact=true"),
        (f"/v1/notes/{NOTE.note_id}/explanation", f"/v1/notes/{nobody}/explanation"),
    ):
        answers = [await office.ask("GET", path) for path in (there, nowhere)]
        shown = [
            (status, body["detail"].replace(str(key), "ID").replace(UUID(str(key)).hex, "ID"))
            for (status, body), key in zip(
                answers,
                (TRANSCRIPT if "transcripts" in there else NOTE.note_id, nobody),
                strict=True,
            )
        ]
        assert shown[0] == shown[1]
        assert shown[0][0] == 404
    assert await trail(office) == []


async def test_an_earlier_revision_of_another_study_stays_with_its_readers(
    office: Office, fresh_database: Database
) -> None:
    """Who submits an interview's id again, for a study of their own, does not read it there."""
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(study=OPEN))
    theirs = OPEN.model_copy(update={"study_id": "theirs"})
    await store.store_transcript(ingested(999, study=theirs, segments=SAID[:1]))
    await as_role(office, Role.EVIDENCE_READER, "theirs")
    assert [one["number"] for one in await segments(office)] == [1]
    for query in ("revision=1", "revision=1&exact=true"):
        assert (await office.ask("GET", f"{PATH}/segments?{query}"))[0] == 404
    await as_role(office, Role.READER, STUDY.study_id)
    assert len(await segments(office, "revision=1")) == 2


async def test_a_transcript_says_how_far_it_is_read(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(NOTE))

    async def read() -> tuple[str, int, int, int]:
        one = (await office.ask("GET", PATH))[1]["transcript"]
        return one["status"], one["stored"], one["chunks"], one["notes"]

    assert await read() == ("in_progress", 1, 2, 1)
    await store.store_notes(validated(index=2))
    assert await read() == ("complete", 2, 2, 1)


async def test_interviews_are_listed_in_pages_with_their_notes(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    for number in range(5):
        made = interview(number, 2)
        await store.store_transcript(made.ingested)
        for drafted in made.drafts[: number % 3]:
            await store.store_notes(drafted)
    await as_role(office, Role.READER, MANY.study_id)
    found: list[dict[str, Any]] = []
    path = f"/v1/studies/{MANY.study_id}/transcripts?limit=2"
    cursor = ""
    for _ in range(3):
        _, page = await office.ask("GET", path + cursor)
        found += page["transcripts"]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None
    assert [one["title"] for one in found] == sorted(one["title"] for one in found)
    assert len({one["transcript_id"] for one in found}) == 5
    for one in found:
        assert (one["notes"] > 0) == (one["stored"] > 0)
        assert (one["status"] == "complete") == (one["stored"] == 2)


async def test_a_note_is_read_masked_and_exactly_by_those_who_may(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(NOTE))
    path = f"/v1/notes/{NOTE.note_id}"
    await as_role(office, Role.READER, STUDY.study_id)
    _, one = await office.ask("GET", path)
    assert (one["note_id"], one["evidence"][0]["quote"]) == (str(NOTE.note_id), "We pay [AMOUNT]")
    _, cited = await office.ask("GET", f"{path}/evidence")
    assert cited["evidence"] == one["evidence"]
    for rest in ("?exact=true", "/evidence?exact=true"):
        assert (await office.ask("GET", path + rest))[0] == 403
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    _, cited = await office.ask("GET", f"{path}/evidence?exact=true")
    assert cited["evidence"][0]["quote"] == "We pay 40 dollars"
    assert await trail(office) == [("note.read_exact", STUDY.study_id)]


async def test_refused_notes_and_explanations_go_into_the_trail(
    office: Office, fresh_database: Database
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    await store.store_notes(validated(NOTE, rejected=(refused(), refused("Nobody pays"))))
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    rejected = f"/v1/studies/{STUDY.study_id}/notes/rejected?limit=1"
    _, first = await office.ask("GET", rejected)
    _, second = await office.ask("GET", f"{rejected}&cursor={first['next']}")
    drafted = [one["draft"]["statement"] for one in (*first["notes"], *second["notes"])]
    assert (drafted, second["next"]) == (["Everybody loves it", "Nobody pays"], None)
    digits = first["notes"][0]["rejected_id"][:8]
    status, found = await office.ask("GET", f"/v1/notes/{digits}/explanation")
    assert (status, found["state"]) == (200, "refused")
    assert {one["check"] for one in found["checks"] if one["then"]} == {"quote_not_found"}
    assert await trail(office) == [
        ("note.explain", STUDY.study_id),
        *[("notes.read_rejected", STUDY.study_id)] * 2,
    ]


@pytest.mark.parametrize("odd", ["----", "a-b-c", "a" * 33, "a" * 36, "-" * 36])
async def test_what_cannot_be_how_a_note_begins_is_refused(office: Office, odd: str) -> None:
    status, problem = await office.ask("GET", f"/v1/notes/{odd}/explanation")
    assert status == 400
    assert "4 to 32 hexadecimal digits" in problem["detail"]
    assert await trail(office) == []
    for fine in ("a-b-c-d", "a" * 32):
        assert (await office.ask("GET", f"/v1/notes/{fine}/explanation"))[0] == 404


async def test_coverage_says_that_what_is_pending_is_unknown_to_readers_of_one_study(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    for study, pending in ((None, 0), (STUDY.study_id, None)):
        await as_role(office, Role.READER, study)
        _, found = await office.ask("GET", f"/v1/studies/{STUDY.study_id}/coverage")
        assert (found["unread_submissions"], found["unreadable_submissions"]) == (pending, pending)


async def test_counts_are_those_of_the_list(office: Office, fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    for number in range(3):
        made = interview(number, 2)
        await store.store_transcript(made.ingested)
        for drafted in made.drafts:
            await store.store_notes(drafted)
    theme = MANY.themes[0].id
    for query in ("", f"theme={theme}", "standing=unproven", "speaker=bo"):
        path = f"/v1/studies/{MANY.study_id}/notes"
        _, page = await office.ask("GET", f"{path}?limit=1000&{query}")
        _, counts = await office.ask("GET", f"{path}/counts?{query}")
        standings: dict[str, int] = {}
        themes: dict[str, int] = {}
        for one in page["notes"]:
            standings[one["standing"]] = standings.get(one["standing"], 0) + 1
            for name in one["themes"]:
                themes[name] = themes.get(name, 0) + 1
        assert (counts["total"], counts["standings"]) == (len(page["notes"]), standings)
        assert counts["themes"] == themes
        assert counts["total"] > 0


async def test_one_readers_masked_pages_leave_the_process_to_others(
    broker: str, fresh_database: Database
) -> None:
    """Masking takes one process: the queue for it is bounded, and no token has all of it."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def compute(function: Any, *args: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await asyncio.to_thread(function, *args)

    await NotesStore(fresh_database).store_transcript(ingested(segments=SAID))
    computing = HeavyRequestLimiter(2, wait_s=0.2, share=1)
    async with open_office(broker, fresh_database, compute=compute, computing=computing) as office:
        url = f"{office.url}{PATH}/segments"
        wanted = CreateTokenRequest(name="other", grants=(RoleGrant(role=Role.READER),))
        other = (await office.context.tokens.create(wanted, "a test")).secret
        headers = {"Authorization": f"Bearer {other}"}
        first = asyncio.create_task(office.client.get(url))
        await begun.wait()
        refused = await office.client.get(url)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        of_another = asyncio.create_task(office.client.get(url, headers=headers))
        await asyncio.sleep(0.3)
        assert not of_another.done()  # it has a place
        go_on.set()
        assert [(await one).status_code for one in (first, of_another)] == [200, 200]


TIMES = (None, 10_000, None, 20_000, 30_000, None, 40_000, 50_000)


async def _store_talk(database: Database, times: tuple[int | None, ...]) -> None:
    said = tuple(
        Segment(number=number, speaker="Bo", role=Speaking.PARTICIPANT, text="Yes.", start_ms=one)
        for number, one in enumerate(times, 1)
    )
    await NotesStore(database).store_transcript(ingested(segments=said, chunks=()))


@pytest.mark.parametrize(
    ("query", "at", "numbers"),
    [
        ("at_ms=25000&limit=1", 4, [4]),
        ("at_ms=25000&turns_before=1&limit=3", 4, [3, 4, 5]),
        ("at_ms=30000", 5, [5, 6, 7, 8]),
        ("at_ms=0&turns_before=1&limit=3", 2, [1, 2, 3]),
        ("at_ms=10000&turns_before=100&limit=2", 2, [1, 2]),
        ("at_ms=3600000", 8, [8]),
        ("at_turn=7&turns_before=1", 7, [6, 7, 8]),
        ("at_turn=9", 9, []),
        ("around=1,6&turns=1", None, [1, 2, 5, 6, 7]),
        ("around=99", None, []),
    ],
)
async def test_segments_begin_at_a_time_or_a_turn_or_are_those_around_some(
    office: Office, fresh_database: Database, query: str, at: int | None, numbers: list[int]
) -> None:
    await _store_talk(fresh_database, TIMES)
    status, page = await office.ask("GET", f"{PATH}/segments?{query}")
    assert (status, page["at"]) == (200, at)
    assert [one["number"] for one in page["segments"]] == numbers


async def test_times_that_jump_back_later_do_not_move_the_turn(
    office: Office, fresh_database: Database
) -> None:
    await _store_talk(fresh_database, (0, 10_000, 30_000, 5_000, 8_000))
    _, page = await office.ask("GET", f"{PATH}/segments?at_ms=15000")
    assert page["at"] == 2


async def test_a_list_that_begins_at_a_time_goes_on_to_the_end(
    office: Office, fresh_database: Database
) -> None:
    await _store_talk(fresh_database, TIMES)
    query, numbers = "at_ms=20000&limit=2", []
    _, page = await office.ask("GET", f"{PATH}/segments?{query}")
    while True:
        numbers += [one["number"] for one in page["segments"]]
        if page["next"] is None:
            break
        _, page = await office.ask("GET", f"{PATH}/segments?{query}&cursor={page['next']}")
        assert page["at"] is None
    assert numbers == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    "query",
    ["at_ms=1&at_turn=1", "at_turn=1&around=1", "around=1,", "around=0", "turns=101", "at_ms=-1"],
)
async def test_a_beginning_that_contradicts_itself_is_refused(
    office: Office, fresh_database: Database, query: str
) -> None:
    await _store_talk(fresh_database, TIMES)
    assert (await office.ask("GET", f"{PATH}/segments?{query}"))[0] == 400


async def test_an_interview_without_times_has_nothing_at_a_time(
    office: Office, fresh_database: Database
) -> None:
    await _store_talk(fresh_database, (None, None))
    status, problem = await office.ask("GET", f"{PATH}/segments?at_ms=1")
    assert (status, "has a time" in problem["detail"]) == (400, True)
