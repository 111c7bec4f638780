"""The conservation law as arithmetic over ids; pure.

``submitted = stored + waiting + in retry + dead + discarded + superseded``, once for interviews as
they were submitted and once for the chunks they became. Every id is looked for in all the places
where it could be; one that is nowhere is lost, and the books do not balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Place = tuple[str, int, int]
"""Topic without prefix, partition and offset: what identifies one submitted record."""


class State(StrEnum):
    """Where something submitted is; the first of these that applies counts."""

    STORED = "stored"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    IN_RETRY = "in_retry"
    DEAD = "dead"
    DISCARDED = "discarded"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Unread:
    """A record behind which no committed offset stands yet.

    Attributes:
        service: whose group has not finished it.
        place: where it was read first; for a record in a retry topic, where it came from.
        key: its key as text, empty if it has none.
        retrying: whether it is in a retry topic.
    """

    service: str
    place: Place
    key: str
    retrying: bool

    @property
    def state(self) -> State:
        """How it counts."""
        return State.IN_RETRY if self.retrying else State.WAITING


@dataclass(frozen=True, slots=True)
class LetterFact:
    """What the index knows of a dead letter."""

    service: str
    place: Place
    subject: str
    discarded: bool

    @property
    def state(self) -> State:
        """How it counts."""
        return State.DISCARDED if self.discarded else State.DEAD


@dataclass(frozen=True, slots=True)
class ChunkFact:
    """What the database knows of a chunk."""

    chunk_id: str
    transcript_id: str
    revision: int
    stored: bool
    superseded: bool


@dataclass(frozen=True, slots=True)
class SubmissionFact:
    """What the index knows of a submitted record; ids are empty where it cannot be read."""

    place: Place
    transcript_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that was found, at about one moment.

    Attributes:
        submissions: every record on the topic of submissions.
        chunks: every chunk of every ingested interview.
        ingested: interviews that are in the database, by id and revision.
        latest: the highest ingested revision of each interview.
        unread: every record that some service has not finished.
        letters: every dead letter that was not replayed.
        received: records each service was ever sent, by service.
    """

    submissions: tuple[SubmissionFact, ...] = ()
    chunks: tuple[ChunkFact, ...] = ()
    ingested: frozenset[tuple[str, int]] = frozenset()
    latest: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    letters: tuple[LetterFact, ...] = ()
    received: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """One side of the law: how many there are, and in which state each is.

    Attributes:
        total: how many were submitted.
        states: how many are in each state.
        lost: the ids that are nowhere.
    """

    total: int
    states: Mapping[State, int]
    lost: tuple[str, ...]

    @property
    def balances(self) -> bool:
        """Whether every one is accounted for, once."""
        found = sum(count for state, count in self.states.items() if state is not State.LOST)
        return not self.lost and found == self.total


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What stands where at one service, in messages.

    Attributes:
        service: its name.
        received: records ever written to its source topics.
        waiting: those its group has not finished.
        in_retry: records in its retry topics, replays included.
        dead: its letters that wait for an operator.
        discarded: its letters that an operator gave up.
    """

    service: str
    received: int
    waiting: int
    in_retry: int
    dead: int
    discarded: int

    @property
    def handled(self) -> int:
        """What is left: read, and neither waiting nor set aside."""
        return self.received - self.waiting - self.in_retry - self.dead - self.discarded


@dataclass(frozen=True, slots=True)
class Balance:
    """The audit's result."""

    submissions: Account
    chunks: Account
    services: tuple[ServiceAccount, ...]

    @property
    def balances(self) -> bool:
        """Whether both sides of the law hold."""
        return self.submissions.balances and self.chunks.balances

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way any more: all is stored or set aside.

        A message may be on its way of which nothing more is to come, such as one that was sent
        twice: what becomes of it, a dead letter perhaps, is not settled either.
        """
        moving = (State.WAITING, State.IN_RETRY)
        if any(self.submissions.states[one] + self.chunks.states[one] for one in moving):
            return False
        return not any(one.waiting + one.in_retry for one in self.services)

    @property
    def lost(self) -> frozenset[str]:
        """Everything that is nowhere."""
        return frozenset((*self.submissions.lost, *self.chunks.lost))


def settle(books: Books) -> Balance:
    """Draw up both accounts from what was found."""
    chunk_states = _chunk_states(books)
    return Balance(
        submissions=_account(_submission_states(books, chunk_states)),
        chunks=_account(chunk_states),
        services=tuple(_service(books, service) for service in books.received),
    )


def _chunk_states(books: Books) -> dict[str, State]:
    unread = {one.key: one.state for one in books.unread}
    letters = {one.subject: one.state for one in books.letters}
    # An interview of which ingestion has published a part counts as ingestion's still.
    unread_places = {one.place: one.state for one in books.unread}
    unread_places |= {one.place: one.state for one in books.letters}
    of_interview = {
        (one.transcript_id, one.revision): unread_places[one.place]
        for one in books.submissions
        if one.place in unread_places
    }
    states = {}
    for chunk in books.chunks:
        if chunk.superseded:
            state = State.SUPERSEDED
        elif chunk.stored:
            state = State.STORED
        else:
            found = unread.get(chunk.chunk_id) or letters.get(chunk.chunk_id)
            state = found or of_interview.get((chunk.transcript_id, chunk.revision), State.LOST)
        states[chunk.chunk_id] = state
    return states


def _submission_states(books: Books, chunk_states: Mapping[str, State]) -> dict[str, State]:
    unread = {one.place: one.state for one in books.unread if one.service == "ingestion"}
    letters = {one.place: one.state for one in books.letters if one.service == "ingestion"}
    # Between ingestion and the database, an interview is known by its key alone.
    on_the_way = {one.key: one.state for one in books.unread if one.service == "persistence"}
    refused = {one.subject: one.state for one in books.letters if one.service == "persistence"}
    chunks: dict[tuple[str, int], set[State]] = {}
    for chunk in books.chunks:
        of_interview = chunks.setdefault((chunk.transcript_id, chunk.revision), set())
        of_interview.add(chunk_states[chunk.chunk_id])
    states = {}
    for one in books.submissions:
        interview = (one.transcript_id, one.revision)
        state = unread.get(one.place) or letters.get(one.place)
        if state is None and interview in books.ingested:
            state = _of_interview(one, books, chunks.get(interview, set()))
        if state is None:
            state = on_the_way.get(one.transcript_id) or refused.get(one.transcript_id)
        states["/".join(map(str, one.place))] = state or State.LOST
    return states


def _of_interview(one: SubmissionFact, books: Books, chunks: set[State]) -> State:
    """The state of an ingested interview: that of the chunk that is least far."""
    if one.revision < books.latest[one.transcript_id]:
        return State.SUPERSEDED
    worst_first = (State.LOST, State.DEAD, State.DISCARDED, State.IN_RETRY, State.WAITING)
    return next((state for state in worst_first if state in chunks), State.STORED)


def _account(states: Mapping[str, State]) -> Account:
    counts = dict.fromkeys(State, 0)
    for state in states.values():
        counts[state] += 1
    lost = tuple(sorted(one for one, state in states.items() if state is State.LOST))
    return Account(total=len(states), states=counts, lost=lost)


def _service(books: Books, service: str) -> ServiceAccount:
    unread = [one for one in books.unread if one.service == service]
    letters = [one for one in books.letters if one.service == service]
    return ServiceAccount(
        service=service,
        received=books.received[service],
        waiting=sum(not one.retrying for one in unread),
        in_retry=sum(one.retrying for one in unread),
        dead=sum(not one.discarded for one in letters),
        discarded=sum(one.discarded for one in letters),
    )
