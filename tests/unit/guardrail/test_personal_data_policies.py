from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.errors import ErrorCode, RejectedError
from contracts.events import ChunkReady, NotesDrafted, NotesValidated
from contracts.notes import DraftEvidence, DraftNote, Standing
from contracts.replay_options import ReplayOverrides
from contracts.study import PersonalData, StatementPolicy
from contracts.transcript import Role, Segment
from grounding.assessment import derive_note_id
from grounding.privacy import build_privacy_policy
from guardrail.domain import (
    AssessmentOptions,
    assess_draft,
    build_result_events,
    tighten_policies,
)
from guardrail.policy import CHECK_NAMES, NEVER_FLAGGED, CheckPolicy, FailedCheckAction
from support.chunks import CHUNK

SAID = "My number is 020 7946 0958, and my sister is Maria Gonzalez. We pay sixty pounds a month."
TURN = Segment(number=4, speaker="Ben Okafor", role=Role.PARTICIPANT, text=SAID)


def chunk(policy: PersonalData | None) -> ChunkReady:
    study = CHUNK.study.model_copy(update={"personal_data": policy})
    return CHUNK.model_copy(update={"study": study, "segments": (TURN,)})


def cited(statement: str, first: str, last: str) -> DraftNote:
    passage = DraftEvidence(segment=4, first_words=first, last_words=last)
    return DraftNote(statement=statement, evidence=(passage,), themes=("cost",))


NAMED = cited("Ben Okafor's sister is Maria Gonzalez.", "my sister is", "Gonzalez")
PLAIN = cited("They pay sixty pounds a month.", "We pay", "month")
BY_NAME = cited("Ben Okafor pays sixty pounds a month.", "We pay", "month")


def validated(
    policy: PersonalData | None,
    *notes: DraftNote,
    default: PersonalData = PersonalData.ALLOW,
    actions: CheckPolicy | None = None,
) -> NotesValidated:
    drafted = NotesDrafted(chunk=chunk(policy), notes=notes, model="m", prompt_version="notes-1")
    events = build_result_events(
        drafted,
        assess_draft(drafted, AssessmentOptions(default)),
        actions or CheckPolicy(),
        replays=0,
    )
    assert isinstance(events[0], NotesValidated)
    return events[0]


def test_a_study_that_allows_personal_data_keeps_it() -> None:
    (note,) = validated(PersonalData.ALLOW, NAMED).notes
    assert note.statement == NAMED.statement
    assert note.evidence[0].masked_quote is None


def test_a_study_that_masks_shows_placeholders_and_keeps_the_exact_quote() -> None:
    (note,) = validated(PersonalData.MASK, NAMED).notes
    assert "Gonzalez" not in note.statement
    assert "Okafor" not in note.statement
    assert note.evidence[0].quote == "my sister is Maria Gonzalez."
    assert note.evidence[0].masked_quote == "my sister is [PERSON]."


def test_a_masked_note_without_personal_data_is_marked_as_masked_too() -> None:
    (note,) = validated(PersonalData.MASK, PLAIN).notes
    assert note.statement == PLAIN.statement
    assert note.evidence[0].masked_quote == note.evidence[0].quote


def test_a_masked_note_keeps_its_standing_and_its_vouchers_are_masked() -> None:
    told = cited("My sister is Maria Gonzalez.", "my sister is", "Gonzalez")
    turn = TURN.model_copy(update={"text": "My sister is Maria Gonzalez."})
    there = chunk(None).model_copy(update={"segments": (turn,), "context": (), "chunk_count": 1})
    (checked,) = assess_draft(
        NotesDrafted(chunk=there, notes=(told,), model="m", prompt_version="notes-1")
    )
    assert checked.standing is Standing.VERBATIM
    (voucher,) = checked.vouchers
    quoting = voucher.model_copy(update={"detail": "Found: sister, maria, gonzalez."})

    masked = build_privacy_policy(chunk(PersonalData.MASK), PersonalData.MASK).apply(
        replace(checked, vouchers=(quoting,))
    )

    assert masked.statement == "My sister is [PERSON]."
    assert (masked.standing, len(masked.vouchers)) == (Standing.VERBATIM, 1)
    assert masked.vouchers[0].detail == "Found: sister, [PERSON], [PERSON]."


@pytest.mark.parametrize(
    ("said", "statement"),
    [
        (
            "We pay Maria, Maria Gonzalez, sixty pounds a month.",
            "We pay Maria Gonzalez sixty pounds a month.",
        ),
        ("I pay sixty pounds a month.", "Ben Okafor pays sixty pounds a month."),
    ],
)
def test_what_the_rules_say_of_a_masked_note_names_nobody(said: str, statement: str) -> None:
    turn = TURN.model_copy(update={"text": said})
    there = chunk(PersonalData.MASK).model_copy(
        update={"segments": (turn,), "context": (), "chunk_count": 1}
    )
    told = DraftNote(statement=statement, evidence=(DraftEvidence(segment=4),), themes=("cost",))
    (checked,) = assess_draft(
        NotesDrafted(chunk=there, notes=(told,), model="m", prompt_version="notes-1")
    )
    (voucher,) = checked.vouchers
    assert "[PERSON" in voucher.detail
    assert not [name for name in ("Maria", "Gonzalez", "Ben", "Okafor") if name in voucher.detail]


def test_nobody_can_guess_a_masked_name_by_the_note_s_id() -> None:
    (masked,) = validated(PersonalData.MASK, NAMED).notes
    assert masked.note_id == derive_note_id(CHUNK.chunk_id, masked.statement, masked.evidence)
    assert masked.note_id != derive_note_id(CHUNK.chunk_id, NAMED.statement, masked.evidence)


@pytest.mark.parametrize(
    "statement",
    [
        "My number is 020 7946 0111.",
        "The participant's sister is Carmen Gonzalez nowadays.",
        "Their number is nowadays 020 7946 0958, says Ben Okafor's brother.",
        "Ms Gonzalez is unhappily the sister.",
    ],
)
def test_failures_of_a_masked_note_are_masked_too(statement: str) -> None:
    lenient = CheckPolicy(
        {name: FailedCheckAction.FLAG for name in CHECK_NAMES if name not in NEVER_FLAGGED}
    )
    whole = cited(statement, "My number", "Gonzalez")
    (note,) = validated(PersonalData.MASK, whole, actions=lenient).notes
    assert note.flags
    output = " ".join(f"{one.reason} {one.claim} {one.evidence}" for one in note.flags).casefold()
    hidden = ("gonzalez", "carmen", "okafor", "0958", "0111", "7946")
    assert not [one for one in hidden if one in output]


def test_flags_of_masked_notes_are_masked() -> None:
    actions = CheckPolicy({"number_not_in_evidence": FailedCheckAction.FLAG})
    wrong = cited("Ben Okafor pays ninety pounds.", "We pay", "month")
    (note,) = validated(PersonalData.MASK, wrong, actions=actions).notes
    assert note.flags
    assert "Okafor" not in note.model_dump_json(exclude={"evidence"})


EVERY_FLAG = CheckPolicy(
    {name: FailedCheckAction.FLAG for name in CHECK_NAMES if name not in NEVER_FLAGGED},
    max_rejected_share=1,
)


@pytest.mark.parametrize(
    ("statement", "hidden"),
    [
        ("Ben Okafor's sister is Anna Meier.", ("okafor", "anna", "meier", "gonzalez")),
        ("Ben Okafor was never paid ninety pounds by Will Grant.", ("okafor", "grant")),
        ("They mail ann@meier.org.", ("ann", "meier")),
        ("Their number is 020 7946 0959.", ("7946", "0959")),
    ],
)
def test_no_flag_of_a_masked_note_reveals_masked_words(
    statement: str, hidden: tuple[str, ...]
) -> None:
    whole = cited(statement, "My number", "a month")
    (note,) = validated(PersonalData.MASK, whole, actions=EVERY_FLAG).notes
    assert note.flags
    output = " ".join(f"{one.reason} {one.claim} {one.evidence}" for one in note.flags).casefold()
    assert [word for word in hidden if word in output.replace("[person]", "")] == []


def test_unsupported_words_are_not_shown_where_they_are_masked() -> None:
    checked = assess_draft(
        NotesDrafted(
            chunk=chunk(PersonalData.MASK),
            notes=(cited("They pay Zygmunt sixty pounds.", "We pay", "month"),),
            model="m",
            prompt_version="notes-1",
        )
    )
    passing = tuple(replace(one, failures=()) for one in checked)
    drafted = NotesDrafted(
        chunk=chunk(PersonalData.MASK),
        notes=tuple(one.draft for one in checked),
        model="m",
        prompt_version="notes-1",
    )
    (event,) = build_result_events(drafted, passing, CheckPolicy(), replays=0)
    assert isinstance(event, NotesValidated)
    (flag,) = event.notes[0].flags
    assert flag.reason.endswith("a word that is masked.")


@pytest.mark.parametrize(
    "note", [NAMED, BY_NAME, cited("They gave a number.", "My number", "0958")]
)
def test_a_study_that_rejects_refuses_notes_and_quotes_with_personal_data(note: DraftNote) -> None:
    event = validated(PersonalData.REJECT, note, PLAIN)
    assert [one.statement for one in event.notes] == [PLAIN.statement]
    failures = event.rejected[0].failures
    assert "personal_data" in [one.check for one in failures]
    assert "Gonzalez" not in str([one for one in failures if one.check == "personal_data"])


def test_notes_of_a_study_that_rejects_are_marked_so_that_their_speakers_are_not_named() -> None:
    (note,) = validated(PersonalData.REJECT, PLAIN).notes
    assert [one.masked_quote for one in note.evidence] == [note.evidence[0].quote]


def test_a_draft_rejected_for_personal_data_is_a_dead_letter_with_that_code() -> None:
    drafted = NotesDrafted(
        chunk=chunk(PersonalData.REJECT),
        attempt=2,
        notes=(BY_NAME,),
        model="m",
        prompt_version="notes-1",
    )
    with pytest.raises(RejectedError) as caught:
        build_result_events(drafted, assess_draft(drafted), CheckPolicy(), replays=0)
    assert caught.value.code is ErrorCode.PII
    assert "Okafor" not in str(caught.value)


def test_studies_without_a_policy_use_the_setting() -> None:
    (note,) = validated(None, NAMED, default=PersonalData.MASK).notes
    assert "Gonzalez" not in note.statement
    (note,) = validated(PersonalData.ALLOW, NAMED, default=PersonalData.MASK).notes
    assert "Gonzalez" in note.statement


@pytest.mark.parametrize(
    ("label", "is_name"),
    [
        ("Ben Okafor", True),
        ("Maria", True),
        ("Bo", True),
        ("AL", True),
        ("Speaker 1", False),
        ("SPEAKER_00", False),
        ("Interviewer", False),
        ("Interviewee", False),
        ("P3", False),
        ("S", False),
        ("S:", False),
        ("Speaker A", False),
        ("2", False),
    ],
)
def test_labels_that_name_nobody_are_no_names(label: str, *, is_name: bool) -> None:
    there = chunk(None).model_copy(
        update={"segments": (TURN.model_copy(update={"speaker": label}),), "context": ()}
    )
    assert bool(build_privacy_policy(there, PersonalData.MASK).names) is is_name


def test_who_speaks_elsewhere_in_the_interview_is_masked_here_too() -> None:
    there = chunk(PersonalData.MASK).model_copy(update={"speakers": ("Ann", "Xiomara", "P1")})
    names = build_privacy_policy(there, PersonalData.MASK).names
    assert "Xiomara" in names
    assert "P1" not in names


@pytest.mark.parametrize(
    ("policy", "default", "override", "counts"),
    [
        (PersonalData.ALLOW, PersonalData.ALLOW, PersonalData.MASK, PersonalData.MASK),
        (PersonalData.REJECT, PersonalData.ALLOW, PersonalData.ALLOW, PersonalData.REJECT),
        (None, PersonalData.REJECT, PersonalData.MASK, PersonalData.REJECT),
    ],
)
def test_a_replay_can_only_tighten_the_policy_of_its_own_drafts(
    policy: PersonalData | None,
    default: PersonalData,
    override: PersonalData,
    counts: PersonalData,
) -> None:
    draft = NotesDrafted(
        chunk=chunk(policy), attempt=1, notes=(NAMED,), model="m", prompt_version="p"
    )
    overrides = ReplayOverrides(personal_data=override, statements=StatementPolicy.ALL)
    tightened = tighten_policies(draft, overrides, default).chunk.study
    assert tightened.personal_data is counts
    assert tightened.statements is draft.chunk.study.statements
    assert tighten_policies(draft, ReplayOverrides(model="m"), default) is draft
