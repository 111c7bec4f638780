"""A study that is tightened: older revisions show no more than the strictest of its policies."""

from __future__ import annotations

from typing import Any, Final

import pytest

from contracts.access import Role
from contracts.study import PersonalData
from database.pool import Database
from persistence.store import NotesStore
from support.control_office import Office, as_role
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    TURNS,
    chunk,
    evidence,
    ingested,
    note,
    sha,
    validated,
)

REFRESHED: Final = 1_000_000_001
PATH: Final = f"/v1/transcripts/{TRANSCRIPT}"
REGISTRATION: Final = f"/v1/studies/{STUDY.study_id}/registration"
POLICIES: Final = [PersonalData.ALLOW, PersonalData.MASK]
QUOTE: Final = "We pay 40 dollars"
MASKED_QUOTE: Final = "We pay [AMOUNT]"


async def store(database: Database, revision: int, policy: PersonalData | None) -> None:
    """Store an interview as the guardrail leaves it under a policy; a refresh is complete."""
    storing = NotesStore(database)
    study = STUDY.model_copy(update={"personal_data": policy, "version": 1 + revision // REFRESHED})
    if revision == REFRESHED:
        await database.execute(
            "INSERT INTO refreshes VALUES ($1, $2, 1, 'billing', 2, 'a test')", TRANSCRIPT, revision
        )
    made = ingested(revision, study=study, content_sha256=sha(str(revision % 7)))
    made = made.model_copy(update={"chunks": (chunk(revision, 1),)})
    await storing.store_transcript(made)
    masked = MASKED_QUOTE if policy is PersonalData.MASK else None
    cited = evidence(QUOTE, masked_quote=masked)
    await storing.store_notes(validated(note(f"They pay {revision}", cited), revision=revision))


async def register(office: Office, policy: PersonalData | None) -> None:
    wanted = STUDY.model_dump(mode="json", include={"study_id", "name", "themes", "questions"})
    status, _ = await office.ask("POST", "/v1/studies", {**wanted, "personal_data": policy})
    assert status == 201


async def edit(office: Office, **changes: Any) -> dict[str, Any]:
    answer = await office.client.patch(
        office.url + REGISTRATION, json=changes, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text
    edited: dict[str, Any] = answer.json()
    return edited


async def words(office: Office, revision: int) -> list[tuple[str, bool]]:
    status, page = await office.ask("GET", f"{PATH}/segments?revision={revision}")
    assert status == 200, page
    return [(one["speaker"], one["is_masked"]) for one in page["segments"]]


OPEN_WORDS: Final = [("Ada", False), ("Bo", False)]
MASKED_WORDS: Final = [("interviewer 1", True), ("participant 2", True)]


@pytest.mark.parametrize("own", POLICIES)
@pytest.mark.parametrize("current", POLICIES)
@pytest.mark.parametrize("registered", [None, *POLICIES, "unregistered"])
async def test_segments_follow_the_strictest_of_the_revisions_the_current_and_the_studys_policy(
    office: Office, fresh_database: Database, own: Any, current: Any, registered: Any
) -> None:
    if registered != "unregistered":
        await register(office, registered)
    await store(fresh_database, 1, own)
    await store(fresh_database, REFRESHED, current)
    await as_role(office, Role.READER, STUDY.study_id)
    is_open = current == PersonalData.ALLOW and registered in {"allow", "unregistered"}
    assert await words(office, REFRESHED) == (OPEN_WORDS if is_open else MASKED_WORDS)
    is_older_open = is_open and own == PersonalData.ALLOW
    assert await words(office, 1) == (OPEN_WORDS if is_older_open else MASKED_WORDS)


async def test_a_pending_refresh_loosens_nothing_and_exact_words_are_there_for_who_may_read_them(
    office: Office, fresh_database: Database
) -> None:
    await register(office, PersonalData.ALLOW)
    await store(fresh_database, 1, PersonalData.ALLOW)
    assert await words(office, 1) == OPEN_WORDS
    await edit(office, personal_data="mask")
    assert await words(office, 1) == MASKED_WORDS
    _, page = await office.ask("GET", f"{PATH}/segments?revision=1&exact=true")
    assert [one["text"] for one in page["segments"]] == [one.text for one in TURNS]


async def test_segments_of_a_tightened_study_are_not_found_by_their_words(
    office: Office, fresh_database: Database
) -> None:
    await register(office, PersonalData.ALLOW)
    await store(fresh_database, 1, PersonalData.ALLOW)

    async def found(query: str) -> int:
        status, page = await office.ask("GET", f"/v1/search?q=recommend&kind=segment{query}")
        assert status == 200
        return len(page["results"])

    assert await found("") == 1
    await edit(office, personal_data="mask")
    assert (await found(""), await found("&exact=true")) == (0, 1)


@pytest.mark.parametrize("tightened_by", ["the current revision", "the study"])
async def test_unmasked_quotes_and_names_of_older_revisions_are_in_no_view(
    office: Office, fresh_database: Database, tightened_by: str
) -> None:
    is_refreshed_alike = tightened_by == "the study"
    await register(office, PersonalData.ALLOW)
    await store(fresh_database, 1, PersonalData.ALLOW)

    async def shown(revision: int) -> tuple[list[Any], list[Any]]:
        quotes = await fresh_database.fetch(
            "SELECT quote, speaker FROM shown_evidence WHERE revision = $1", revision
        )
        names = await fresh_database.fetch(
            "SELECT speaker FROM shown_speakers WHERE revision = $1 ORDER BY speaker", revision
        )
        return [tuple(one) for one in quotes], [one["speaker"] for one in names]

    assert await shown(1) == ([(QUOTE, "Bo")], ["Ada", "Bo"])
    after = PersonalData.ALLOW if is_refreshed_alike else PersonalData.MASK
    await store(fresh_database, REFRESHED, after)
    if is_refreshed_alike:
        assert await shown(1) == ([(QUOTE, "Bo")], ["Ada", "Bo"])
        await edit(office, personal_data="mask")
        # What is current stays as it was checked until it is asked again.
        assert await shown(REFRESHED) == ([(QUOTE, "Bo")], ["Bo", "interviewer 1"])
    else:
        masked = [(MASKED_QUOTE, "participant 2")]
        assert await shown(REFRESHED) == (masked, ["interviewer 1", "participant 2"])
    assert await shown(1) == ([], ["interviewer 1", "participant 2"])


async def test_a_stricter_policy_on_personal_data_makes_a_version_to_refresh_with(
    office: Office, fresh_database: Database
) -> None:
    await register(office, PersonalData.ALLOW)
    await store(fresh_database, 1, PersonalData.ALLOW)
    assert (await edit(office, personal_data="mask"))["version"] == 2
    assert (await edit(office, personal_data="allow"))["version"] == 2
    assert (await edit(office, personal_data=None))["version"] == 3
    assert (await edit(office, personal_data="mask", retention_days=9))["version"] == 4
    assert (await edit(office, statements="quotes"))["version"] == 4
    _, found = await office.ask("POST", f"/v1/studies/{STUDY.study_id}/refresh", {"dry_run": True})
    assert found["outdated"] == 1
