"""Types of a parsed sentence: who does what to whom, and whether it is stated as a fact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PartyKind(StrEnum):
    """Kind of a verb's subject or object: a noun, "he", "she", "they" or the speaker."""

    THING = "thing"
    """A noun or a name, given by its lemma."""
    MAN = "man"
    """He, him."""
    WOMAN = "woman"
    """She, her."""
    SPEAKER = "speaker"
    """I, we, "the participant", or the label of who speaks."""
    THEY = "they"
    """They, them: anybody, but always the same party within a statement."""
    ANYONE = "anyone"
    """It, you, who: it may be anybody."""


@dataclass(frozen=True, slots=True)
class Party:
    """Subject or object of a verb: the person or thing that acts or is acted on.

    Attributes:
        kind: the kind of word that stands for it.
        lemma: of its head, for a ``THING``.
        detail: what distinguishes the head: the "old" of "the old tool".
        also: what it is called besides: the "ruth" of "my neighbour Ruth".
    """

    kind: PartyKind
    lemma: str = ""
    detail: str = ""
    also: str = ""

    def is_certainly(self, other: Party) -> bool:
        """Return whether both are the same by their names."""
        return self.kind is not PartyKind.ANYONE and self._has_same_name(other)

    def may_be(self, other: Party) -> bool:
        """Return whether both may be the same; a note calls the speaker "he" or "she"."""
        kinds = {self.kind, other.kind}
        if self._has_same_name(other) or kinds & {PartyKind.ANYONE, PartyKind.THEY}:
            return True
        return len(kinds & {PartyKind.MAN, PartyKind.WOMAN}) == 1

    def differs_from(self, other: Party) -> bool:
        """Return whether it is a noun, and the other is another noun or the speaker."""
        if self.kind is PartyKind.THING and other.kind is PartyKind.SPEAKER:
            return True
        return self.kind is other.kind is PartyKind.THING and not self._shares_a_name(other)

    @property
    def is_person(self) -> bool:
        """Whether it is a person, by a pronoun or a speaker's name."""
        return self.kind not in {PartyKind.THING, PartyKind.ANYONE}

    def _has_same_name(self, other: Party) -> bool:
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
    """Clause of a sentence: one verb or comparison with its subject and objects.

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

    def may_equal(self, other: Clause) -> bool:
        """Return whether it may state the same as another clause, and does not reverse it."""
        return not self.reverses_roles_of(other) and self._may_be(other)

    def reverses_roles_of(self, other: Clause) -> bool:
        """Whether it surely makes the other clause's object the agent, and its agent the object."""
        turned = any(self.agent.is_certainly(one) for one in other.others) and any(
            one.is_certainly(other.agent) for one in self.others
        )
        return (turned or self._reverses_one_side(other)) and not self.agent.is_certainly(
            other.agent
        )

    def _reverses_one_side(self, other: Clause) -> bool:
        """Return whether one thing changed sides, and on the other side both clauses have a person.

        "She lent her brother money" and "my brother lent me money": she is who speaks there.
        """
        to_agent = self.agent.kind is PartyKind.THING and any(
            map(self.agent.is_certainly, other.others)
        )
        to_object = other.agent.kind is PartyKind.THING and any(
            map(other.agent.is_certainly, self.others)
        )
        if to_agent:
            return other.agent.is_person and any(one.is_person for one in self.others)
        return to_object and self.agent.is_person and any(one.is_person for one in other.others)

    def _may_be(self, other: Clause) -> bool:
        return self.agent.may_be(other.agent) and all(
            any(mine.may_be(theirs) for theirs in other.others) for mine in self.others
        )


class Factuality(StrEnum):
    """Factuality of a verb: whether it is stated as a fact, wish, plan, negation and so on."""

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
    """Verb of a sentence, with whether it is stated as a fact, wish, plan and so on.

    Attributes:
        lemma: the verb's.
        factuality: whether it is stated as a fact, a wish, a plan and so on.
        text: the words of the verb and what precedes it.
        is_main: whether its sentence, or a half of it, states this verb.
        is_past: whether it is in the past tense.
    """

    lemma: str
    factuality: Factuality
    text: str
    is_main: bool
    is_past: bool = False


@dataclass(frozen=True, slots=True)
class Assertion:
    """Action or property that a text asserts of a person or thing.

    Attributes:
        predicate: the lemma of a verb, or of what one "is".
        subject: of whom.
        text: the words of both.
    """

    predicate: str
    subject: Party
    text: str


@dataclass(frozen=True, slots=True)
class ParsedText:
    """Result of parsing a text's syntax: its clauses, predicates and assertions.

    Attributes:
        clauses: those with both an agent and an object.
        predicates: all its verbs, in order.
        assertions: what is asserted of whom.
    """

    clauses: tuple[Clause, ...]
    predicates: tuple[Predicate, ...]
    assertions: tuple[Assertion, ...] = ()


class SyntaxParser(Protocol):
    """Interface of syntax parsers, which convert a text to a ``ParsedText``."""

    def __call__(self, text: str) -> ParsedText:
        """Return the clauses, predicates and assertions of a text."""
