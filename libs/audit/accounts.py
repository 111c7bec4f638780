"""The conservation law as arithmetic over ids; pure.

``submitted = stored + waiting + in retry + dead + discarded + superseded``, once for interviews as
they were submitted, once for submitted records that are no interview, and once for the chunks that
interviews became. Each is looked for in all the places where it could be; one that is nowhere is
lost, and the books do not balance.

Submissions are looked for by their place, and what is on its way from there on by the ids in its
value; a record's key is nobody's proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from contracts.topics import INGESTION, PERSISTENCE

Place = tuple[str, int, int]
"""Topic without prefix, partition and offset: what identifies one submitted record."""


Ends = Mapping[tuple[str, int], int]
"""The offset behind the last record of each partition, by topic without prefix and partition."""


class SubmissionState(StrEnum):
    """State of a submission; if several apply, the first in this order counts."""

    STORED = "stored"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    IN_RETRY = "in_retry"
    DEAD = "dead"
    DISCARDED = "discarded"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class UnfinishedRecord:
    """Kafka record that its service has not finished, in its own topic or a retry topic.

    Attributes:
        service: whose group has not finished it.
        place: where it was read first; for a record in a retry topic, where it came from.
        subject: id of the transcript or chunk it is about; empty if its value lacks it.
        retrying: whether it is in a retry topic.
        revision: the transcript's revision, if the value has one.
        content_sha256: hash of that revision's content, if the value has one.
        held: whether nothing moves it before a dead letter is replayed.
    """

    service: str
    place: Place
    subject: str
    retrying: bool
    revision: int | None = None
    content_sha256: str | None = None
    held: bool = False

    @property
    def state(self) -> SubmissionState:
        """How it counts."""
        return SubmissionState.IN_RETRY if self.retrying else SubmissionState.WAITING


@dataclass(frozen=True, slots=True)
class DeadLetterFact:
    """Dead letter as control's index has it, with the time its message was sent.

    ``sent_at`` is in milliseconds since the epoch; None if it is not known.
    """

    service: str
    place: Place
    subject: str
    discarded: bool
    revision: int | None = None
    content_sha256: str | None = None
    sent_at: int | None = None

    @property
    def state(self) -> SubmissionState:
        """How it counts."""
        return SubmissionState.DISCARDED if self.discarded else SubmissionState.DEAD


@dataclass(frozen=True, slots=True)
class ChunkFact:
    """Chunk of an interview, as PostgreSQL has it."""

    chunk_id: str
    transcript_id: str
    revision: int
    stored: bool
    superseded: bool


@dataclass(frozen=True, slots=True)
class SubmissionFact:
    """Submitted record as control's index has it.

    Attributes:
        place: where it is.
        transcript_id: which interview it is; empty if it is none.
        revision: None if the record has no valid one.
        content_sha256: which content of that revision it brings; None if it is not valid.
        sent_at: its timestamp, in milliseconds since the epoch; None if it is not known.
    """

    place: Place
    transcript_id: str
    revision: int | None
    content_sha256: str | None = None
    sent_at: int | None = None


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """All facts that an audit compares, read at about one moment.

    Attributes:
        submissions: every record on the topic of submissions.
        chunks: every chunk of every ingested interview.
        ingested: interviews that are in the database: their content by id and revision.
        latest: the highest ingested revision of each interview.
        unread: every record that some service has not finished.
        letters: every dead letter that was not replayed.
        received: the end of each partition of a service's source topics, by service.
        deleted: how many records were deleted from a topic before a service had finished them.
        missing_topics: topics that could not be read, as they do not exist.
    """

    submissions: tuple[SubmissionFact, ...] = ()
    chunks: tuple[ChunkFact, ...] = ()
    ingested: Mapping[tuple[str, int], str] = field(default_factory=dict)
    latest: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[UnfinishedRecord, ...] = ()
    letters: tuple[DeadLetterFact, ...] = ()
    received: Mapping[str, Ends] = field(default_factory=dict)
    deleted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    missing_topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateCounts:
    """Number of interviews, chunks or messages in total and by state.

    Attributes:
        total: how many were submitted.
        states: how many are in each state.
        lost: the ids that are nowhere.
    """

    total: int
    states: Mapping[SubmissionState, int]
    lost: tuple[str, ...]

    @property
    def balances(self) -> bool:
        """Whether every one is accounted for, once."""
        found = sum(
            count for state, count in self.states.items() if state is not SubmissionState.LOST
        )
        return not self.lost and found == self.total

    def waiting_for(self, moving: frozenset[str]) -> StateCounts:
        """As ``AuditResult.waiting_for``."""
        lost = tuple(one for one in self.lost if one not in moving)
        found = len(self.lost) - len(lost)
        states = {
            **self.states,
            SubmissionState.LOST: len(lost),
            SubmissionState.WAITING: self.states[SubmissionState.WAITING] + found,
        }
        return replace(self, states=states, lost=lost)


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """Numbers of messages by state at one service.

    Attributes:
        service: its name.
        received: records ever written to its source topics, when the stocktaking began.
        handled: those of them that neither wait nor are in retry nor set aside.
        waiting: those its group has not finished, or keeps until what they need arrives.
        in_retry: records in its retry topics, replays included.
        dead: its letters that wait for an operator.
        discarded: its letters that an operator gave up.
        held: of those that wait, how many wait for what is a dead letter.
    """

    service: str
    received: int
    handled: int
    waiting: int
    in_retry: int
    dead: int
    discarded: int
    held: int = 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """Result of an audit: the counts by state, and what is lost.

    Attributes:
        submissions: interviews, as they were submitted.
        unreadable: submitted records that name no interview.
        chunks: the chunks of interviews.
        services: what stands where at each service.
        deleted: how many records Kafka deleted before a service had finished them, by service and
            topic; whatever they were, nobody knows their ids.
        missing_topics: topics that do not exist, as the broker would name them; nobody knows what
            was in them.
    """

    submissions: StateCounts
    unreadable: StateCounts
    chunks: StateCounts
    services: tuple[MessageCounts, ...]
    deleted: Mapping[tuple[str, str], int] = field(default_factory=dict)
    missing_topics: tuple[str, ...] = ()

    @property
    def accounts(self) -> tuple[StateCounts, ...]:
        """All sides of the law."""
        return (self.submissions, self.unreadable, self.chunks)

    @property
    def balances(self) -> bool:
        """Whether all sides of the law hold, and all topics could be read."""
        is_known = not self.deleted and not self.missing_topics
        return is_known and all(account.balances for account in self.accounts)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way any more: all is stored or set aside.

        A message may be on its way of which nothing more is to come, such as one that was sent
        twice: what becomes of it, a dead letter perhaps, is not settled either.
        """
        moving = (SubmissionState.WAITING, SubmissionState.IN_RETRY)
        if any(account.states[one] for account in self.accounts for one in moving):
            return False
        return not any(one.waiting - one.held + one.in_retry for one in self.services)

    @property
    def lost(self) -> frozenset[str]:
        """Everything that is nowhere."""
        return frozenset(lost for account in self.accounts for lost in account.lost)

    def waiting_for(self, moving: frozenset[str]) -> AuditResult:
        """Return the same books, in which some of what is nowhere counts as waiting.

        Args:
            moving: what moved between two looks and was missed for that, not lost.
        """
        return replace(
            self,
            submissions=self.submissions.waiting_for(moving),
            unreadable=self.unreadable.waiting_for(moving),
            chunks=self.chunks.waiting_for(moving),
        )


def reconcile(books: AuditFacts) -> AuditResult:
    """Compare what was submitted with what became of it; return the counts and what is lost."""
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
        if chunk.superseded:
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


def _worst_by_subject(letters: Iterable[DeadLetterFact]) -> dict[str, SubmissionState]:
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
    further: dict[str, list[UnfinishedRecord | DeadLetterFact]] = {}
    dead_first = sorted(books.letters, key=lambda one: one.discarded)
    facts: list[UnfinishedRecord | DeadLetterFact] = [*books.unread, *dead_first]
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


def _may_be(one: SubmissionFact, other: UnfinishedRecord | DeadLetterFact) -> bool:
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
    if revision < books.latest[one.transcript_id]:
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


def _is_of_this_log(letter: DeadLetterFact, ends: Ends, sent_at: int | None) -> bool:
    """Return False for a letter whose message was in a log that was there before this one.

    Args:
        letter: of a service.
        ends: of the partitions of its source topics.
        sent_at: the timestamp of the submission that is at its place now, if it is known.
    """
    topic, partition, offset = letter.place
    if offset >= ends.get((topic, partition), offset + 1):
        return False
    return sent_at is None or letter.sent_at is None or letter.sent_at == sent_at


def _service(books: AuditFacts, service: str) -> MessageCounts:
    ends = books.received[service]
    unread = [one for one in books.unread if one.service == service]
    sent = {one.place: one.sent_at for one in books.submissions}
    letters = [
        one
        for one in books.letters
        if one.service == service and _is_of_this_log(one, ends, sent.get(one.place))
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
