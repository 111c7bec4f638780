"""The result of an audit: counts by state for interviews, chunks and messages, and what is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from audit.facts import SubmissionState


@dataclass(frozen=True, slots=True)
class StateCounts:
    """Number of interviews, chunks or messages that an audit found, in total and in each state.

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
    """Number of messages that an audit found at one service, in total and in each state.

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
    """Result of an audit: the counts by state, and the ids of lost submissions.

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
