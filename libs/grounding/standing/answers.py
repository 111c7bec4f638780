"""Read a question with its answer: "Do you smoke?" and "No." say "I do not smoke".

Only questions that "yes" or "no" answers whole, and questions for a time, a place or an amount with
the bare amount as the answer. An answer that goes on with a limit ("yes, sometimes") is not read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

from grounding.standing.speech import SpokenToken, tokenize_speech
from grounding.standing.tenses import build_past
from grounding.standing.tokens import SeparatorKind
from grounding.standing.turns import Turn, split_sentences
from grounding.standing.vocabulary import (
    CONDITIONS,
    EXCEPTIONS,
    HEDGES,
    HESITATIONS,
    NEGATIONS,
    REPORTS,
    RETRACTING,
)
from grounding.text.words import parse_word_list

_YES: Final = parse_word_list("yes yeah yep yup sure absolutely definitely certainly")
_NO: Final = parse_word_list("no nope nah never")
_OPENERS: Final = (HESITATIONS | parse_word_list("and but so then alright right great")) - _YES
_PAUSES: Final = parse_word_list("~ uh um er erm ah oh hm")
_AUXILIARIES: Final = parse_word_list("do did are were have had can could will would should")
_SWAPPED: Final = {
    "you": "I",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "are": "am",
    "i": "you",
    "my": "your",
    "me": "you",
}
"""Words of a question as the one who answers says them."""
_UNREAD: Final = parse_word_list("or any anything anyone anybody ever yet either not never no")
"""Words of a question that "yes" and "no" do not simply affirm or deny."""
_LIMITS: Final = (
    CONDITIONS
    | EXCEPTIONS
    | HEDGES
    | NEGATIONS
    | REPORTS
    | RETRACTING
    | parse_word_list("only but sometimes usually mostly used_to sort still used just not")
)
"""Words by which what follows a "yes" may limit it."""
_LIMITS_OF_DENIALS: Final = (
    EXCEPTIONS | RETRACTING | parse_word_list("but only unless until used_to not_only sometimes")
)
"""Words by which what follows a "no" may limit it: "No. Only on weekends."."""
_OWN_STARTS: Final = parse_word_list("i we my our the it he she they #")
_LONGEST_ECHO: Final = 2
_SHORTEST_QUESTION: Final = 3
_LONGEST_QUESTION: Final = 25
_LONGEST_AMOUNT: Final = 7
_AMOUNTS: Final = {
    ("how", "long"): "for",
    ("how", "often"): "",
    ("since", "when"): "since",
    ("when",): "",
    ("where",): "",
}
"""Beginnings of questions for a time, place or amount, and what an answer to them may leave out."""
_ABOUT: Final = parse_word_list("about around roughly approximately almost nearly more_than over")
_SUBJECT_AND_VERB: Final = 2
"""Words of a question for a number behind its auxiliary: "you have"."""
_PREPOSITIONS: Final = parse_word_list("for since in on at from about around near before after")


def join_answers_with_questions(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Join each short answer with the question before it; return the turns.

    Args:
        turns: a chunk's turns, in order.
    """
    found = [_read_answer(one, other) for one, other in pairwise(turns)]
    if not any(found):
        return ()
    return (turns[0], *(new or old for new, old in zip(found, turns[1:], strict=True)))


def _read_answer(asked: Turn, answer: Turn) -> Turn | None:
    if not answer.cited or asked.speaker == answer.speaker or not answer.is_english:
        return None
    if answer.cited[0][0] > 0 or len(answer.cited) > 1:
        return None  # a part of an answer may be no answer
    said = _join_question(asked.speech, answer.text, answer.speech)
    if not said:
        return None
    text, begins = said
    rest = answer.text[begins:]
    joined = f"{text} {rest}".strip()
    end = len(text) + 1 + answer.cited[0][1] - begins
    return replace(
        answer,
        text=joined,
        speech=tokenize_speech(joined),
        cited=((0, max(len(text), end)),),
        is_answer=True,
    )


def _join_question(
    asked: Sequence[SpokenToken], text: str, answer: Sequence[SpokenToken]
) -> tuple[str, int] | None:
    """Return what a question and its answer say, and where the rest of the answer begins."""
    question = _find_question(asked)
    sentences = list(split_sentences(answer, 2))
    if not question or not sentences:
        return None
    first = [one for one in sentences[0] if not one.is_repeated and one.text not in _PAUSES]
    while first and first[0].text in _OPENERS:
        first.pop(0)
    if not first:
        return None
    if first[0].text in _YES | _NO:
        begins = _find_rest(text, first, sentences[1:])
        said = _build_sentence(question, is_denied=first[0].text in _NO)
        return (said, begins) if said and begins is not None else None
    return _join_amount(question, text, first, sentences[1:])


def _find_question(asked: Sequence[SpokenToken]) -> tuple[str, ...]:
    """Return the words of the question with which a turn ends; none if it ends with none."""
    if not asked or not asked[-1].token.is_asked:
        return ()
    number = asked[-1].token.sentence
    words = [one.text for one in asked if one.token.sentence == number and not one.is_repeated]
    while words and words[0] in _OPENERS:
        words.pop(0)
    return tuple(words) if len(words) <= _LONGEST_QUESTION else ()


def _find_rest(
    text: str, first: Sequence[SpokenToken], then: Sequence[Sequence[SpokenToken]]
) -> int | None:
    """Return where an answer goes on behind its "yes" or "no"; None if that may limit it."""
    rest = list(first[1:])
    if rest and rest[0].token.gap is SeparatorKind.NONE:
        return None  # "no one", "yeah right"
    is_denied = first[0].text in _NO
    if _is_echo([one.text for one in rest], is_denied=is_denied):
        rest = []
    following = rest or [one for sentence in then for one in sentence]
    if not following:
        return len(text)
    limits = _LIMITS_OF_DENIALS if is_denied else _LIMITS
    if not _goes_on([one.text for one in following], limits):
        return None
    return following[0].token.start


def _goes_on(words: Sequence[str], limits: Collection[str]) -> bool:
    """Return whether what follows an answer is a statement of its own without limits."""
    return len(words) > _LONGEST_ECHO and words[0] in _OWN_STARTS and not {*words} & {*limits}


def _is_echo(words: Sequence[str], *, is_denied: bool) -> bool:
    """Return whether words repeat an answer with its auxiliary: "no, I do not"."""
    begins = words[:1] in (["i"], ["we"]) and {*words[1:2]} <= _AUXILIARIES | {"am", "was"}
    return begins and len(words) > 1 and list(words[2:]) == (["not"] if is_denied else [])


@lru_cache(maxsize=512)
def _build_sentence(question: tuple[str, ...], *, is_denied: bool) -> str:
    """Return what "yes" or "no" to a question says; empty if that is not understood."""
    if len(question) < _SHORTEST_QUESTION or {*question} & _UNREAD:
        return ""
    auxiliary, subject = question[0], question[1]
    if auxiliary not in _AUXILIARIES or subject != "you":
        return ""
    rest = _swap(question[2:])
    if is_denied:
        return f"I {_swap((auxiliary,))[0]} not {' '.join(rest)}."
    if auxiliary == "do":
        return f"I {' '.join(rest)}."
    if auxiliary == "did":
        return f"I {build_past(rest[0])} {' '.join(rest[1:])}."
    return f"I {_swap((auxiliary,))[0]} {' '.join(rest)}."


def _join_amount(
    question: tuple[str, ...],
    text: str,
    first: Sequence[SpokenToken],
    then: Sequence[Sequence[SpokenToken]],
) -> tuple[str, int] | None:
    """Return what a bare time, place or amount says in answer to a question for it."""
    if question[:2] == ("how", "many"):
        return _join_number(question, text, first, then)
    asked = next((one for one in _AMOUNTS if question[: len(one)] == one), None)
    words = [one.text for one in first]
    if asked is None or len(words) > _LONGEST_AMOUNT or words[0] in _OWN_STARTS - {"the", "my"}:
        return None
    if {*words} & (NEGATIONS | REPORTS | CONDITIONS | {"i", "we", "it", "he", "she", "they", "or"}):
        return None
    clause = _build_sentence(question[len(asked) :], is_denied=False)
    if not clause:
        return None
    has_preposition = words[0] in _PREPOSITIONS - {"about", "around"}
    joining = "" if has_preposition else _AMOUNTS[asked]
    begin, end = first[0].token.start, first[-1].token.end
    begins = then[0][0].token.start if then else len(text)
    said = " ".join(one for one in (clause[:-1], joining, text[begin:end]) if one)
    return f"{said}.", begins


def _join_number(
    question: tuple[str, ...],
    text: str,
    first: Sequence[SpokenToken],
    then: Sequence[Sequence[SpokenToken]],
) -> tuple[str, int] | None:
    """Return what a bare number says in answer to "how many children do you have?"."""
    ends = [at for at, one in enumerate(question) if one in _AUXILIARIES and at > 2]  # noqa: PLR2004
    words = [one.text for one in first]
    is_number = words[-1].startswith("#") and {*words[:-1]} <= _ABOUT
    if not ends or not is_number:
        return None
    noun, clause = question[2 : ends[0]], _build_sentence(question[ends[0] :], is_denied=False)
    said = clause.removesuffix(".").split()
    if len(said) != _SUBJECT_AND_VERB or len(noun) > _LONGEST_ECHO:
        return None
    begin, end = first[0].token.start, first[-1].token.end
    begins = then[0][0].token.start if then else len(text)
    return f"{' '.join(said)} {text[begin:end]} {' '.join(_swap(noun))}.", begins


def _swap(words: Sequence[str]) -> list[str]:
    """Return a question's words as the one who answers says them."""
    return [_SWAPPED.get(one, one).replace("_", " ") for one in words]
