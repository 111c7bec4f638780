"""Templates of false notes that change, add or drop words of one sentence.

Each returns what a note falsely says, in the first person, or None where it does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final

from simulator.fault_injection import drop_negations, replace_number
from simulator.paraphrasing.sentences import SpokenSentence
from simulator.wording import NUMBER_WORDS, split_words

_NUMBER: Final = rf"(?:[$£€]?\d|(?:{'|'.join(NUMBER_WORDS)})\b)"
_SUBJECT: Final = r"(?:I|we|they|he|she|you|it|people|there|this|that|the|my|our)"
_PRONOUN: Final = r"(?:I|we|they|he|she|you|it|people)"
_MIN_WORDS: Final = 4

Rewriting = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _compile(*pairs: tuple[str, str]) -> tuple[Rewriting, ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), other) for pattern, other in pairs)


_HEDGES: Final = _compile(
    (
        (
            r"(?:,\s*|\b)(?:maybe|perhaps|probably|possibly|apparently|supposedly"
            r"|presumably)\b,?\s*"
        ),
        " ",
    ),
    (
        (
            rf"(?<!what )(?<!do )(?<!did )\b(?:I|we) (?:think|guess|suppose|believe|assume"
            rf"|feel like)(?: that)?,? (?={_SUBJECT}\b|it's|that's|there's)"
        ),
        "",
    ),
    (
        (
            rf"(?<!think )(?<!talk )(?<!thinking )(?<!talking )(?<!know )(?<!worry )"
            rf"\b(?:almost|nearly|about|around|roughly|approximately) (?={_NUMBER})"
        ),
        "",
    ),
    (r"\b(?:almost|nearly) (?=every|always|all|never|no\b|impossible)", ""),
    (r"\b(is|was|are|were|'re|'s|'m) (?:kind|sort) of (?=\w)", r"\1 "),
    (r"\b(?:seems?|seemed) to be\b", "is"),
    (r",? or (?:so|something(?: like that)?|whatever)(?=[.,]|$)", ""),
    (r"\bI'm not (?:really |entirely |completely )?sure (?:if|that|whether) ", ""),
    (r"\bI hope (?:that )?(?=it|they|we|he|she|the|my)", ""),
)
_QUANTIFIERS: Final = _compile(
    (r"\bsome (?=of\b)", "all "),
    (r"\bsome (?!kind|sort|day|time|thing|of|\d|other|more)(?=\w{3,}s\b)", "all "),
    (r"(?<!how )(?<!so )(?<!as )(?<!too )(?<!that )(?<!not )\bmany (?=\w+s\b|people|of)", "all "),
    (r"\bmost (?=of\b|people|days)", "all "),
    (r"\bmost (?=people|days)", ""),
    (r"\b(?:often|sometimes|usually|mostly|generally|occasionally)\b", "always"),
    (r"\b(?:a few|a couple of|several) (?=\w+s\b|of)", "all "),
    (r"\bone of (?=the|my|our|their)", "all of "),
    (r"\balmost (?=every|all\b|always)", ""),
    (r"\b(?:someone|somebody)\b", "everyone"),
    (r"(?<!or )\bsomething\b(?! like| of)", "everything"),
)
_HYPOTHETICALS: Final = _compile(
    (
        (
            rf"\b({_PRONOUN})(?:'d| would| might| may| could)"
            r"(?: probably| maybe| also| just| never)? (?!be\b|been|better|have|rather|say|like"
            r"|love|think|guess|not|\w+ed\b|got|gone|done|seen|had|no|just|even|actually|really|never"
            r"|always)(?=[a-z]{3,})"
        ),
        r"\1 ",
    ),
    (
        rf"\b({_PRONOUN})'d (?=(?:come|become|put|cut|run|let|set|read|hit|quit|overcome)\b)",
        r"\1 had ",
    ),
    (r"\b(I|we|they|you|people) (?:would|might|may|could) be\b", r"\1 are"),
    (r"\b(it|he|she|that|this)(?:'d| would| might| may| could) be\b", r"\1 is"),
    (
        (
            r"\b(I|we|they|you|people) (?:really )?(?:want|hope|plan|intend|need|try) to (?!be\b)"
            r"(?=[a-z]{3,})"
        ),
        r"\1 ",
    ),
    (r"\b(I|we|they) wanted to be\b", r"\1 were"),
    (r"\b(I'm|we're|they're|I am|we are|they are) (?:trying|planning|hoping|going) to be\b", r"\1"),
    (r"\b(?:was|were) (?:supposed|going|trying|about) to be\b", "was"),
)
_SENTIMENTS: Final = _compile(
    (
        (
            r"\b(I|we|they|people) (really |just |kind of )?(?:love|like|enjoy)d?"
            r"(?= (?:it|to|the|that|my|\w+ing)\b)"
        ),
        r"\1 \2hate",
    ),
    (r"\bhated?\b", "love"),
    (r"\b(?:good|great|wonderful|amazing|awesome|excellent)(?= \w+|[.,])(?! deal)", "terrible"),
    (r"\b(?:happy|glad|excited|proud)\b", "upset"),
    (r"\b(?:hard|difficult|tough) (?=to\b|time|for\b)", "easy "),
    (r"\beasy\b", "hard"),
    (r"\b(?:scared|worried|afraid|nervous|frustrated|angry|sad)\b", "happy"),
    (r"\b(?:fun|interesting|nice|beautiful)\b", "awful"),
    (r"\b(?:bad|awful|terrible|horrible)\b", "good"),
    (r"\bbest\b", "worst"),
)
_EXCEPTIONS: Final = _compile(
    (
        (
            r",?\s*\b(?:except(?:ing)?|apart from|aside from|but not|excluding|not counting"
            r"|with the exception of|other than|unless)\b[^.;!?]*(?=[.;!?]|$)"
        ),
        "",
    ),
    (
        r"^(?:except(?: for)?|apart from|aside from|other than|besides|unless)\b[^,]*,\s*(?!that)",
        "",
    ),
)
_IF: Final = (
    r"(?<!as )(?<!even )(?<!what )(?<!only )\bif\b(?! you will| not| any| I'm not| I remember)"
)
_CONDITION: Final = re.compile(
    r"\b(?:if|unless|once|as long as|whenever|until|when|provided)\b", re.IGNORECASE
)
_ASKING: Final = re.compile(
    r"\b(?:ask|asked|know|wonder|wondered|see|sure|care|tell|told|say|think|remember|like|matter)\b"
    r"[^,]{0,12}\bif\b",
    re.IGNORECASE,
)
_CONDITIONS: Final = _compile(
    (
        (
            r"^(?:(?:and|but|so|because|well|like),? )*(?:if|unless|once|as long as|whenever"
            r"|provided(?: that)?|until)\b[^,]{6,},\s*(?:then )?(?=\w)"
        ),
        "",
    ),
    (
        (
            rf"(?<=\w),? (?:{_IF}|\b(?:unless|as long as|provided that|on condition that)\b)"
            r" [^?]*(?=[.!]|$)"
        ),
        "",
    ),
)
_PAST: Final = {
    "live": "lived", "work": "worked", "like": "liked", "love": "loved", "want": "wanted",
    "need": "needed", "use": "used", "play": "played", "walk": "walked", "talk": "talked",
    "help": "helped", "call": "called", "ask": "asked", "look": "looked", "go": "went",
    "have": "had", "get": "got", "take": "took", "make": "made", "know": "knew", "see": "saw",
    "pay": "paid", "buy": "bought", "teach": "taught",
    "drive": "drove", "eat": "ate", "speak": "spoke", "do": "did", "keep": "kept",
}  # fmt: skip
_PRESENT: Final = {past: present for present, past in _PAST.items()}
_PAST_MARK: Final = re.compile(
    r"\b(?:was|were|did|had|ago|yesterday|last (?:year|week|month|night)|went|came|\w+ed)\b",
    re.IGNORECASE,
)
_TENSES: Final = _compile(
    (r"(?<!get )(?<!got )(?<!is )(?<!are )(?<!was )(?<!were )(?<!'m )(?<!be )\bused to (?=\w)", ""),
    (rf"\b({_PRONOUN})(?:'ll| will) (?!be\b|not|never|have)(?=\w{{3,}})", r"\1 "),
    (r"\b(I'm|we're|they're|I am|we are|they are) (?:gonna|going to) (?!be\b)(?=\w{3,})", "they "),
    (r"\b(it|he|she|that|there) was\b", r"\1 is"),
    (r"\b(I) was\b", r"\1 am"),
    (r"\b(we|they|there|people) were\b", r"\1 are"),
    (r"\b(it|he|she|that|there)(?:'s| is)(?= (?:a|an|the|very|really|so|not|no)\b)", r"\1 was"),
    (r"\b(I'm|we're|they're)(?= (?:a|an|the|very|really|so|not|in|at)\b)", "they were"),
)
_MAIN_VERB: Final = re.compile(r"\b(I|we|they|people) (\w+)\b", re.IGNORECASE)
_UNCHANGED_PAST: Final = re.compile(
    r"^(?:I|we) (put|cut|set|hit|quit|let|read|hurt|shut)\b", re.IGNORECASE
)
_NEGATED_OTHERWISE: Final = re.compile(
    r"\bnot (?:only|just|to mention|even|necessarily)\b|\bno (?:wonder|doubt|matter|longer)\b"
    r"|\bwhy not|\bif not|\bor not|n't (?:it|you|they|he|she|we|I|wait|help)\b"
    r"|\bcouldn't (?:be|have been)\b"
    r"|\bno,|, no\b|\bno no\b|can't \w+ enough",
    re.IGNORECASE,
)


def drop_hedge(one: SpokenSentence, chance: Random) -> str | None:
    """Remove a hedge, such as "maybe" or "I think", from a sentence; None if it has none."""
    return _rewrite(one.text, _HEDGES, chance)


def overgeneralize(one: SpokenSentence, chance: Random) -> str | None:
    """Replace "some" or "sometimes" in a sentence by "all" or "always"; None if it has none."""
    return _rewrite(one.text, _QUANTIFIERS, chance)


def assert_hypothetical(one: SpokenSentence, chance: Random) -> str | None:
    """Rewrite a hypothetical sentence ("would", "might") as a fact; None if it is not one."""
    return _rewrite(one.text, _HYPOTHETICALS, chance)


def change_sentiment(one: SpokenSentence, chance: Random) -> str | None:
    """Replace or add a feeling in a sentence, such as "liked" to "hated"; None if impossible."""
    return _rewrite(one.text, _SENTIMENTS, chance)


def drop_exception(one: SpokenSentence, chance: Random) -> str | None:
    """Remove an exception, such as "except on Sundays", from a sentence; None if it has none."""
    return _rewrite(one.text, _EXCEPTIONS, chance)


def drop_condition(one: SpokenSentence, chance: Random) -> str | None:
    """Remove the conditional clause ("if …") from a sentence; None if it has none."""
    if _ASKING.search(one.text):
        return None
    unconditional = _rewrite(one.text, _CONDITIONS, chance)
    return None if unconditional and _CONDITION.search(unconditional) else unconditional


def drop_negation(one: SpokenSentence, _chance: Random) -> str | None:
    """Remove the negation from a sentence; None if it has none."""
    if _NEGATED_OTHERWISE.search(one.text):
        return None
    return _finish(drop_negations(one.text), one.text)


def change_number(one: SpokenSentence, chance: Random) -> str | None:
    """Change a number in a sentence, or swap two numbers; None if it has no number."""
    digits = list(re.finditer(r"(?<![\w.:])\d+(?![\w:.]\w)", one.text))
    if len({two.group() for two in digits}) == len(digits) == 2 and chance.random() < 1 / 2:  # noqa: PLR2004
        first, second = digits
        between = one.text[first.end() : second.start()]
        swapped = second.group() + between + first.group()
        return one.text[: first.start()] + swapped + one.text[second.end() :]
    taken = set(split_words(one.turn.text))
    return _finish(replace_number(one.text, taken, chance), one.text)


def change_tense(one: SpokenSentence, chance: Random) -> str | None:
    """Change a sentence from past to present or the reverse; None without a fitting verb."""
    rewritten = _rewrite(one.text, (*_TENSES, _EXCHANGED_VERB), chance)
    if _UNCHANGED_PAST.search(one.text) and _PAST_MARK.search(one.text):
        return _UNCHANGED_PAST.sub(rf"{one.turn.speaker} \1s", one.text)
    return rewritten


def _exchange_verb(found: re.Match[str]) -> str:
    subject, verb = found.groups()
    other = _PRESENT.get(verb.casefold()) or _PAST.get(verb.casefold()) or verb
    return f"{subject} {other}"


_EXCHANGED_VERB: Final[Rewriting] = (_MAIN_VERB, _exchange_verb)


def _rewrite(text: str, rewritings: tuple[Rewriting, ...], chance: Random) -> str | None:
    """Return the text changed in one of the ways that apply, if a sentence is left."""
    found = [
        changed
        for pattern, other in rewritings
        if (changed := _finish(pattern.sub(other, text), text))
    ]
    return chance.choice(found) if found else None


def _finish(changed: str, text: str) -> str | None:
    """Return a changed sentence with tidy blanks; None if it is unchanged or too short."""
    tidy = re.sub(r"\s+([,.!?;:])", r"\1", " ".join(changed.split())).strip(" ,;:")
    if tidy.casefold() == text.casefold() or len(split_words(tidy)) < _MIN_WORDS:
        return None
    tidy = tidy[:1].upper() + tidy[1:]
    return tidy if tidy[-1] in ".!?…" else f"{tidy}."
