"""Injection of faults into notes, each in one well-defined way."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from contracts.notes import DraftEvidence, DraftNote
from contracts.transcript import Role
from simulator.anchors import find_anchor_words
from simulator.cleanup import clean_up_sentence
from simulator.faults import FaultKind
from simulator.prompt import PromptPassage
from simulator.sentences import split_segment_sentences
from simulator.wording import NUMBER_WORDS, split_words

Notes = tuple[DraftNote, ...]

_DIGITS = re.compile(r"(?<![\w.:])\d+(?![\w:])")  # neither in "A4" nor in "[inaudible 00:05]"
_LETTERS = re.compile(r"\b[a-z]+\b", re.IGNORECASE)
_LARGE = 20
# "one" is as often a pronoun as a number, and a hundred seldom stands alone: both stay.
_EXCHANGEABLE = tuple(
    word for word in NUMBER_WORDS if word not in {"zero", "one", "hundred", "thousand", "million"}
)
_VALUES = dict(
    zip(NUMBER_WORDS, (*range(21), *range(30, 100, 10), 100, 1_000, 1_000_000), strict=True)
)
_FEW = 10
_AUXILIARY = re.compile(
    r"\b(is|was|are|were|am|will|would|can|could|should|do|did|does|have|has|had)\b", re.IGNORECASE
)
_IRREGULAR = {"can't": "can", "won't": "will", "shan't": "shall", "cannot": "can", "ain't": "is"}
_POSITIVE = {
    "nothing": "everything",
    "nobody": "everybody",
    "none": "all",
    "nowhere": "everywhere",
    "without": "with",
    "neither": "both",
    "nor": "and",
    "hardly": "",
    "not": "",
    "never": "",
}
# "No" before a noun denies; "he said no", "no, I did" and "no because" answer or hesitate.
_AFTER_ANSWERING = "for to and but or because i we it they he she you so then at in on when if"
_DETERMINER = rf"no(?= \w)(?! (?:{'|'.join(_AFTER_ANSWERING.split())})\b)"
_NEGATION = re.compile(
    r"(?:(?<![\w'\u2019])(?:"
    + "|".join((*_IRREGULAR, *_POSITIVE)).replace("'", r"['\u2019]")
    + rf"|{_DETERMINER}"
    + r")|(?<=\w)n['\u2019]t)(?![\w'\u2019])",
    re.IGNORECASE,
)


def inject_note_fault(
    notes: Notes, fault: FaultKind, passage: PromptPassage, chance: Random
) -> Notes:
    """Put one kind of fault, such as a wrong number, into some of the given draft notes.

    Args:
        notes: good notes on ``passage``; at least one.
        fault: one of `simulator.faults.NOTE_FAULTS`.
        passage: what the notes are about; it decides what is wrong of them.
        chance: chooses among the wrong answers.

    Returns:
        As many notes. Where a passage holds no interviewer's words, `interviewer_quote` names
        segments that are not there instead.
    """
    return tuple(_SPOILERS[fault](note, passage, chance) for note in notes)


def _alter_number(note: DraftNote, passage: PromptPassage, chance: Random) -> DraftNote:
    taken = {word for turn in passage.segments for word in split_words(turn.text)}
    statement = replace_number(note.statement, taken, chance)
    if statement == note.statement:
        statement = f"{note.statement.rstrip('.!?…')}, {_free_number(23, taken, chance)} times."
    return note.model_copy(update={"statement": statement})


def replace_number(statement: str, taken: set[str], chance: Random) -> str:
    """Replace a number in a statement by another that is not in ``taken``, if it has one."""
    if digits := _DIGITS.search(statement):
        other = _free_number(int(digits.group()), taken, chance)
        return statement[: digits.start()] + other + statement[digits.end() :]
    for found in _LETTERS.finditer(statement):
        if found.group().lower() in _EXCHANGEABLE:
            other = _free_word(found.group(), taken)
            return statement[: found.start()] + other + statement[found.end() :]
    return statement


def _paraphrase_number(note: DraftNote, _passage: PromptPassage, _chance: Random) -> DraftNote:
    """Replace a number by a vague one, as models that round do."""
    statement = note.statement
    if digits := _DIGITS.search(statement):
        found, number = digits, int(digits.group())
    else:
        word = next(filter(_names_number, _LETTERS.finditer(statement)), None)
        if word is None:
            vague = f"{statement.rstrip('.!?…')}, several times."
            return note.model_copy(update={"statement": vague})
        found, number = word, _VALUES[word.group().lower()]
    vague = f"more than {(number - 1) // 10 * 10}" if number > _FEW else "several"
    vague = vague.capitalize() if found.start() == 0 else vague
    vague = f"{statement[: found.start()]}{vague}{statement[found.end() :]}"
    return note.model_copy(update={"statement": vague})


def _names_number(word: re.Match[str]) -> bool:
    return word.group().lower() in _EXCHANGEABLE


def _free_number(number: int, taken: set[str], chance: Random) -> str:
    """Return a number near ``number`` that nobody in the passage says."""
    number += chance.randint(1, 9) * (10 if number >= _LARGE else 1)
    while str(number) in taken:
        number += 1
    return str(number)


def _free_word(word: str, taken: set[str]) -> str:
    """Return the next number word that the passage does not contain: sixty to seventy."""
    place = _EXCHANGEABLE.index(word.lower())
    following = (*_EXCHANGEABLE[place + 1 :], *reversed(_EXCHANGEABLE[:place]))
    other = next((one for one in following if one not in taken), following[0])
    return other.capitalize() if word[0].isupper() else other


def _drop_negation(note: DraftNote, _passage: PromptPassage, _chance: Random) -> DraftNote:
    dropped = drop_negations(note.statement)
    if not _NEGATION.search(note.statement) or not any(map(str.isalpha, dropped)):
        dropped = _negated(note.statement)
    return note.model_copy(update={"statement": dropped[0].upper() + dropped[1:]})


def drop_negations(statement: str) -> str:
    """Remove all negations from a statement."""
    return " ".join(_NEGATION.sub(_affirmed, statement).split())


def _affirmed(negation: re.Match[str]) -> str:
    word = negation.group().lower().replace("\u2019", "'")
    return _IRREGULAR.get(word, _POSITIVE.get(word, ""))


def _negated(statement: str) -> str:
    negated, count = _AUXILIARY.subn(r"\1 not", statement, count=1)
    return negated if count else f"It is not true that {statement}"


def _misplace(note: DraftNote, passage: PromptPassage, chance: Random) -> DraftNote:
    last = max(turn.number for turn in (*passage.context, *passage.segments))
    beyond = last + chance.randint(100, 999)
    evidence = tuple(one.model_copy(update={"segment": beyond}) for one in note.evidence)
    return note.model_copy(update={"evidence": evidence})


def _misfile(note: DraftNote, passage: PromptPassage, _chance: Random) -> DraftNote:
    unknown = "not-a-theme"
    while any(theme.id == unknown for theme in passage.study.themes):
        unknown += "-either"
    return note.model_copy(update={"themes": (unknown,)})


def _quote_interviewer(note: DraftNote, passage: PromptPassage, chance: Random) -> DraftNote:
    candidates = [
        (turn, sentence)
        for turn in passage.segments
        if turn.role is Role.INTERVIEWER
        for sentence in split_segment_sentences(turn.text)
        if find_anchor_words(turn.text, sentence)
    ]
    if not candidates:
        return _misplace(note, passage, chance)
    longest = sorted(candidates, key=lambda pair: -len(pair[1].text))[:5]
    turn, sentence = chance.choice(longest)
    place = find_anchor_words(turn.text, sentence)
    assert place, "sentences without anchors were left out"
    evidence = DraftEvidence(
        segment=turn.number, first_words=place.first_words, last_words=place.last_words
    )
    return note.model_copy(
        update={"statement": clean_up_sentence(sentence.text), "evidence": (evidence,)}
    )


_SPOILERS: dict[FaultKind, Callable[[DraftNote, PromptPassage, Random], DraftNote]] = {
    FaultKind.ALTERED_NUMBER: _alter_number,
    FaultKind.PARAPHRASED_NUMBER: _paraphrase_number,
    FaultKind.DROPPED_NEGATION: _drop_negation,
    FaultKind.WRONG_SEGMENT: _misplace,
    FaultKind.UNKNOWN_THEME: _misfile,
    FaultKind.INTERVIEWER_QUOTE: _quote_interviewer,
}
