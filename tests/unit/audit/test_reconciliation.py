"""The conservation law as arithmetic: what counts where, and no figure goes below zero."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from audit.facts import (
    AuditFacts,
    ChunkFact,
    DatedDeadLetter,
    SubmissionFact,
    SubmissionState,
    UnfinishedRecord,
)
from audit.reconciliation import reconcile_submissions

SUBMITTED = "transcripts-submitted"
INGESTED = "transcripts-ingested"
HERE = (SUBMITTED, 0, 0)


def garbage(offset: int) -> SubmissionFact:
    return SubmissionFact((SUBMITTED, 0, offset), "", None, sent_at=offset)


def refused(offset: int, **more: object) -> DatedDeadLetter:
    fact = DatedDeadLetter("ingestion", (SUBMITTED, 0, offset), "", discarded=False, sent_at=offset)
    return replace(fact, **more)  # type: ignore[arg-type]


def state_of(books: AuditFacts) -> SubmissionState:
    (state,) = [
        one for one, number in reconcile_submissions(books).submissions.states.items() if number
    ]
    return state


def test_garbage_is_no_interview_and_has_a_line_of_its_own() -> None:
    books = AuditFacts(
        submissions=(*map(garbage, range(1, 4)), SubmissionFact(HERE, "talk", 1)),
        ingested={("talk", 1): "sha"},
        letters=(refused(1), refused(2, discarded=True)),
        received={"ingestion": {(SUBMITTED, 0): 4}},
    )
    balance = reconcile_submissions(books)
    assert (balance.submissions.total, balance.submissions.states[SubmissionState.STORED]) == (1, 1)
    assert balance.unreadable.total == 3
    assert balance.unreadable.lost == (f"{SUBMITTED}/0/3",)
    assert not balance.balances
    assert reconcile_submissions(replace(books, letters=(*books.letters, refused(3)))).balances


def test_a_letter_of_an_earlier_topic_says_nothing_of_what_has_its_place_now() -> None:
    submission = SubmissionFact(HERE, "talk", 1, sent_at=2_000)
    old = refused(0, discarded=True, sent_at=1_000)
    books = AuditFacts(submissions=(submission,), letters=(old,), ingested={("talk", 1): "x"})
    assert state_of(books) is SubmissionState.STORED
    assert (
        state_of(replace(books, letters=(replace(old, sent_at=2_000),)))
        is SubmissionState.DISCARDED
    )
    assert (
        state_of(replace(books, letters=(replace(old, sent_at=None),))) is SubmissionState.DISCARDED
    )


def test_letters_of_a_log_that_is_gone_are_not_beside_the_counts_of_the_new_one() -> None:
    ends = {(SUBMITTED, 0): 2}
    letters = (refused(1, sent_at=7_000), refused(2), refused(900, discarded=True))
    other = DatedDeadLetter("ingestion", ("ingestion-dlq", 0, 5), "", discarded=False)
    books = AuditFacts(
        submissions=(replace(garbage(1), sent_at=8_000),),
        letters=(*letters, other),
        received={"ingestion": ends},
    )
    (counts,) = reconcile_submissions(books).services
    assert (counts.received, counts.handled) == (2, 2)
    # What is in no source topic, such as what somebody wrote to the DLQ, is told as ever.
    assert (counts.dead, counts.discarded) == (1, 0)
    (counts,) = reconcile_submissions(
        replace(books, received={"ingestion": {(SUBMITTED, 0): 901}})
    ).services
    assert (counts.dead, counts.discarded) == (2, 1)


def test_other_content_under_a_stored_revision_is_where_its_letter_is() -> None:
    mine = SubmissionFact(HERE, "talk", 1, "mine")
    theirs = SubmissionFact((SUBMITTED, 0, 1), "talk", 1, "theirs")
    letter = DatedDeadLetter(
        "persistence",
        (INGESTED, 0, 1),
        "talk",
        discarded=False,
        revision=1,
        content_sha256="theirs",
    )
    books = AuditFacts(
        submissions=(mine, theirs),
        letters=(letter,),
        ingested={("talk", 1): "mine"},
    )
    states = reconcile_submissions(books).submissions.states
    assert (
        states[SubmissionState.STORED],
        states[SubmissionState.DEAD],
        states[SubmissionState.LOST],
    ) == (1, 1, 0)


def test_a_letter_of_one_revision_is_no_excuse_for_another() -> None:
    letter = DatedDeadLetter("persistence", (INGESTED, 0, 1), "talk", discarded=False, revision=2)
    books = AuditFacts(submissions=(SubmissionFact(HERE, "talk", 1),), letters=(letter,))
    assert state_of(books) is SubmissionState.LOST
    assert state_of(replace(books, letters=(replace(letter, revision=1),))) is SubmissionState.DEAD


def test_a_revision_that_no_database_takes_is_dead_where_it_was_refused() -> None:
    submission = SubmissionFact(HERE, "talk", None)
    letter = DatedDeadLetter("persistence", (INGESTED, 0, 1), "talk", discarded=False)
    books = AuditFacts(submissions=(submission,), letters=(letter,))
    assert state_of(books) is SubmissionState.DEAD


def test_a_dead_letter_of_a_chunk_comes_before_one_that_was_discarded() -> None:
    chunk = ChunkFact("chunk", "talk", 1, stored=False)
    dead = DatedDeadLetter("enrichment", ("chunks-ready", 0, 1), "chunk", discarded=False)
    for letters in ((dead, replace(dead, discarded=True)), (replace(dead, discarded=True), dead)):
        states = reconcile_submissions(AuditFacts(chunks=(chunk,), letters=letters)).chunks.states
        assert states[SubmissionState.DEAD] == 1


places = st.tuples(st.just("chunks-ready"), st.integers(0, 1), st.integers(0, 12))


@given(
    unread=st.lists(st.tuples(places, st.booleans())),
    letters=st.lists(st.tuples(places, st.booleans())),
    ends=st.tuples(st.integers(0, 10), st.integers(0, 10)),
)
def test_handled_is_never_less_than_none_whatever_moves_while_stock_is_taken(
    unread: list[tuple[tuple[str, int, int], bool]],
    letters: list[tuple[tuple[str, int, int], bool]],
    ends: tuple[int, int],
) -> None:
    books = AuditFacts(
        unread=tuple(
            UnfinishedRecord("enrichment", place, "", retrying) for place, retrying in unread
        ),
        letters=tuple(
            DatedDeadLetter("enrichment", place, "", discarded) for place, discarded in letters
        ),
        received={"enrichment": {("chunks-ready", 0): ends[0], ("chunks-ready", 1): ends[1]}},
    )
    (account,) = reconcile_submissions(books).services
    assert 0 <= account.handled <= account.received == sum(ends)


def test_what_is_both_in_retry_and_still_a_letter_is_taken_off_once() -> None:
    place = ("chunks-ready", 0, 1)
    books = AuditFacts(
        unread=(UnfinishedRecord("enrichment", place, "chunk", retrying=True),),
        letters=(DatedDeadLetter("enrichment", place, "chunk", discarded=False),),
        received={"enrichment": {("chunks-ready", 0): 2}},
    )
    (account,) = reconcile_submissions(books).services
    assert (account.handled, account.in_retry, account.dead) == (1, 1, 1)


def test_what_moved_between_two_looks_waits_and_is_not_lost() -> None:
    books = AuditFacts(submissions=(SubmissionFact(HERE, "talk", 1),))
    balance = reconcile_submissions(books)
    assert balance.lost == {f"{SUBMITTED}/0/0"}
    moving = balance.waiting_for(balance.lost)
    assert moving.balances
    assert not moving.is_settled
    assert moving.submissions.states[SubmissionState.WAITING] == 1
    assert balance.waiting_for(frozenset()) == balance
