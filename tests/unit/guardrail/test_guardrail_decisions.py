from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.errors import ErrorCode, RejectedError
from contracts.events import Event, NotesDrafted, NotesRejected, NotesValidated
from contracts.notes import CheckFailure, DraftNote, Standing, Voucher, VoucherKind
from grounding import CheckedNote
from grounding.privacy import PERSONAL_DATA
from guardrail.assessors import assess_in_thread
from guardrail.domain import assess_draft, build_result_events
from guardrail.handlers import validate_draft
from guardrail.policy import OWN_WORDS, CheckPolicy, FailedCheckAction
from messaging.delivery import Delivery, MessageOrigin
from support.chunks import BAD, CHUNK, GOOD, drafted
from telemetry.metrics import NOTES_ASSESSED

WRONG = GOOD.model_copy(update={"statement": "They pay ninety pounds."})
"""Fails ``number_not_in_evidence`` alone."""


def decided(
    draft: NotesDrafted, policy: CheckPolicy | None = None, *, replays: int = 0
) -> tuple[Event, ...]:
    return build_result_events(draft, assess_draft(draft), policy or CheckPolicy(), replays=replays)


def validated(draft: NotesDrafted, policy: CheckPolicy | None = None) -> NotesValidated:
    """What goes on, of a draft that is not asked for again."""
    (event,) = decided(draft, policy)
    assert isinstance(event, NotesValidated)
    assert event.final
    return event


def test_good_notes_go_on_with_their_quotes() -> None:
    event = validated(drafted(GOOD))
    (note,) = event.notes
    assert note.evidence[0].quote == "We pay sixty pounds a month."
    assert (event.chunk_id, event.study_id, event.attempt) == (CHUNK.chunk_id, "heating", 1)


def test_a_draft_without_notes_is_valid() -> None:
    event = validated(drafted(), CheckPolicy(max_rejected_share=0.0))
    assert not event.notes
    assert not event.rejected


def test_a_few_bad_notes_are_kept_with_their_reasons() -> None:
    event = validated(drafted(GOOD, BAD))
    assert len(event.notes) == 1
    assert event.rejected[0].draft == BAD


def test_too_many_bad_notes_have_the_model_asked_again_and_the_good_ones_do_not_wait() -> None:
    good, again = decided(drafted(GOOD, BAD), CheckPolicy(max_rejected_share=0.49))
    assert isinstance(good, NotesValidated)
    assert (len(good.notes), len(good.rejected), good.final) == (1, 1, False)
    assert isinstance(again, NotesRejected)
    assert (again.chunk, again.attempt, len(again.rejected)) == (CHUNK, 1, 1)
    assert again.feedback


def test_the_second_bad_draft_is_refused_without_quoting_it() -> None:
    with pytest.raises(RejectedError, match="draft 2: 1 of 1 notes refused") as caught:
        decided(drafted(BAD, attempt=2))
    assert "SECRETWORDS" not in str(caught.value)
    assert caught.value.code is ErrorCode.UNGROUNDED


def test_what_is_good_in_a_refused_draft_goes_on() -> None:
    with pytest.raises(RejectedError) as caught:
        decided(drafted(GOOD, BAD, WRONG, attempt=2))
    (event,) = caught.value.salvaged
    assert isinstance(event, NotesValidated)
    assert (len(event.notes), len(event.rejected), event.final) == (1, 2, False)


@pytest.mark.parametrize(
    ("attempt", "replays", "again"), [(2, 1, True), (3, 1, False), (3, 2, True), (1, 0, True)]
)
def test_each_replay_gives_the_model_another_try(
    attempt: int, replays: int, *, again: bool
) -> None:
    draft = drafted(BAD, attempt=attempt)
    if again:
        _, asked = decided(draft, replays=replays)
        assert isinstance(asked, NotesRejected)
        assert asked.attempt == attempt
    else:
        with pytest.raises(RejectedError):
            decided(draft, replays=replays)


async def test_the_handler_passes_on_how_often_the_draft_was_replayed() -> None:
    delivery = Delivery(MessageOrigin("notes-drafted", 0, 0), replays=1)
    bad = drafted(BAD, attempt=2)
    _, event = await validate_draft(bad, delivery, assess_in_thread, CheckPolicy(), None)
    assert isinstance(event, NotesRejected)


def test_a_flagged_note_passes_and_says_which_check_it_failed() -> None:
    policy = CheckPolicy({"number_not_in_evidence": FailedCheckAction.FLAG})
    event = validated(drafted(WRONG), policy)
    assert [flag.check for flag in event.notes[0].flags] == ["number_not_in_evidence"]
    assert not event.rejected


def test_a_flag_does_not_save_a_note_that_fails_another_check() -> None:
    wrong_and_nowhere = WRONG.model_copy(update={"themes": ("unknown",)})
    policy = CheckPolicy({"number_not_in_evidence": FailedCheckAction.FLAG})
    event = validated(drafted(GOOD, wrong_and_nowhere), policy)
    assert [failure.check for failure in event.rejected[0].failures] == [
        "unknown_theme",
        "number_not_in_evidence",
    ]


def test_one_note_is_enough_to_ask_again_where_the_policy_says_so() -> None:
    policy = CheckPolicy(
        {"number_not_in_evidence": FailedCheckAction.ASK_AGAIN}, max_rejected_share=1.0
    )
    good, again = decided(drafted(GOOD, WRONG), policy)
    assert isinstance(good, NotesValidated)
    assert not good.final
    assert isinstance(again, NotesRejected)


def test_a_note_that_asks_again_is_only_refused_after_the_last_try() -> None:
    policy = CheckPolicy({"number_not_in_evidence": FailedCheckAction.ASK_AGAIN})
    (event,) = decided(drafted(GOOD, GOOD_TOO, WRONG, attempt=2), policy)
    assert isinstance(event, NotesValidated)
    assert (len(event.notes), len(event.rejected), event.final) == (2, 1, True)


GOOD_TOO = GOOD.model_copy(update={"statement": "They pay sixty pounds."})


SPEND = GOOD.model_copy(update={"statement": "They spend sixty pounds a month."})
"""Passes, with a word that its quote does not have."""


def test_words_that_no_quote_has_are_flagged_where_nothing_is_said() -> None:
    (note,) = validated(drafted(SPEND)).notes
    (flag,) = note.flags
    assert (flag.check, "spend" in flag.reason) == (OWN_WORDS, True)
    assert not validated(drafted(GOOD)).notes[0].flags


def test_words_that_no_quote_has_may_be_refused_or_let_pass() -> None:
    refusing = CheckPolicy({OWN_WORDS: FailedCheckAction.REJECT}, max_rejected_share=1.0)
    event = validated(drafted(SPEND, GOOD), refusing)
    assert [note.statement for note in event.notes] == [GOOD.statement]
    assert (
        not validated(drafted(SPEND), CheckPolicy({OWN_WORDS: FailedCheckAction.PASS}))
        .notes[0]
        .flags
    )


VOUCHERS = (Voucher(kind=VoucherKind.JUDGE, name="second", detail="It is supported."),)


def confirmed(checked: CheckedNote) -> CheckedNote:
    return replace(checked, standing=Standing.CONFIRMED, vouchers=VOUCHERS)


def test_words_of_a_confirmed_note_are_not_flagged() -> None:
    draft = drafted(SPEND)
    (checked,) = assess_draft(draft)
    (event,) = build_result_events(draft, [confirmed(checked)], CheckPolicy(), replays=0)
    assert isinstance(event, NotesValidated)
    assert not event.notes[0].flags
    assert event.notes[0].standing is Standing.CONFIRMED
    assert event.notes[0].vouchers == VOUCHERS


QUOTED = GOOD.model_copy(update={"statement": "We pay sixty pounds a month."})


def _saying_no_more(draft: NotesDrafted) -> NotesDrafted:
    """Return a draft whose participant says one sentence, so that no other may limit it."""
    segments = tuple(
        one.model_copy(update={"text": one.text.split(". ")[0] + "."}) if one.number == 4 else one
        for one in draft.chunk.segments
    )
    return draft.model_copy(update={"chunk": draft.chunk.model_copy(update={"segments": segments})})


def test_a_statement_that_is_the_quote_is_verbatim_and_another_unproven() -> None:
    quoted, spend = validated(_saying_no_more(drafted(QUOTED, SPEND))).notes
    assert (quoted.standing, quoted.vouchers[0].kind) == (Standing.VERBATIM, VoucherKind.RULE)
    assert (spend.standing, spend.vouchers) == (Standing.UNPROVEN, ())


@pytest.mark.parametrize("action", [FailedCheckAction.FLAG, FailedCheckAction.PASS])
def test_a_note_that_a_policy_lets_pass_is_unproven_whatever_vouched_for_it(
    action: FailedCheckAction,
) -> None:
    draft = drafted(WRONG)
    (checked,) = assess_draft(draft)
    assert checked.failures
    policy = CheckPolicy({"number_not_in_evidence": action})
    (event,) = build_result_events(draft, [confirmed(checked)], policy, replays=0)
    assert isinstance(event, NotesValidated)
    assert (event.notes[0].standing, event.notes[0].vouchers) == (Standing.UNPROVEN, ())


def test_a_standing_changes_no_note_id() -> None:
    (checked,) = assess_draft(drafted(SPEND))
    assert confirmed(checked).to_note().note_id == checked.to_note().note_id


def test_notes_are_counted_by_standing_and_rejected_ones_as_refuted() -> None:
    def counts() -> dict[str, float]:
        return {one.value: NOTES_ASSESSED.labels(one.value)._value.get() for one in Standing}

    before = counts()
    decided(_saying_no_more(drafted(QUOTED, SPEND, BAD)))
    with pytest.raises(RejectedError):
        decided(drafted(BAD, attempt=2))
    after = counts()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "verbatim": 1,
        "unproven": 1,
        "refuted": 2,
    }


def test_personal_data_that_rejects_most_notes_gives_the_error_code() -> None:
    def refused(draft: DraftNote, check: str) -> CheckedNote:
        failure = CheckFailure(check=check, reason="…")
        return CheckedNote(draft, CHUNK.chunk_id, (), (failure,), draft.statement)

    checked = [
        refused(GOOD, PERSONAL_DATA),
        refused(WRONG, PERSONAL_DATA),
        refused(BAD, "no_theme"),
    ]
    with pytest.raises(RejectedError) as caught:
        build_result_events(drafted(GOOD, WRONG, BAD, attempt=2), checked, CheckPolicy(), replays=0)
    assert caught.value.code is ErrorCode.PII


@pytest.mark.parametrize(
    ("check", "action", "message"),
    [
        ("numbers", FailedCheckAction.FLAG, "there is no check 'numbers'"),
        ("quote_not_found", FailedCheckAction.FLAG, "cannot be let pass"),
        ("no_theme", FailedCheckAction.FLAG, "cannot be let pass"),
    ],
)
def test_an_impossible_policy_is_refused(
    check: str, action: FailedCheckAction, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CheckPolicy({check: action})
