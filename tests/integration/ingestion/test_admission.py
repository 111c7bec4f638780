"""Which submissions are admitted: registered studies, and transcripts that are their producer's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.errors import BadMessageError, OnrecordError, ParkedError
from contracts.events import TranscriptSubmitted
from contracts.ids import derive_id
from contracts.study import (
    DoubtfulSpeakers,
    PersonalData,
    Question,
    StatementPolicy,
    Study,
    Theme,
)
from contracts.submissions import Submitter, build_submitter_headers
from database.pool import Database
from ingestion.errors import (
    ProducerNotAllowedError,
    RevisionGapError,
    RevisionWithdrawnError,
    StudyArchivedError,
    TranscriptOwnedByOtherError,
    UnknownStudyError,
)
from ingestion.registry import StudyRegistry
from messaging import Headers

STUDY = Study(study_id="repairs", name="Repairs", themes=(Theme(id="price", name="Price"),))
OTHER = STUDY.model_copy(update={"study_id": "elsewhere"})


@dataclass(frozen=True)
class Sent:
    """A record as its producer wrote it."""

    headers: Headers = ()
    key: bytes | None = b"key"
    value: bytes | None = b"{}"


OURS: Final = Sent(((h.CE_SOURCE, b"/portal"),))
THEIRS: Final = Sent(((h.CE_SOURCE, b"/stranger"),))
ADA: Final = Submitter(token_id=derive_id("ada"), name="ada")
LARGEST = 2**31 - 1


def submission(
    name: str = "one", study: Study | None = STUDY, **fields: Any
) -> TranscriptSubmitted:
    return TranscriptSubmitted(
        transcript_id=derive_id("test", name),
        title=name,
        content="A: b",
        study=study,
        **fields,
    )


def by_id(name: str = "one", study_id: str = "repairs", **fields: Any) -> TranscriptSubmitted:
    return submission(name, None, study_id=study_id, **fields)


@pytest.fixture
def registry(fresh_database: Database) -> StudyRegistry:
    return StudyRegistry(fresh_database, is_open=True, cache_s=0)


@pytest.fixture
def closed(fresh_database: Database) -> StudyRegistry:
    return StudyRegistry(fresh_database, is_open=False, cache_s=0)


async def test_an_inline_study_is_registered_where_the_installation_is_open(
    registry: StudyRegistry, closed: StudyRegistry
) -> None:
    asked = (await registry.admit(submission(), OURS)).study
    assert asked == STUDY.model_copy(update={"version": 1})
    assert (await closed.admit(by_id("two"), OURS)).study == asked, (
        "it is there for those who name it"
    )


async def test_an_unknown_study_is_parked_until_it_is_registered(
    registry: StudyRegistry, closed: StudyRegistry
) -> None:
    for message in (submission(), by_id()):
        with pytest.raises(UnknownStudyError, match=r"repairs is not registered.*study create"):
            await closed.admit(message, OURS)
    with pytest.raises(UnknownStudyError):
        await registry.admit(by_id(), OURS)
    assert issubclass(UnknownStudyError, ParkedError)
    await registry.admit(submission(), OURS)
    await closed.admit(by_id(), OURS)


async def test_two_replicas_register_the_same_study_once(fresh_database: Database) -> None:
    replicas = [StudyRegistry(fresh_database, is_open=True, cache_s=9) for _ in range(4)]
    await asyncio.gather(
        *(one.admit(submission(str(place)), OURS) for place, one in enumerate(replicas))
    )
    assert await fresh_database.fetchval("SELECT count(*) FROM study_versions") == 1


@pytest.mark.parametrize("registered", [None, *PersonalData])
@pytest.mark.parametrize("inline", [None, *PersonalData])
async def test_of_two_policies_on_personal_data_the_stricter_counts(
    registry: StudyRegistry, registered: PersonalData | None, inline: PersonalData | None
) -> None:
    order = [PersonalData.ALLOW, PersonalData.MASK, PersonalData.REJECT]
    await registry.admit(submission(study=_with(personal_data=registered)), OURS)
    admitted = await registry.admit(submission(study=_with(personal_data=inline)), OURS)
    found = admitted.study.personal_data
    if registered is None:
        # What the guardrail's settings say may be strict: `allow` does not loosen it.
        assert found == (None if inline is PersonalData.ALLOW else inline)
    elif inline is None:
        assert found == registered
    else:
        assert found == max(registered, inline, key=order.index)


@pytest.mark.parametrize(("registered", "inline"), list(product(StatementPolicy, StatementPolicy)))
async def test_of_two_policies_on_statements_the_stricter_counts(
    registry: StudyRegistry, registered: StatementPolicy, inline: StatementPolicy
) -> None:
    order = ["all", "confirmed", "proven", "quotes"]
    await registry.admit(submission(study=_with(statements=registered)), OURS)
    found = (await registry.admit(submission(study=_with(statements=inline)), OURS)).study
    assert found.statements == max(registered, inline, key=order.index)


@pytest.mark.parametrize(
    ("registered", "inline"), list(product(DoubtfulSpeakers, DoubtfulSpeakers))
)
async def test_of_two_policies_on_doubts_the_stricter_counts(
    registry: StudyRegistry, registered: DoubtfulSpeakers, inline: DoubtfulSpeakers
) -> None:
    await registry.admit(submission(study=_with(doubtful_speakers=registered)), OURS)
    found = (await registry.admit(submission(study=_with(doubtful_speakers=inline)), OURS)).study
    assert (found.doubtful_speakers == "accept") == (registered == inline == "accept")


async def test_a_submission_changes_nothing_of_a_registered_study(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    await registry.admit(submission(), OURS)
    before = await fresh_database.fetch("SELECT * FROM studies, study_versions")
    changed = _with(
        statements=StatementPolicy.ALL,
        personal_data=PersonalData.ALLOW,
        models=("dear-model",),
        questions=(Question(id="q", text="Why?"),),
    )
    asked = (await registry.admit(submission(study=changed), OURS)).study
    assert asked.models == ()
    assert await fresh_database.fetch("SELECT * FROM studies, study_versions") == before


async def test_other_themes_count_for_their_interview_only_where_the_installation_is_open(
    registry: StudyRegistry, closed: StudyRegistry
) -> None:
    await registry.admit(submission(), OURS)
    other = _with(themes=(Theme(id="speed", name="Speed"),), version=7)
    asked = (await registry.admit(submission(study=other), OURS)).study
    assert (asked.themes, asked.version) == (other.themes, None)
    held = (await closed.admit(submission(study=other), OURS)).study
    assert (held.themes, held.version) == (STUDY.themes, 1)


async def test_an_archived_study_and_one_for_other_producers_take_nothing(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    await registry.admit(submission(), OURS)
    await fresh_database.execute("UPDATE studies SET producers = '{/portal}'")
    await registry.admit(by_id(), OURS)
    for record in (THEIRS, Sent()):
        with pytest.raises(ProducerNotAllowedError):
            await registry.admit(by_id("another"), record)
    await fresh_database.execute("UPDATE studies SET archived_at = now()")
    with pytest.raises(StudyArchivedError):
        await registry.admit(by_id(), OURS)


@pytest.mark.parametrize("revision", [1, 2, LARGEST])
@pytest.mark.parametrize(
    ("study", "record"),
    [(OTHER, OURS), (STUDY, THEIRS), (OTHER, THEIRS), (STUDY, Sent())],
    ids=["another study", "another producer", "both", "nobody"],
)
async def test_a_transcript_belongs_to_the_study_and_producer_that_brought_it_first(
    registry: StudyRegistry, study: Study, record: Sent, revision: int
) -> None:
    await registry.admit(submission(), OURS)
    with pytest.raises(TranscriptOwnedByOtherError) as refused:
        await registry.admit(submission(study=study, revision=revision, supersedes=1), record)
    assert isinstance(refused.value, BadMessageError)
    assert "repairs" not in str(refused.value), "whose it is, is nobody else's business"
    assert "portal" not in str(refused.value)
    await registry.admit(submission(revision=2), OURS)


async def test_of_two_that_claim_a_transcript_at_once_one_gets_it(registry: StudyRegistry) -> None:
    await registry.admit(submission("before", OTHER), OURS)
    await registry.admit(submission("before it", STUDY), OURS)
    for number in range(10):
        claims = [
            registry.admit(submission(str(number), study), headers)
            for study, headers in ((STUDY, OURS), (OTHER, OURS), (STUDY, THEIRS))
        ]
        results = await asyncio.gather(*claims, return_exceptions=True)
        assert sorted(type(one).__name__ for one in results) == [
            "AdmittedSubmission",
            "TranscriptOwnedByOtherError",
            "TranscriptOwnedByOtherError",
        ]


async def test_revisions_go_up_one_by_one_or_say_what_they_supersede(
    registry: StudyRegistry,
) -> None:
    await registry.admit(submission(revision=1), OURS)
    await registry.admit(submission(revision=2), OURS)
    for revision, supersedes in ((4, None), (4, 1), (4, 3), (LARGEST, None)):
        with pytest.raises(RevisionGapError, match="does not follow revision 2: submit it as"):
            await registry.admit(submission(revision=revision, supersedes=supersedes), OURS)
    assert issubclass(RevisionGapError, ParkedError), "it may be replayed once 3 is there"
    await registry.admit(submission(revision=4, supersedes=2), OURS)
    await registry.admit(submission(revision=5), OURS)
    await registry.admit(submission(revision=LARGEST, supersedes=5), OURS)


async def test_what_is_delivered_again_or_late_is_admitted_again(registry: StudyRegistry) -> None:
    messages = [
        submission(revision=7),
        submission(revision=8),
        submission(revision=12, supersedes=8),
        submission(revision=3),
    ]
    for one in (*messages, *reversed(messages), *messages):
        await registry.admit(one, OURS)


async def test_a_gap_is_closed_when_what_is_missing_has_come(registry: StudyRegistry) -> None:
    await registry.admit(submission(revision=1), OURS)
    with pytest.raises(RevisionGapError):
        await registry.admit(submission(revision=3), OURS)
    await registry.admit(submission(revision=2), OURS)
    await registry.admit(submission(revision=3), OURS)


async def test_an_interview_that_was_stored_before_is_its_studys_and_its_next_producers(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    for revision in (1, 2):
        await _store(fresh_database, revision)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(study=OTHER, revision=LARGEST), THEIRS)
    with pytest.raises(RevisionGapError):
        await registry.admit(submission(revision=4), OURS)
    await registry.admit(submission(revision=3), OURS)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(revision=4), THEIRS)


async def test_a_change_of_a_study_counts_when_the_bound_of_the_cache_is_over(
    fresh_database: Database,
) -> None:
    now = [0.0]
    registry = StudyRegistry(fresh_database, is_open=True, cache_s=2, clock=lambda: now[0])
    await registry.admit(submission(), OURS)
    await fresh_database.execute("UPDATE studies SET statements = 'quotes'")
    now[0] = 1.9
    assert (await registry.admit(by_id(), OURS)).study.statements == "proven"
    now[0] = 2.0
    assert (await registry.admit(by_id(), OURS)).study.statements == "quotes"


@pytest.mark.parametrize(
    ("source", "producer"),
    [
        (b"/a", "/a"),
        (b"\xff", ""),
        (b"a\0" + b"b" * 600, "a\ufffd" + "b" * 498),
        (b"token:ada", "source:token:ada"),
        (b"person:ada", "source:person:ada"),
        (None, ""),
    ],
)
async def test_without_the_apis_proof_a_producer_is_the_source(
    registry: StudyRegistry, source: bytes | None, producer: str
) -> None:
    headers = () if source is None else ((h.CE_SOURCE, source),)
    assert await registry.identify_producer(Sent(headers)) == producer


async def test_a_producer_is_the_token_whose_submission_the_api_proves(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    by_source = (h.CE_SOURCE, b"/a")
    await fresh_database.execute(
        "INSERT INTO control_secrets (name, secret) VALUES ('submitter', $1)", b"s" * 32
    )
    proof = build_submitter_headers(ADA, b"key", b"{}", b"s" * 32)
    sent = Sent((by_source, *proof))
    assert await registry.identify_producer(sent) == "token:ada"
    forged = [
        replace(sent, value=b"[]"),
        replace(sent, key=b"other"),
        Sent((by_source, proof[0])),
        Sent((by_source, *build_submitter_headers(ADA, b"key", b"{}", b"t" * 32))),
    ]
    for one in forged:
        assert await registry.identify_producer(one) == "/a"


async def test_a_person_is_known_by_issuer_and_subject_whatever_they_are_called(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    """Issuers let people choose names, also another's, and names change."""
    await fresh_database.execute(
        "INSERT INTO control_secrets (name, secret) VALUES ('submitter', $1)", b"s" * 32
    )
    ann, mallory = derive_id("ann"), derive_id("mallory")
    await registry.admit(submission("another"), OURS)
    await fresh_database.execute(
        "UPDATE studies SET producers = $1", [f"person:{ann}", "token:ada"]
    )

    def sent_by(token_id: UUID, name: str, *, is_person: bool = True) -> Sent:
        submitter = Submitter(token_id=token_id, name=name, is_person=is_person)
        return Sent(build_submitter_headers(submitter, b"key", b"{}", b"s" * 32))

    assert await registry.identify_producer(sent_by(ann, "ann (x)")) == f"person:{ann}"
    await registry.admit(by_id(), sent_by(ann, "ann (login.example)"))
    await registry.admit(by_id(revision=2), sent_by(ann, "ann smith (login.example)"))
    for stranger in (
        sent_by(mallory, "ann (login.example)"),
        sent_by(mallory, "ada"),
        sent_by(derive_id("t"), f"person:{ann}", is_person=False),
        Sent(((h.CE_SOURCE, f"person:{ann}".encode()),)),
    ):
        with pytest.raises(ProducerNotAllowedError):
            await registry.admit(by_id(revision=3), stranger)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(by_id(revision=3), sent_by(derive_id("t"), "ada", is_person=False))


async def test_a_proof_counts_from_the_moment_that_control_has_a_secret(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    for secret in (b"s" * 32, b"t" * 32):
        sent = Sent(build_submitter_headers(ADA, b"key", b"{}", secret))
        assert await registry.identify_producer(sent) == ""
        await fresh_database.execute(
            "INSERT INTO control_secrets (name, secret) VALUES ('submitter', $1) "
            "ON CONFLICT (name) DO UPDATE SET secret = excluded.secret",
            secret,
        )
        assert await registry.identify_producer(sent) == "token:ada"


@pytest.mark.parametrize(
    "error",
    [
        TranscriptOwnedByOtherError(derive_id("x")),
        UnknownStudyError("s" * 64),
        StudyArchivedError("s"),
        ProducerNotAllowedError("s"),
        RevisionGapError(derive_id("x"), LARGEST, 1),
    ],
)
def test_refusals_are_one_line_with_what_to_do(error: OnrecordError) -> None:
    assert "\n" not in str(error)
    assert "submit" in str(error) or "replay this letter" in str(error)


def _with(**policies: Any) -> Study:
    return STUDY.model_copy(update=policies)


async def withdraw(database: Database, revision: int | None, name: str = "one") -> int | None:
    found = await database.fetchval(
        "SELECT withdraw_revision($1, $2)", submission(name).transcript_id, revision
    )
    return None if found is None else int(found)


@pytest.mark.parametrize("wrong", [2, LARGEST])
async def test_a_revision_that_is_withdrawn_is_not_admitted_again_and_blocks_none(
    registry: StudyRegistry, fresh_database: Database, wrong: int
) -> None:
    await _store(fresh_database, 1)
    await registry.admit(submission(revision=1), OURS)
    await registry.admit(submission(revision=wrong, supersedes=1), OURS)
    assert await withdraw(fresh_database, None) == wrong
    with pytest.raises(RevisionWithdrawnError, match="the highest is 1"):
        await registry.admit(submission(revision=wrong, supersedes=1), OURS)
    assert issubclass(RevisionWithdrawnError, ParkedError), "it may be replayed once restored"
    following = 3 if wrong == 2 else 2
    with pytest.raises(RevisionGapError):
        await registry.admit(submission(revision=following + 1), OURS)
    await registry.admit(submission(revision=following), OURS)
    await registry.admit(submission(revision=following + 1), OURS)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(revision=wrong, study=OTHER), THEIRS)


async def test_after_a_withdrawal_a_revision_may_name_the_highest_that_is_left(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    await _store(fresh_database, 1)
    await registry.admit(submission(revision=1), OURS)
    await registry.admit(submission(revision=2), OURS)
    await withdraw(fresh_database, 2)
    with pytest.raises(RevisionGapError):
        await registry.admit(submission(revision=9, supersedes=2), OURS)
    await registry.admit(submission(revision=9, supersedes=1), OURS)


async def test_what_was_on_its_way_below_a_withdrawn_revision_counts_once_it_is_stored(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    for revision in (1, 2, 3):
        await registry.admit(submission(revision=revision), OURS)
    await _store(fresh_database, 1)
    await withdraw(fresh_database, 3)
    with pytest.raises(RevisionGapError):
        await registry.admit(submission(revision=4), OURS)
    await registry.admit(submission(revision=2), OURS)
    await _store(fresh_database, 2)
    await registry.admit(submission(revision=4), OURS)


async def test_of_a_transcript_whose_revisions_are_all_withdrawn_any_may_be_next(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    await registry.admit(submission(revision=LARGEST), OURS)
    assert await withdraw(fresh_database, None) == LARGEST
    assert await withdraw(fresh_database, None) is None, "there is no other"
    assert await withdraw(fresh_database, LARGEST) == LARGEST, "the same again changes nothing"
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(revision=1), THEIRS)
    await registry.admit(submission(revision=1), OURS)


async def test_an_interview_of_before_that_is_withdrawn_is_claimed_by_its_study_alone(
    registry: StudyRegistry, fresh_database: Database
) -> None:
    await _store(fresh_database, 1)
    await withdraw(fresh_database, 1)
    with pytest.raises(TranscriptOwnedByOtherError):
        await registry.admit(submission(revision=2, study=OTHER), OURS)
    with pytest.raises(RevisionWithdrawnError):
        await registry.admit(submission(revision=1), OURS)
    await registry.admit(submission(revision=2), OURS)


async def _store(database: Database, revision: int, name: str = "one") -> None:
    await database.execute(
        "INSERT INTO transcripts (transcript_id, revision, study_id, title, format, "
        "content_sha256, study, segment_count, chunk_count) "
        "VALUES ($1, $2, 'repairs', 'x', 'srt', '', '{}', 0, 0)",
        submission(name).transcript_id,
        revision,
    )


@pytest.mark.parametrize("policy", DoubtfulSpeakers)
async def test_where_somebody_registered_a_study_its_policy_on_doubts_decides(
    registry: StudyRegistry, fresh_database: Database, policy: DoubtfulSpeakers
) -> None:
    doubtful = submission(study=_with(doubtful_speakers=policy), accept_doubtful=True)
    admitted = await registry.admit(doubtful, OURS)
    assert admitted.submitted.accept_doubtful, "it registered itself"
    await fresh_database.execute("UPDATE studies SET is_self_registered = false")
    admitted = await registry.admit(by_id(accept_doubtful=True), OURS)
    assert admitted.submitted.accept_doubtful == (policy is DoubtfulSpeakers.ACCEPT)
    plain = await registry.admit(by_id(), OURS)
    assert not plain.submitted.accept_doubtful
