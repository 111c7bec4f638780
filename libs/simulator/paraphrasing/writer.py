"""Writer of labelled notes on a passage, of set rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from contracts.notes import DraftEvidence, DraftNote
from simulator.anchors import find_anchor_words
from simulator.paraphrasing import (
    false_answers,
    false_contexts,
    false_speakers,
    false_words,
    true_statements,
)
from simulator.paraphrasing.false_statements import FalseStatement
from simulator.paraphrasing.kinds import FalseNoteKind, NoteKind, ParaphrasingRates, TrueNoteKind
from simulator.paraphrasing.persons import phrase_as_note
from simulator.paraphrasing.sentences import SpokenSentence, list_spoken_sentences
from simulator.prompt import PromptPassage
from simulator.seeded_random import compute_stable_digest, create_seeded_random

_WHOLE_TURNS: Final = 0.2
"""Share of notes that cite the whole turn in place of the sentence."""
_MAX_STATEMENT_CHARACTERS: Final = 2_000  # contracts.notes.Statement

Template = Callable[[SpokenSentence, Random], str | FalseStatement | None]


@dataclass(frozen=True, slots=True)
class LabelledNote:
    """Draft note with the label whether it is true, and if not, its kind of error.

    Attributes:
        note: the note, as the answer has it.
        kind: what kind of note it is; of a false one, how it is false.
        spoken: the sentence that it is made of, as it was spoken.
    """

    note: DraftNote
    kind: NoteKind
    spoken: str

    @property
    def is_true(self) -> bool:
        """Whether the passage bears the statement out."""
        return isinstance(self.kind, TrueNoteKind)


def _frame_words(template: Callable[[SpokenSentence, Random], str | None]) -> Template:
    """Return a template of whole statements for one that changes words in the first person."""

    def write(one: SpokenSentence, chance: Random) -> str | None:
        text = template(one, chance)
        if text is None or one.is_question:
            return None
        return phrase_as_note(text, one.turn.speaker, chance)

    return write


_TEMPLATES: Final[dict[NoteKind, tuple[Template, ...]]] = {
    TrueNoteKind.TIDIED: (true_statements.restate_quote_truthfully,),
    TrueNoteKind.FAITHFUL: (true_statements.paraphrase_faithfully,),
    FalseNoteKind.ROLE_SWAP: (false_speakers.swap_roles,),
    FalseNoteKind.ATTRIBUTION: (
        false_speakers.misattribute_sentence,
        false_contexts.make_limit_ignoring_template(FalseNoteKind.ATTRIBUTION),
    ),
    FalseNoteKind.CAUSE: (false_contexts.invent_cause,),
    FalseNoteKind.QUESTION_AS_STATEMENT: (false_answers.assert_question_as_fact,),
    FalseNoteKind.HYPOTHETICAL_AS_FACT: (_frame_words(false_words.assert_hypothetical),),
    FalseNoteKind.SENTIMENT: (
        _frame_words(false_words.change_sentiment),
        false_contexts.add_feeling,
    ),
    FalseNoteKind.HEDGE_DROPPED: (
        _frame_words(false_words.drop_hedge),
        false_contexts.make_limit_ignoring_template(FalseNoteKind.HEDGE_DROPPED),
    ),
    FalseNoteKind.RETRACTED: (false_contexts.ignore_retraction,),
    FalseNoteKind.OVER_GENERAL: (
        _frame_words(false_words.overgeneralize),
        false_contexts.drop_time_or_place,
    ),
    FalseNoteKind.NEGATION_LOST: (_frame_words(false_words.drop_negation),),
    FalseNoteKind.EXCEPTION_DROPPED: (
        _frame_words(false_words.drop_exception),
        false_contexts.make_limit_ignoring_template(FalseNoteKind.EXCEPTION_DROPPED),
    ),
    FalseNoteKind.SARCASM: (false_contexts.take_irony_literally,),
    FalseNoteKind.TENSE: (_frame_words(false_words.change_tense),),
    FalseNoteKind.UNMET_CONDITION: (
        _frame_words(false_words.drop_condition),
        false_contexts.make_limit_ignoring_template(FalseNoteKind.UNMET_CONDITION),
    ),
    FalseNoteKind.NUMBER: (_frame_words(false_words.change_number),),
}


def write_labelled_notes(
    passage: PromptPassage, rates: ParaphrasingRates, seed: int
) -> tuple[LabelledNote, ...]:
    """Compose true and false notes on a part of an interview; return each with its label.

    Args:
        passage: the study and the segments; notes are about what participants say in them.
        rates: how often each kind is written.
        seed: decides what is left to chance.

    Returns:
        At most ``rates.notes`` notes in the order of their segments, each on a sentence of its
        own. A kind that fits no sentence is not written, so the rates are those of long passages.
        The same passage, rates and seed give the same notes.
    """
    sentences = list_spoken_sentences(passage)
    digest = compute_stable_digest(*(f"{one.number} {one.text}" for one in passage.segments))
    chance = create_seeded_random(seed, "paraphrasing", digest)
    chance.shuffle(sentences)
    written: list[LabelledNote] = []
    for kind in _draw_kinds(rates, chance):
        found = _write_one(kind, sentences, passage, chance)
        if found is not None:
            sentence, note = found
            sentences.remove(sentence)
            written.append(note)
    return tuple(sorted(written, key=lambda one: one.note.evidence[0].segment))


def _draw_kinds(rates: ParaphrasingRates, chance: Random) -> Iterator[NoteKind]:
    """Yield the kinds to write, each note's drawn for itself."""
    kinds = [kind for kind, weight in rates.weights.items() if weight]
    weights = [rates.weights[kind] for kind in kinds]
    for _ in range(rates.notes):
        draw = chance.random()
        if draw < rates.tidied:
            yield TrueNoteKind.TIDIED
        elif draw < rates.tidied + rates.faithful:
            yield TrueNoteKind.FAITHFUL
        elif kinds:
            yield chance.choices(kinds, weights)[0]


def _write_one(
    kind: NoteKind, sentences: list[SpokenSentence], passage: PromptPassage, chance: Random
) -> tuple[SpokenSentence, LabelledNote] | None:
    """Write a note of a kind on the first sentence that allows one."""
    templates = list(_TEMPLATES[kind])
    chance.shuffle(templates)
    for template in templates:
        for sentence in sentences:
            made = template(sentence, chance)
            if made is None:
                continue
            stated = FalseStatement(made) if isinstance(made, str) else made
            note = _build_note(stated, sentence, passage, chance)
            return sentence, LabelledNote(note, kind, sentence.place.text)
    return None


def _build_note(
    stated: FalseStatement, one: SpokenSentence, passage: PromptPassage, chance: Random
) -> DraftNote:
    words = find_anchor_words(one.turn.text, one.place)
    assert words, "sentences without anchors are not listed"
    is_whole = one.turn in stated.also_cites or chance.random() < _WHOLE_TURNS
    own = DraftEvidence(
        segment=one.turn.number,
        first_words="" if is_whole else words.first_words,
        last_words="" if is_whole else words.last_words,
    )
    others = (two for two in stated.also_cites if two is not one.turn)
    cited = {two.number for two in passage.segments}
    themes = [theme.id for theme in passage.study.themes]
    return DraftNote(
        statement=stated.statement[:_MAX_STATEMENT_CHARACTERS],
        evidence=(
            own,
            *(DraftEvidence(segment=two.number) for two in others if two.number in cited),
        ),
        themes=(chance.choice(themes),) if themes else (),
    )
