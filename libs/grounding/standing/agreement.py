"""Object to pronouns, verbs and subjects of a claim that may not be those that were said."""

from __future__ import annotations

from typing import Final

from grounding.standing.claims import names_speaker
from grounding.standing.matching import (
    Match,
    is_leading_speaker_reference,
    is_third_person_form_of,
    may_add_copula,
)
from grounding.standing.names import is_speaker_placeholder
from grounding.standing.speech import is_filler
from grounding.standing.tenses import is_participle_of, is_past_form, is_past_of
from grounding.standing.tokens import SeparatorKind
from grounding.standing.vocabulary import (
    ADVERBS_BEFORE_VERBS,
    COPULAS,
    FILLERS,
    FIRST_PERSON,
    SUBJECTS,
    THIRD_PERSON,
)
from grounding.text.words import FUNCTION_WORDS, parse_word_list

_FIRST: Final = parse_word_list("i me my mine we us our ours")
_PLURAL: Final = parse_word_list("we us our ours ourselves")
_SHIFTED_ALONE: Final = parse_word_list("would could might")
"""Past forms that also stand beside verbs in the present."""
_PRESENT: Final = parse_word_list(
    "am is are 's has have do does will can may have_to need_to is_like going_to"
)
_VERB_SUBJECTS: Final = parse_word_list("i you he she it we they people who there")
_NO_PRESENT: Final = parse_word_list(
    """would could should might must was were had did used_to had_to needed_to was_like not and or
    but who that with for in on at to from of about all both"""
)
"""Words behind a subject that are no verbs in the present."""
_NOMINATIVE: Final = parse_word_list("i we he she they")
_DETERMINERS: Final = parse_word_list("a an the this these those my our many some of")
_COORDINATORS: Final = parse_word_list("and but so because")


def check_subject(match: Match) -> str:
    """Check that a claim's subject is that of the quoted clause; return an objection or ""."""
    if match.places[0] is not None or not is_leading_speaker_reference(match.texts, 0):
        return ""
    one = match.speech[match.first]
    before = match.speech[match.first - 1].text if match.first else "and"
    is_elided = one.token.gap >= SeparatorKind.COMMA or before in _COORDINATORS
    return "" if is_elided and one.text not in SUBJECTS else "its subject is not said"


def check_pronoun_references(match: Match) -> str:
    """Check whom a claim's pronouns refer to; return an objection or "".

    Of another it is clear whose they are only behind a noun of the claim ("files … them"), or
    where the speaker is called by another pronoun ("she said that they …").
    """
    own, others, is_first = set[str](), set[str](), False
    is_single = False
    for i, text, said in match.pairs:
        is_first = is_first or text in _FIRST
        if text not in THIRD_PERSON:
            continue
        if said in FIRST_PERSON:
            own.add(THIRD_PERSON[text])
            is_single = is_single or said not in _PLURAL
            if (
                said not in _PLURAL
                and THIRD_PERSON[text] == "they"
                and match.claim.source in {"he", "she"}
            ):
                return "its pronoun is not the speaker's"
        elif not _has_noun_before(match, i):
            others.add(THIRD_PERSON[text])
    # A "they" that stands for "we" is the people who are talking, whoever of them it is.
    is_clear = (
        (bool(own) and not is_single)
        or match.is_speaker_named
        or match.turn.may_be_participant
        or _names_speaker(match)
    )
    if own and not is_clear:
        return "its pronoun may be another's"
    if match.claim.is_quoted and not own:
        return ""  # "Ann: they want more" has the speaker's own pronouns
    may_be_source = bool(others) and not _is_told_apart(match, own if is_single else set(), others)
    if may_be_source or own & others or (own and is_first):
        return "its pronoun may be the speaker's or another's"
    return ""


def _is_told_apart(match: Match, own: set[str], others: set[str]) -> bool:
    """Return whether other people's pronouns cannot be read as the speaker's."""
    if not names_speaker(match.claim):
        return True
    if match.claim.source in {"he", "she"}:
        return match.claim.source not in others
    if own or others != {"they"}:
        return bool(own) and not own & others
    # "They want more data, Ann said." is about others; "Ann said they want" may be about her.
    is_subject = any(is_speaker_placeholder(text) and said == "i" for _, text, said in match.pairs)
    return match.claim.is_source_behind or is_subject


def _names_speaker(match: Match) -> bool:
    """Return whether a claim's subject is the speaker's name, and it names nobody else.

    "Ann realized that she should not have" is about Ann; "Ann told Carl that he …" is not.
    """
    own = [i for i, text, said in match.pairs if text in THIRD_PERSON and said in FIRST_PERSON]
    between = match.claim.tokens[1 : max(own, default=0)]
    is_alone = not any(one.is_capital or is_speaker_placeholder(one.text) for one in between)
    return match.begins_with_speaker and is_speaker_placeholder(match.texts[0]) and is_alone


def _has_noun_before(match: Match, i: int) -> bool:
    """Return whether a claim has a noun before a token: behind an article, or before "who"."""
    return any(
        match.texts[k + 1] not in FUNCTION_WORDS
        and (match.texts[k] in _DETERMINERS or match.texts[k + 2] == "who")
        for k in range(i - 1)
    )


def check_added_s(match: Match) -> str:
    """Check that an "s" added to a spoken word makes a verb form; return an objection or ""."""
    for i, text, said in match.pairs:
        if text in COPULAS or not is_third_person_form_of(text, said):
            continue
        before = i - 1
        while before >= 0 and match.texts[before] != "and" and _is_adverb(match.texts[before]):
            before -= 1
        subject = match.texts[before] if before >= 0 else "she"
        if subject not in THIRD_PERSON and not subject.startswith("@") and subject != "and":
            return f"“{text}” stands for “{said}”"
    return ""


def _is_adverb(text: str) -> bool:
    return text.endswith("ly") or text in FILLERS | ADVERBS_BEFORE_VERBS


def check_perfect_contractions(match: Match) -> str:
    """Check that "'s" in a claim means "has" and not "is"; return an objection or ""."""
    for i, text, said in match.pairs:
        if text == said or "'s done" not in {text, said}:
            continue
        is_speaker = said == "have" and i > 0 and match.texts[i - 1] in {"he", "she"}
        then = match.texts[i + 1] if i + 1 < len(match.texts) else ""
        if not is_speaker and then not in {"been", "had", "got", "gotten"}:
            return f"“{text}” stands for “{said}”"
    return ""


def check_relative_pronouns(match: Match) -> str:
    """Check that "which" may replace a spoken "it" in a claim; return an objection or "".

    "It rained, and it helped" may become "It rained, which helped".
    """
    for i, text, said in match.pairs:
        if text != "which" or said == text:
            continue
        place = match.places[i]
        before = match.places[i - 1] if i else None
        if place is None or before is None or match.claim.tokens[i].gap is not SeparatorKind.COMMA:
            return f"“{text}” stands for “{said}”"
        between = {match.speech[j].text for j in range(before + 1, place)}
        if between != {"and"} or match.speech[before + 1].token.gap is SeparatorKind.SENTENCE:
            return f"“{text}” stands for “{said}”"
    return ""


def check_mixed_tenses(match: Match) -> str:
    """Check that a claim shifts all of its verbs to the past, or none; return an objection or "".

    "She said that they talked where they meet" is not the report of "we talk where we meet".
    """
    shifted = [
        text
        for _, text, said in match.pairs
        if text != said and text not in _SHIFTED_ALONE and is_past_of(text, said)
    ]
    if not match.claim.is_shifted or not shifted:
        return ""
    for i, text, said in match.pairs:
        if text in _PRESENT or is_third_person_form_of(text, said):
            return f"“{shifted[0]}” is shifted, “{text}” is not"
        before = i - 1
        while before > 0 and _is_adverb(match.texts[before]):
            before -= 1
        is_verb = before >= 0 and (match.texts[before] in _VERB_SUBJECTS)
        if is_verb and not is_past_form(text) and text not in _NO_PRESENT and not _is_adverb(text):
            return f"“{shifted[0]}” is shifted, “{text}” is not"
    return ""


def check_added_verbs(match: Match) -> str:
    """Check that a claim may add "is" or "had" to the spoken words; return an objection or "".

    "We competing" is "they are competing", and what was said to be so in the past "had been" so
    behind "she said that".
    """
    for i, (text, place) in enumerate(zip(match.texts, match.places, strict=True)):
        if place is not None or text not in {"is", "are", "'s", "had"} or i + 1 == len(match.texts):
            continue
        owner = match.places[i - 1] if text == "'s" and i else None
        if owner is not None and match.speech[owner].text in {"my", "our"}:
            continue  # "Ann's riding" is "my riding"
        is_right = _is_perfect(match, i) if text == "had" else _is_progressive(match, i)
        if not is_right:
            return f"“{text}” is not said"
    return ""


def _is_perfect(match: Match, i: int) -> bool:
    """Return whether behind an added "had" stands the participle of a spoken past form."""
    verb = i + 1
    while verb < len(match.texts) - 1 and _is_adverb(match.texts[verb]):
        verb += 1
    place = match.places[verb]
    if place is None or not is_participle_of(match.texts[verb], match.speech[place].text):
        return False
    before = {match.speech[j].text for j in range(max(0, place - 2), place)}
    said = match.speech[place].text
    return (said in {"was", "were"} or is_past_form(said)) and not before & (
        COPULAS | {"had", "be", "been"}
    )


def _is_progressive(match: Match, i: int) -> bool:
    """Return whether an added "is" stands between a spoken subject and its verb in "-ing"."""
    if not may_add_copula(match.texts, i):
        return match.texts[i] == "'s"
    subject, verb = match.places[i - 1], match.places[i + 1]
    if subject is None or verb is None or match.speech[subject].text not in _NOMINATIVE:
        return False
    between = range(subject + 1, verb)
    return all(is_filler(match.speech, j) or match.speech[j].is_repeated for j in between)
