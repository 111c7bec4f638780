"""Find what is said after a matched claim that takes it back, limits it or contradicts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contracts.transcript import Role
from grounding.standing.following_sentence import may_limit_claim
from grounding.standing.matching import JOINING, Match
from grounding.standing.own_clauses import (
    is_independent_clause,
    is_unrelated_to_claim,
    skip_connectives,
)
from grounding.standing.speech import SpokenToken
from grounding.standing.tokens import SeparatorKind
from grounding.standing.turns import SENTENCES_BEHIND, TURNS_BEHIND, split_sentences
from grounding.standing.vocabulary import (
    ACKNOWLEDGMENTS,
    BACKCHANNELS,
    CONDITIONS,
    CORRECTIONS,
    EXCEPTIONS,
    MAX_CORRECTION,
    NEGATIONS,
)
from grounding.text.lemmas import get_lemma
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_CONCEDING: Final = 3
"""First words of a reply in which it shows whether it gives in."""
_CONCESSIONS: Final = ACKNOWLEDGMENTS | parse_word_list(
    """no nah true correct sorry actually maybe probably fair agreed agree know thought mean not
    never wrong mistake wait"""
)
_DIRECT_DENIALS: Final = parse_word_list("no nah nope not never actually wrong really sure")
_TAKEN_UP: Final = parse_word_list("that it this you he she they there")
_REACTION: Final = 6
"""First words of an answer in which it shows whether it denies."""
_DOUBTS: Final = parse_word_list("thought really sure actually wrong joking kidding")
_CONTRASTS: Final = parse_word_list(
    """but actually or in isn't wasn't half most some partly almost nearly only mostly just
    sometimes"""
)
_PAST_STARTS: Final = frozenset(
    {("that", "was"), ("it", "was"), ("they", "were"), ("it", "used_to")}
)
_DENIAL: Final = ("did", "not")
_OF_THE_LAST: Final = frozenset(
    {"not", "not_only", "rather", "it was not", "it is not", "it 's not", "i do not think"}
)
"""Corrections that are about the sentence right before them."""
_QUESTION_WORDS: Final = parse_word_list("what how who where which why")
_OWN_STARTS: Final = parse_word_list("i my")
_ATTITUDES: Final = parse_word_list("want like need enjoy understand")
"""Verbs of which a denial leaves open what was done."""
_SHORT_DENIAL: Final = 5
_SHORT_ANSWER: Final = 2
"""Words up to which a sentence that begins with a correction says nothing else: "Not."."""


def check_not_retracted_later(match: Match) -> str:
    """Check that the words after a quote do not retract it; return an objection or ""."""
    _, end = match.turn.find_sentence(match.last)
    if match.turn.is_cut_off and end + 1 >= len(match.speech):
        return "what follows is not in the chunk"
    breaks = (
        j
        for j in range(match.first + 1, end + 1)
        if match.speech[j].token.gap is SeparatorKind.BREAK
    )
    sentences = list(split_sentences(match.speech[end + 1 :], SENTENCES_BEHIND))
    is_next_said = bool(sentences) and _says_whole(match, end + 1, sentences[0])
    answer, own_next = _find_next_turns(match)
    if not sentences or not answer:
        sentences += split_sentences(own_next, 1)
    for speech in [*(match.speech[j:] for j in breaks), *sentences[:1]]:
        if correction := _find_correction(speech, match):
            return f"then follows “{correction}”"
    for speech in sentences[1:]:
        # "Not much" behind another sentence is about that one.
        correction = _find_correction(speech, match)
        if correction and (correction not in _OF_THE_LAST or len(speech) <= _SHORT_ANSWER):
            return f"then follows “{correction}”"
    if sentences and not is_next_said and may_limit_claim(sentences[0], match.texts):
        return f"the next sentence may limit it: “{' '.join(one.text for one in sentences[0])}”"
    # Of what is said earlier in a turn, the next speaker's answer is hardly about.
    is_answered = len(sentences) < SENTENCES_BEHIND and _may_contradict(match, answer)
    is_answered = is_answered and not _stands_by_account(match)
    return "it may be contradicted in the next turn" if is_answered else ""


def _says_whole(match: Match, begin: int, sentence: Sequence[SpokenToken]) -> bool:
    """Return whether another clause of the statement says a whole sentence of the turn."""
    return all(
        j in match.proven or one.is_repeated or one.text in BACKCHANNELS | JOINING
        for j, one in enumerate(sentence, start=begin)
    )


def _find_next_turns(match: Match) -> tuple[Sequence[SpokenToken], Sequence[SpokenToken]]:
    """Return another's answer, and what the speaker goes on to say if nobody answers before."""
    for turn in match.turns[match.at + 1 : match.at + 1 + TURNS_BEHIND]:
        if turn.speaker == match.turn.speaker:
            return (), turn.speech
        if _says_something(turn.speech):
            return turn.speech, ()
    return (), ()


def _stands_by_account(match: Match) -> bool:
    """Return whether the speaker does not give in to what an interviewer objects.

    An account is the participant's own: it is so unless "Yeah" or "Oh, right" follows.
    """
    is_interviewer = False
    for turn in match.turns[match.at + 1 : match.at + 1 + TURNS_BEHIND]:
        if turn.speaker != match.turn.speaker:
            if _says_something(turn.speech) and turn.role is not Role.INTERVIEWER:
                return False
            is_interviewer = True
        elif is_interviewer:
            begin = {one.text for one in turn.speech[:_CONCEDING]}
            return bool(begin) and not begin & _CONCESSIONS
    return False


def _find_correction(speech: Sequence[SpokenToken], match: Match) -> str:
    texts = [one.text for one in speech[: 2 * MAX_CORRECTION]]
    sentence = [one.text for one in next(split_sentences(speech, 1), ())]
    while texts:
        for length in range(MAX_CORRECTION, 0, -1):
            if tuple(texts[:length]) in CORRECTIONS:
                is_denial = tuple(texts[1:length]) == _DENIAL
                if is_denial and _denies_something_else(sentence, match):
                    return ""  # "I didn't have friends" denies something else
                return " ".join(texts[:length])
        if texts.pop(0) not in BACKCHANNELS:
            break
    return ""


def _denies_something_else(sentence: Sequence[str], match: Match) -> bool:
    """Return whether a sentence denies what the claim does not say: "I didn't want to see it"."""
    if is_independent_clause(sentence, match.texts):
        return True
    words = skip_connectives(sentence)
    claimed = {get_lemma(one) for one in match.texts}
    is_attitude = words[:1] == ["i"] and {*words[3:4]} & _ATTITUDES and words[-1] != "to"
    return bool(is_attitude) and len(words) > _SHORT_DENIAL and get_lemma(words[3]) not in claimed


def _says_something(speech: Sequence[SpokenToken]) -> bool:
    return any(one.text not in ACKNOWLEDGMENTS for one in speech)


def _denies_directly(texts: Sequence[str]) -> bool:
    """Return whether a sentence begins by denying what was said: "No", "It's not funny"."""
    words = skip_connectives(texts)
    begins = words[:1] != [] and words[0] in _DIRECT_DENIALS
    is_about_it = words[:1] != [] and words[0] in _TAKEN_UP and "not" in words[1:_CONCEDING]
    return begins or is_about_it


def _may_contradict(match: Match, answer: Sequence[SpokenToken]) -> bool:
    """Return whether another's answer denies, doubts or differs in a number, as far as one sees."""
    is_interviewer = any(
        turn.speech is answer and turn.role is Role.INTERVIEWER for turn in match.turns
    )
    for sentence in split_sentences(answer, SENTENCES_BEHIND):
        texts = [one.text for one in sentence]
        if _is_open_question(sentence) or texts[-2:] == ["no", "problem"]:
            continue
        start = next((text for text in texts if text not in BACKCHANNELS), "")
        is_own = texts[0] in _OWN_STARTS and is_unrelated_to_claim(texts, match.texts)
        denies = not is_own and {*texts[:_REACTION]} & (NEGATIONS | _DOUBTS)
        numbers = {text for text in texts if text.startswith("#")}
        claimed = {text for text in match.texts if text.startswith("#")}
        is_past = tuple(texts[:2]) in _PAST_STARTS
        if _echoes_with_limit(texts, match):
            return True
        if is_interviewer and not _denies_directly(texts) and start not in _CONTRASTS:
            continue  # who asks does not know better; "I didn't know that" denies nothing
        if denies or is_past or start in _CONTRASTS or (claimed and numbers - claimed):
            return True
    return False


def _is_open_question(sentence: Sequence[SpokenToken]) -> bool:
    """Return whether a sentence asks for something that it does not suggest: "What's wrong?"."""
    texts = skip_connectives([one.text for one in sentence])
    is_asked = sentence[0].token.is_asked and {*texts[:1]} <= _QUESTION_WORDS
    return is_asked and len(texts) > 1 and not {*texts} & (NEGATIONS | CONDITIONS | {"can"})


def _echoes_with_limit(texts: Sequence[str], match: Match) -> bool:
    """Return whether an answer repeats a claim's words with a limit: "… good when I stop"."""
    claimed = {get_lemma(one) for one in match.texts if one not in FUNCTION_WORDS}
    echoed = {get_lemma(one) for one in texts if one not in FUNCTION_WORDS} & claimed
    limits = {*texts} & (CONDITIONS | EXCEPTIONS | NEGATIONS) - {*match.texts}
    return bool(echoed and limits)
