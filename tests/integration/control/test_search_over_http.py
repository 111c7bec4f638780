"""Search: what a reader sees is found, and nothing else; in pages, and in one's own studies."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote as escaped
from uuid import UUID

import pytest

from contracts.access import Role
from contracts.ids import derive_id, derive_transcript_id
from contracts.notes import Evidence
from contracts.study import PersonalData, StatementPolicy, Study
from contracts.transcript import Role as Speaking
from contracts.transcript import Segment
from control.api.limits import HeavyRequestLimiter
from database.pool import Database
from persistence.store import NotesStore
from read_model.search import ResultKind, SearchFilter, SearchQueries
from support.control_office import Office, as_role, open_office
from support.interviews import STUDY, TRANSCRIPT, VOUCHED, chunk, ingested, note, validated
from support.many_interviews import STUDY as MANY
from support.many_interviews import interview

WORDS = "Write to bo@example.org, says Zebedee. We pay 40 dollars for the houses."
SAID = (
    Segment(number=1, speaker="Ada Lovelace", role=Speaking.INTERVIEWER, text="What do you pay?"),
    Segment(number=2, speaker="Bo", role=Speaking.PARTICIPANT, text=WORDS, start_ms=1, end_ms=9),
)


def cited(text: str, masked: str | None = None) -> Evidence:
    return Evidence(
        segment=2,
        start=WORDS.index(text),
        length=len(text),
        quote=text,
        speaker="Bo",
        role=Speaking.PARTICIPANT,
        start_ms=1,
        end_ms=9,
        masked_quote=masked,
    )


NAMED = cited("says Zebedee", "says [PERSON]")


async def find(office: Office, words: str, query: str = "") -> list[dict[str, Any]]:
    status, page = await office.ask("GET", f"/v1/search?q={escaped(words)}&{query}")
    assert status == 200, page
    results: list[dict[str, Any]] = page["results"]
    return results


def shown(results: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The kind of each result, and the words that it marks."""
    return [
        (
            one["kind"],
            [one["text"][mark["start"] :][: mark["length"]] for mark in one["highlights"]],
        )
        for one in results
    ]


async def store(database: Database, study: Study = STUDY, *evidence: Evidence) -> None:
    stored = NotesStore(database)
    await stored.store_transcript(ingested(study=study, segments=SAID))
    await stored.store_notes(validated(note("People own a house", *evidence, **VOUCHED)))


@pytest.mark.parametrize("policy", [None, PersonalData.MASK, PersonalData.REJECT])
async def test_masked_words_are_not_found_by_those_who_do_not_see_them(
    office: Office, fresh_database: Database, policy: PersonalData | None
) -> None:
    await store(fresh_database, STUDY.model_copy(update={"personal_data": policy}), NAMED)
    await as_role(office, Role.READER, STUDY.study_id)
    for words in ("Zebedee", "zebedee says", '"says Zebedee"', "bo@example.org", "40 dollars"):
        assert await find(office, words) == [], words
        assert await find(office, f"{words} or nothing") == []
    (result,) = await find(office, "says")
    assert (result["text"], result["is_masked"], result["speaker"]) == (
        *("says [PERSON]", True),
        "participant 2",
    )
    assert shown([result]) == [("quote", ["says"])]
    assert (await office.context.trail.page()).entries == ()


async def test_evidence_readers_find_exact_words_if_they_ask_and_leave_a_trace(
    office: Office, fresh_database: Database
) -> None:
    await store(
        fresh_database, STUDY.model_copy(update={"personal_data": PersonalData.MASK}), NAMED
    )
    await as_role(office, Role.EVIDENCE_READER, STUDY.study_id)
    assert await find(office, "Zebedee") == []
    found = await find(office, "Zebedee", "exact=true")
    assert shown(found) == [("quote", ["Zebedee"]), ("segment", ["Zebedee"])]
    assert [(one["text"], one["speaker"]) for one in found] == [
        ("says Zebedee", "Bo"),
        (WORDS, "Bo"),
    ]
    assert await find(office, "PERSON", "exact=true") == []
    (entry, *_) = (await office.context.trail.page()).entries
    assert (entry.action, entry.target) == ("search.exact", "PERSON")
    await as_role(office, Role.READER, STUDY.study_id)
    for query in ("", "&study=billing"):
        status, problem = await office.ask("GET", f"/v1/search?q=Zebedee&exact=true{query}")
        assert (status, "evidence_reader" in problem["detail"]) == (403, True)


async def test_all_readers_find_segments_where_the_study_allows_personal_data(
    office: Office, fresh_database: Database
) -> None:
    study = STUDY.model_copy(update={"personal_data": PersonalData.ALLOW})
    await store(fresh_database, study, cited("40 dollars"))
    await as_role(office, Role.READER, STUDY.study_id)
    (result,) = await find(office, "Zebedee")
    assert (result["kind"], result["segment"], result["speaker"]) == ("segment", 2, "Bo")
    # A quote that was masked all the same tells that the interview is not to be shown.
    await NotesStore(fresh_database).store_notes(validated(note("Somebody speaks", NAMED), index=2))
    assert await find(office, "Zebedee") == []


async def test_words_are_found_in_the_language_of_the_study(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, STUDY, cited("We pay 40 dollars for the houses"))
    german = STUDY.model_copy(update={"study_id": "haus", "language": "de"})
    welsh = STUDY.model_copy(update={"study_id": "ty", "language": "cy"})
    for study, text in ((german, "Die Häuser sind teuer"), (welsh, "Mae tai yn ddrud")):
        turn = Segment(number=1, speaker="Bo", role=Speaking.PARTICIPANT, text=text)
        await NotesStore(fresh_database).store_transcript(
            ingested(
                study=study,
                transcript_id=derive_transcript_id(study.study_id, "1"),
                segments=(turn,),
                chunks=(chunk().model_copy(update={"chunk_id": derive_id(text)}),),
            )
        )
    await as_role(office, Role.EVIDENCE_READER)
    assert [one["kind"] for one in await find(office, "houses")] == ["note", "quote"]
    assert shown(await find(office, "Haus", "exact=true")) == [("segment", ["Häuser"])]
    assert shown(await find(office, "tai", "exact=true&study=ty")) == [("segment", ["tai"])]
    assert await find(office, "ty", "exact=true&study=ty") == []  # nobody knows its plural


async def test_statements_are_found_as_their_study_shows_them(
    office: Office, fresh_database: Database
) -> None:
    stored = NotesStore(fresh_database)
    await stored.store_transcript(ingested())
    await stored.store_notes(
        validated(
            note("Customers leave quickly", **VOUCHED),
            note("Customers never return"),
        )
    )
    await as_role(office, Role.READER, STUDY.study_id)
    found = {one["text"]: one for one in await find(office, "customers", "study=billing")}
    proven, unproven = found["Customers leave quickly"], found["Customers never return"]
    assert (proven["is_finding"], proven["standing"]) == (True, "proven")
    assert (unproven["is_finding"], unproven["standing"]) == (False, "unproven")
    assert [one["quote"] for one in unproven["quotes"]] == ["I would not recommend it"]
    assert await find(office, "customers", "kind=quote") == []


async def test_statements_of_studies_that_show_quotes_alone_are_not_found(
    office: Office, fresh_database: Database
) -> None:
    study = STUDY.model_copy(update={"statements": StatementPolicy.QUOTES})
    await store(fresh_database, study, cited("We pay 40 dollars"))
    await as_role(office, Role.READER)
    assert await find(office, "house") == []
    assert shown(await find(office, "dollar")) == [("quote", ["dollars"])]


async def test_only_the_current_revision_is_found_and_the_caller_s_studies(
    office: Office, fresh_database: Database
) -> None:
    await store(fresh_database, STUDY, cited("We pay 40 dollars"))
    await as_role(office, Role.READER, "another")
    assert await find(office, "house") == []
    status, problem = await office.ask("GET", "/v1/search?q=house&study=billing")
    assert (status, problem["detail"][:16]) == (403, "this takes the r")
    await as_role(office, Role.OPERATOR)
    assert (await office.ask("GET", "/v1/search?q=house"))[0] == 403
    await as_role(office, Role.READER)
    assert len(await find(office, "house", f"transcript={TRANSCRIPT}")) == 1
    assert await find(office, "house", f"transcript={derive_id('none')}") == []
    turn = Segment(number=1, speaker="Bo", role=Speaking.PARTICIPANT, text="All is new")
    await NotesStore(fresh_database).store_transcript(ingested(2, segments=(turn,)))
    assert await find(office, "house") == []


async def test_a_withdrawn_revision_is_not_found(office: Office, fresh_database: Database) -> None:
    await store(fresh_database, STUDY, cited("We pay 40 dollars"))
    await as_role(office, Role.READER)
    await fresh_database.execute("UPDATE transcripts SET withdrawn_at = now()")
    assert await find(office, "house") == []


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("q=", "q: "),
        ("q=%20%09", "q: "),
        ("", "q: "),
        ("q=the", "q: names no word to find"),
        ("q=-house", "q: names no word to find"),
        ("q=%22%22", "q: names no word to find"),
        (f"q={'x' * 201}", "q: "),
        ("q=a%00b", "q: "),
        ("q=house&study=..", "study: "),
        ("q=house&limit=101", "limit: "),
        ("q=house&cursor=abc", "cursor: "),
        ("q=house&kind=title", "kind: "),
        ("q=house&more=1", "more: "),
    ],
)
async def test_what_cannot_be_looked_for_is_refused(
    office: Office, fresh_database: Database, query: str, complaint: str
) -> None:
    await store(fresh_database, STUDY, cited("We pay 40 dollars"))
    status, problem = await office.ask("GET", f"/v1/search?{query}")
    assert (status, problem["detail"][: len(complaint)]) == (400, complaint)


@pytest.mark.parametrize("words", ['"unclosed', "a & | !b", "((", "') OR 1=1 --", "\\", "🙂 house"])
async def test_odd_queries_are_words_like_others(
    office: Office, fresh_database: Database, words: str
) -> None:
    await store(fresh_database, STUDY, cited("We pay 40 dollars"))
    status, _ = await office.ask("GET", f"/v1/search?q={escaped(words)}")
    assert status in {200, 400}


async def test_pages_have_every_result_once_the_best_first(
    office: Office, fresh_database: Database
) -> None:
    stored = NotesStore(fresh_database)
    for number in range(3):
        made = interview(number, 3)
        await stored.store_transcript(made.ingested)
        for drafted in made.drafts:
            await stored.store_notes(drafted)
    (word,) = await fresh_database.fetch(
        "SELECT word FROM ts_stat('SELECT words FROM search_documents') ORDER BY ndoc DESC LIMIT 1"
    )
    words = f"{word['word']} or {word['word'][::-1]}"
    query = f"study={MANY.study_id}&exact=true"
    every = await find(office, words, f"{query}&limit=100")
    assert 7 < len(every) < 100
    pages: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        path = f"/v1/search?q={escaped(words)}&{query}&limit=3{more}"
        _, page = await office.ask("GET", path)
        pages += page["results"]
        cursor = page["next"]
    assert pages == every
    assert len({json.dumps(one) for one in pages}) == len(pages)


async def test_long_texts_are_cut_around_the_words(
    office: Office, fresh_database: Database
) -> None:
    text = "Nothing 🙂 to say. " * 500 + "Then <b>a</b> zebra came. " + "Nothing more. " * 100
    turn = Segment(number=1, speaker="Bo", role=Speaking.PARTICIPANT, text=text)
    await NotesStore(fresh_database).store_transcript(ingested(segments=(turn,)))
    (result,) = await find(office, "zebras", "exact=true")
    (mark,) = result["highlights"]
    assert result["text"] == text[result["offset"] :][: len(result["text"])]
    assert (len(result["text"]), result["is_whole"]) == (400, False)
    assert result["text"][mark["start"] :][: mark["length"]] == "zebra"


async def test_a_segment_of_unheard_of_size_is_stored_and_found(
    office: Office, fresh_database: Database
) -> None:
    text = "zebra " + " ".join(f"word{number}" for number in range(200_000))
    turn = Segment.model_construct(
        number=1,
        speaker="Bo",
        role=Speaking.PARTICIPANT,
        text=text,
        start_ms=None,
        end_ms=None,
        words=(),
        text_offset=0,
    )
    await NotesStore(fresh_database).store_transcript(ingested(segments=(turn,)))
    assert len(await find(office, "zebra", "exact=true")) == 1


async def test_notes_that_say_the_same_cite_a_place_once(fresh_database: Database) -> None:
    stored = NotesStore(fresh_database)
    await stored.store_transcript(ingested(segments=SAID))
    first = note("They own houses", cited("We pay 40 dollars"), **VOUCHED)
    await stored.store_notes(validated(first))
    again = first.model_copy(update={"note_id": derive_id("again")})
    await stored.store_notes(validated(again, index=2))
    results, _ = await SearchQueries(fresh_database).search("dollars", SearchFilter(), limit=10)
    assert [one.note_id for one in results] == [first.note_id]


@pytest.mark.parametrize("masked_first", [False, True])
async def test_a_place_that_is_cited_masked_too_is_not_found_by_what_is_masked(
    fresh_database: Database,
    masked_first: bool,  # noqa: FBT001 - a parameter
) -> None:
    stored = NotesStore(fresh_database)
    await stored.store_transcript(ingested(segments=SAID))
    quotes = [cited("We pay 40 dollars"), cited("We pay 40 dollars", "We pay [AMOUNT]")]
    one, other = reversed(quotes) if masked_first else quotes
    first = note("They own houses", one, **VOUCHED)
    await stored.store_notes(validated(first))
    again = note("They own houses", other, **VOUCHED)
    again = again.model_copy(update={"note_id": derive_id("again")})
    await stored.store_notes(validated(again, index=2))
    masked, exact = SearchQueries(fresh_database), SearchQueries(fresh_database, exact=True)
    quoted = SearchFilter(kind=ResultKind.QUOTE)
    assert (await masked.search("dollars", quoted, limit=10))[0] == []
    (found,), _ = await masked.search("pay", quoted, limit=10)
    assert found.text == "We pay [AMOUNT]"
    (found,), _ = await exact.search("dollars", quoted, limit=10)
    assert found.text == "We pay 40 dollars"


async def test_a_search_that_takes_too_long_is_the_query_s_matter_and_no_outage(
    office: Office, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    monkeypatch.setattr("read_model.search.STATEMENT_TIMEOUT_S", 0.1)
    async with fresh_database.transaction() as connection:
        await connection.execute("LOCK TABLE search_documents IN ACCESS EXCLUSIVE MODE")
        status, problem = await office.ask("GET", "/v1/search?q=recommend")
    assert status == 400
    assert problem["detail"].startswith("q: too many matches to rank in time: add a word, or name")
    assert (await office.ask("GET", "/v1/search?q=recommend"))[0] == 200


async def test_one_token_s_searches_leave_places_to_others(
    broker: str, fresh_database: Database
) -> None:
    searching = HeavyRequestLimiter(2, wait_s=0.1)
    async with open_office(broker, fresh_database, searching=searching) as office:
        _, mine = await office.ask("GET", "/v1/me")
        async with searching.place(UUID(mine["token_id"])):
            assert (await office.ask("GET", "/v1/search?q=rent"))[0] == 429
            await as_role(office, Role.READER)
            assert (await office.ask("GET", "/v1/search?q=rent"))[0] == 200
