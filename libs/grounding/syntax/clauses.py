"""What a parser reads: who does what to whom, and whether it is told as a fact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """How a party is told."""

    THING = "thing"
    """By a noun or a name; its lemma says which."""
    MAN = "man"
    """He, him."""
    WOMAN = "woman"
    """She, her."""
    SPEAKER = "speaker"
    """I, we, "the participant", or the label of who speaks."""
    THEY = "they"
    """They, them: anybody, but the same where the same is told."""
    ANYONE = "anyone"
    """It, you, who: it may be anybody."""


@dataclass(frozen=True, slots=True)
class Party:
    """Someone or something that takes part.

    Attributes:
        kind: how it is told.
        lemma: of its head, for a ``THING``.
        detail: what the head is told apart by: the "old" of "the old tool".
        also: what it is called besides: the "ruth" of "my neighbour Ruth".
    """

    kind: Kind
    lemma: str = ""
    detail: str = ""
    also: str = ""

    def surely_is(self, other: Party) -> bool:
        """Whether both are the same by what they are called."""
        return self.kind is not Kind.ANYONE and self._is_called(other)

    def may_be(self, other: Party) -> bool:
        """Whether nothing says that they are two; a note calls who speaks "he" or "she"."""
        kinds = {self.kind, other.kind}
        if self._is_called(other) or kinds & {Kind.ANYONE, Kind.THEY}:
            return True
        return len(kinds & {Kind.MAN, Kind.WOMAN}) == 1

    def is_other_than(self, other: Party) -> bool:
        """Whether it is told by a noun, and the other by another one or by who speaks."""
        if self.kind is Kind.THING and other.kind is Kind.SPEAKER:
            return True
        return self.kind is other.kind is Kind.THING and not self._shares_a_name(other)

    @property
    def is_person(self) -> bool:
        """Whether a pronoun or a speaker's name stands for somebody."""
        return self.kind not in {Kind.THING, Kind.ANYONE}

    def _is_called(self, other: Party) -> bool:
        if self.kind is not other.kind or not self._shares_a_name(other):
            return False
        alike = "" in {self.detail, other.detail} or self.detail == other.detail
        return alike or self.lemma != other.lemma

    def _shares_a_name(self, other: Party) -> bool:
        if self.lemma == other.lemma:
            return True
        return bool({self.lemma, self.also} & {other.lemma, other.also} - {""})


@dataclass(frozen=True, slots=True)
class Clause:
    """One verb, or comparison, with who does it and whom it is done to.

    Attributes:
        verb: its lemma.
        agent: who does it; that of the "by" in a passive.
        others: whom or what it is done to, in any role.
        text: the words of the verb and its parties.
        place: index of the verb's first character in the text.
    """

    verb: str
    agent: Party
    others: tuple[Party, ...]
    text: str
    place: int

    def repeats(self, other: Clause) -> bool:
        """Whether it may tell the same as another, and does not turn it round."""
        return not self.reverses(other) and self._may_be(other)

    def reverses(self, other: Clause) -> bool:
        """Whether it surely tells that the other's object does it to the other's agent."""
        turned = any(self.agent.surely_is(one) for one in other.others) and any(
            one.surely_is(other.agent) for one in self.others
        )
        return (turned or self._turns_on(other)) and not self.agent.surely_is(other.agent)

    def _turns_on(self, other: Clause) -> bool:
        """Whether one thing changed sides, and on the other side somebody is on both.

        "She lent her brother money" and "my brother lent me money": she is who speaks there.
        """
        to_agent = self.agent.kind is Kind.THING and any(map(self.agent.surely_is, other.others))
        to_object = other.agent.kind is Kind.THING and any(map(other.agent.surely_is, self.others))
        if to_agent:
            return other.agent.is_person and any(one.is_person for one in self.others)
        return to_object and self.agent.is_person and any(one.is_person for one in other.others)

    def _may_be(self, other: Clause) -> bool:
        return self.agent.may_be(other.agent) and all(
            any(mine.may_be(theirs) for theirs in other.others) for mine in self.others
        )


class Status(StrEnum):
    """As what something is told."""

    FACT = "as a fact"
    DENIED = "as what is not so"
    WISHED = "as a wish or a hope"
    PLANNED = "as a plan"
    SUPPOSED = "as a condition or a doubt"
    ASKED = "as what was asked for or promised"
    TRIED = "as an attempt"
    COMING = "as what is to come"
    MISSED = "as what did not quite happen"
    FORMER = "as what used to be"
    OPEN = "by a modal verb or a participle"
    """It is for other checks, or may be either."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """A verb, and as what it is told.

    Attributes:
        lemma: the verb's.
        status: as what it is told.
        text: the words that say so.
        is_main: whether its sentence, or a half of it, states this verb.
        is_past: whether it is told in the past tense.
    """

    lemma: str
    status: Status
    text: str
    is_main: bool
    is_past: bool = False


@dataclass(frozen=True, slots=True)
class Doing:
    """What is told of somebody or something.

    Attributes:
        told: the lemma of a verb, or of what one "is".
        who: of whom.
        text: the words that say so.
    """

    told: str
    who: Party
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a parser reads it.

    Attributes:
        clauses: those that tell both who and whom.
        predicates: all its verbs, in order.
        doings: what is told of whom.
    """

    clauses: tuple[Clause, ...]
    predicates: tuple[Predicate, ...]
    doings: tuple[Doing, ...] = ()


class Parser(Protocol):
    """Reads a text; loaded once a process, since it may need a model."""

    def __call__(self, text: str) -> Reading:
        """The clauses and predicates of a text."""
