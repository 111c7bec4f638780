"""The conservation law as arithmetic over ids; pure.

``submitted = stored + waiting + in retry + dead + discarded + superseded + withdrawn + erased``,
once for interviews as they were submitted, once for submitted records that are no interview, and
once for the chunks that interviews became. Each is looked for in all the places where it could be;
one that is nowhere is lost, and the books do not balance.

Submissions are looked for by their place, and what is on its way from there on by the ids in its
value; a record's key is nobody's proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audit.facts import (
    AuditFacts,
    DatedDeadLetter,
    Ends,
    Place,
    SubmissionFact,
    SubmissionState,
    UnfinishedRecord,
)
from audit.results import AuditResult, MessageCounts, StateCounts
from contracts.topics import INGESTION, PERSISTENCE


def reconcile_submissions(books: AuditFacts) -> AuditResult:
    """Compare all submissions with their outcomes; return counts by state, and lost ones."""
    chunk_states = _chunk_states(books)
    submission_states = _submission_states(books, chunk_states)
    interviews = {_name(one.place) for one in books.submissions if one.transcript_id}
    readable: dict[str, SubmissionState] = {}
    unreadable: dict[str, SubmissionState] = {}
    for name, state in submission_states.items():
        (readable if name in interviews else unreadable)[name] = state
    return AuditResult(
        submissions=_account(readable),
        unreadable=_account(unreadable),
        chunks=_account(chunk_states),
        services=tuple(_service(books, service) for service in books.received),
        deleted=books.deleted,
        missing_topics=books.missing_topics,
    )


def _chunk_states(books: AuditFacts) -> dict[str, SubmissionState]:
    unread = {one.subject: one.state for one in books.unread}
    letters = _worst_by_subject(books.letters)
    # An interview of which ingestion has published a part counts as ingestion's still.
    at_ingestion = _states_by_place(books)
    of_interview = {
        (one.transcript_id, one.revision): state
        for one in books.submissions
        if (state := at_ingestion.get(one.place))
    }
    states = {}
    for chunk in books.chunks:
        revision = chunk.transcript_id, chunk.revision
        if revision in books.withdrawn:
            state = SubmissionState.WITHDRAWN
        elif revision in books.superseded:
            state = SubmissionState.SUPERSEDED
        elif chunk.stored:
            state = SubmissionState.STORED
        else:
            found = unread.get(chunk.chunk_id) or letters.get(chunk.chunk_id)
            state = found or of_interview.get(
                (chunk.transcript_id, chunk.revision), SubmissionState.LOST
            )
        states[chunk.chunk_id] = state
    return states


def _worst_by_subject(letters: Iterable[DatedDeadLetter]) -> dict[str, SubmissionState]:
    """Dead comes before discarded: there is something to do about it."""
    worst_last = sorted(letters, key=lambda one: not one.discarded)
    return {one.subject: one.state for one in worst_last}


def _states_by_place(books: AuditFacts) -> dict[Place, SubmissionState]:
    """Of each submission that is at ingestion still, or was set aside there."""
    sent = {one.place: one.sent_at for one in books.submissions}
    letters = {
        one.place: one.state
        for one in sorted(books.letters, key=lambda one: not one.discarded)
        # Of a topic that was made anew, another record has that place now.
        if one.service == INGESTION and _agree(one.sent_at, sent.get(one.place))
    }
    return letters | {one.place: one.state for one in books.unread if one.service == INGESTION}


def _submission_states(
    books: AuditFacts, chunk_states: Mapping[str, SubmissionState]
) -> dict[str, SubmissionState]:
    at_ingestion = _states_by_place(books)
    # Between ingestion and the database, an interview is known by its event's fields.
    further: dict[str, list[UnfinishedRecord | DatedDeadLetter]] = {}
    dead_first = sorted(books.letters, key=lambda one: one.discarded)
    facts: list[UnfinishedRecord | DatedDeadLetter] = [*books.unread, *dead_first]
    for found in facts:
        if found.service == PERSISTENCE and found.subject:
            further.setdefault(found.subject, []).append(found)
    chunks: dict[tuple[str, int], set[SubmissionState]] = {}
    for chunk in books.chunks:
        of_interview = chunks.setdefault((chunk.transcript_id, chunk.revision), set())
        of_interview.add(chunk_states[chunk.chunk_id])
    states = {}
    for one in books.submissions:
        state = at_ingestion.get(one.place)
        if one.transcript_id in books.erased:
            state = SubmissionState.ERASED  # whatever of it is still on its way is discarded
        if state is None and _is_ingested(one, books):
            state = _of_interview(one, books, chunks)
        if state is None:
            candidates = further.get(one.transcript_id, ())
            state = next((other.state for other in candidates if _may_be(one, other)), None)
        states[_name(one.place)] = state or SubmissionState.LOST
    return states


def _is_ingested(one: SubmissionFact, books: AuditFacts) -> bool:
    if one.revision is None:
        return False
    content = books.ingested.get((one.transcript_id, one.revision))
    return content is not None and one.content_sha256 in (None, content)


def _may_be(one: SubmissionFact, other: UnfinishedRecord | DatedDeadLetter) -> bool:
    """Whether an event about a submission's interview may come from that submission."""
    return _agree(one.revision, other.revision) and _agree(one.content_sha256, other.content_sha256)


def _agree(one: object, other: object) -> bool:
    """Whether two may be the same, as far as they are known."""
    return one is None or other is None or one == other


def _of_interview(
    one: SubmissionFact, books: AuditFacts, chunks: Mapping[tuple[str, int], set[SubmissionState]]
) -> SubmissionState:
    """The state of an ingested interview: that of the chunk that is least far."""
    revision = one.revision or 0
    if (one.transcript_id, revision) in books.withdrawn:
        return SubmissionState.WITHDRAWN
    if (one.transcript_id, revision) in books.superseded:
        return SubmissionState.SUPERSEDED
    worst_first = (
        SubmissionState.LOST,
        SubmissionState.DEAD,
        SubmissionState.DISCARDED,
        SubmissionState.IN_RETRY,
        SubmissionState.WAITING,
    )
    found = chunks.get((one.transcript_id, revision), set())
    return next((state for state in worst_first if state in found), SubmissionState.STORED)


def _name(place: Place) -> str:
    return "/".join(map(str, place))


def _account(states: Mapping[str, SubmissionState]) -> StateCounts:
    counts = dict.fromkeys(SubmissionState, 0)
    for state in states.values():
        counts[state] += 1
    lost = tuple(sorted(one for one, state in states.items() if state is SubmissionState.LOST))
    return StateCounts(total=len(states), states=counts, lost=lost)


def _is_of_this_log(
    letter: DatedDeadLetter, ends: Ends, sent_at: int | None, earlier: int | None
) -> bool:
    """Return False for a letter whose message was in a log that was there before this one.

    Args:
        letter: of a service.
        ends: of the partitions of its source topics.
        sent_at: the timestamp of the submission that is at its place now, if it is known.
        earlier: until when messages of letters were in an earlier log, if there was one.
    """
    topic, partition, offset = letter.place
    if offset >= ends.get((topic, partition), offset + 1):
        return False
    if letter.sent_at is None:
        return True
    if earlier is not None and letter.sent_at <= earlier:
        return False
    return sent_at is None or letter.sent_at == sent_at


def _service(books: AuditFacts, service: str) -> MessageCounts:
    ends = books.received[service]
    unread = [one for one in books.unread if one.service == service]
    sent = {one.place: one.sent_at for one in books.submissions}
    letters = [
        one
        for one in books.letters
        if one.service == service
        and _is_of_this_log(one, ends, sent.get(one.place), books.earlier_logs.get(one.place[:2]))
    ]
    # By place, so that a message that is both in retry and, for a moment, a letter counts once.
    unhandled = {one.place for one in unread} | {one.place for one in letters}
    received = sum(ends.values())
    return MessageCounts(
        service=service,
        received=received,
        handled=received
        - sum(offset < ends.get((topic, partition), 0) for topic, partition, offset in unhandled),
        waiting=sum(not one.retrying for one in unread),
        in_retry=sum(one.retrying for one in unread),
        dead=sum(not one.discarded for one in letters),
        discarded=sum(one.discarded for one in letters),
        held=sum(one.held for one in unread),
    )
