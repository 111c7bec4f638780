"""Templates of false notes that mistake who did or said it."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from simulator.paraphrasing.false_statements import (
    FalseStatement,
    build_false_statement,
    has_enough_words,
    may_have_same_meaning,
)
from simulator.paraphrasing.persons import attribute_statement, convert_to_third_person
from simulator.paraphrasing.sentences import SpokenSentence

_VERBS: Final = (
    "told|asked|called|helped|gave|taught|showed|paid|hit|saw|took|brought|hired|sent|left|loved"
    "|liked|hated|hurt|scared|raised|beat|picked|wanted|needed|supported|encouraged|introduced|invited"
    "|trusted|pushed|made|let|warned|followed|invited|visited|chose|knew|watched|fired|kept"
)
_SUBJECT_FORMS: Final = {"me": "I", "him": "he", "her": "she", "them": "they", "us": "we"}
_OBJECT_FORMS: Final = {form: other for other, form in _SUBJECT_FORMS.items()} | {"I": "me"}
_PRONOUNS: Final = re.compile(
    rf"\b(I|[Hh]e|[Ss]he|(?:[Mm]y|[Tt]he|[Oo]ur) \w+) ({_VERBS}) (me|him|her|them|us)\b(?! \w+s?'s)"
)
_NOUNS: Final = re.compile(
    rf"\b((?:my|the|our) \w+) ((?:{_VERBS}|\w+ed)) ((?:my|the|our|his) \w+)\b", re.IGNORECASE
)
_PAIRS: Final = (
    re.compile(r"(?<=\bfrom )(\w+)( to )(\w+)", re.IGNORECASE),
    re.compile(r"\b(\w{4,})( than )(\w{4,})\b", re.IGNORECASE),
)
_REPORT: Final = re.compile(
    r"\b(?:my \w+|he|she|they|people|somebody|someone|everybody) (?:also |always |just )?"
    r"(?:said|says|say|told (?:me|us)|thinks|thought|was like|were like|claimed|heard)(?: that)?,? "
    r"(?=\w+ \w+ \w+)",
    re.IGNORECASE,
)


def swap_roles(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement that swaps who acts and who is acted on; None without both."""
    found = _PRONOUNS.search(one.text)
    if found:
        subject, one_done_to = found[1][:1].lower() + found[1][1:], _SUBJECT_FORMS[found[3]]
        done_by = _OBJECT_FORMS.get(found[1], _OBJECT_FORMS.get(subject, subject))
        swapped = f"{one_done_to} {found[2]} {done_by}"
    elif found := next((two for p in (_NOUNS, *_PAIRS) if (two := p.search(one.text))), None):
        swapped = found[3] + (found[2] if found[2][0] == " " else f" {found[2]} ") + found[1]
        if found[1].casefold() == found[3].casefold():
            return None
    else:
        return None
    text = one.text[: found.start()] + swapped + one.text[found.end() :]
    return build_false_statement(text[:1].upper() + text[1:], one, chance)


def misattribute_sentence(one: SpokenSentence, chance: Random) -> FalseStatement | None:
    """Write a false statement that names the wrong speaker; None if there is only one."""
    report = _REPORT.search(one.text)
    if report and chance.random() < 1 / 2:
        rest = one.text[report.end() :].lstrip('"“, ')
        return (
            build_false_statement(rest[:1].upper() + rest[1:], one, chance)
            if has_enough_words(rest)
            else None
        )
    neighbors = [two for two in (one.asked, one.reply) if two and two.speaker in one.others]
    other = chance.choice(one.others) if one.others else ""
    if (
        not other
        or not one.is_plain
        or any(may_have_same_meaning(two.text, one.text) for two in neighbors)
    ):
        return None
    retold = convert_to_third_person(one.text) if chance.random() < 2 / 3 else one.text
    cited = tuple(two for two in neighbors if two.speaker == other and chance.random() < 1 / 2)
    if chance.random() < 1 / 3:
        return FalseStatement(f"According to {other}, {retold[:1].lower()}{retold[1:]}", cited[:1])
    return FalseStatement(attribute_statement(retold, other), cited[:1])
