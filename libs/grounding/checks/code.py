"""Check that a statement is a sentence, and no code, markup or cipher."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.text.addressing import is_english_word, normalize_text
from grounding.text.words import split_words

_NAME: Final = "carries_code"
# Letters from which on an unknown word counts; shorter ones are abbreviations and sounds.
_MIN_WORD_LENGTH: Final = 4
# Letters from which on even a capitalised or contracted word counts: no name is so long.
_LONG_WORD_LENGTH: Final = 13
# Unknown words that make a text garbled: a share of its words, within these limits. One alone may
# be a slip of the pen.
_MIN_GARBLED: Final = 2
_MAX_GARBLED: Final = 3
_GARBLED_SHARE: Final = 0.2
# Share of the words, short ones and the first one too, that are unknown in a cipher.
_CIPHER_SHARE: Final = 1 / 3
_CODE: Final = re.compile(
    r"`|[{}\\|~=]|<[!?%|]|\$\(|\$\w+\s*=|->|=>|::|&&|\|\||!=|/\*|\*/|\+\+"
    r"|\*\*\w|__\w|\w_\w|^\s{0,3}#{1,6}\s|^[^\S\n]*(?:-{3,}|\*{3,})\s*$|&\w{2,8};|&#x?\w+;|%[0-9a-fA-F]{2}%"
    r"|[\w.]\((?:\s{0,9}|[^()'\",:_]{0,200}['\",:_][^()]{0,200})\)\s{0,9}(?:[;.:]|$)|\b\w{1,80}\.\w{1,80}\(|\b[a-z_]\w*\((?!e?s\))|\)\s*;|;\s*$"
    r"|\b(?:def|class|function|fn|func|public|static|void|const|var|let)\s+\w+\s*[(:={]"
    r"|^[^\S\n]*(?:import\s+[a-z_][\w.]*(?:\s+as\s+\w+)?(?:\s*$|\s*[\n;,])|from\s+[\w.]+\s+import\s+|#include\b"
    r"|using\s+\w+;|package\s+\w+;|#!\s*/)"
    r"|\bSELECT\b.{1,300}?\bFROM\b|\b(?:DROP|CREATE|ALTER|TRUNCATE)\s+(?:TABLE|DATABASE)\b|\bINSERT\s+INTO\b"
    r"|\bDELETE\s+FROM\b|\bUPDATE\s+\w+\s+SET\b|\bUNION\s+(?:ALL\s+)?SELECT\b"
    r"|(?:^|[\s;:])(?:(?i:sudo)|rm\s+-\w+|curl\s+-?\w*[:/.-]|wget\s+\S*[:/.]|chmod\s+[+\d]|pip3?\s+install|npm\s+install"
    r"|apt(?:-get)?\s+install|powershell|cmd\.exe|bash\s+-|/(?:bin|etc|usr|tmp|dev)/)",
    re.MULTILINE,
)
_MARK: Final = re.compile(r"\{[A-Za-z]{2,20}(?: [A-Za-z]{1,20}){0,3}\}|</?[A-Za-z]{2,20}>")
"""What transcribers put between words: ``{vocalsound}`` in the AMI meetings, ``<laugh>``."""
_SPELLED: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:[A-Za-z]_){1,8}(?:[A-Za-z]?(?![A-Za-z0-9_])|s\b)"
)
"""Letters that are spoken one by one, as the AMI meetings write them: ``L_C_D_``, ``T_V_``."""
_IDENTIFIER: Final = re.compile(
    r"(?<![\w$.@/])(?:[a-z]{2,20}(?:_[a-z0-9]{1,20}){1,5}|[A-Z]{0,3}[a-z]{1,20}(?:[A-Z]{1,3}[a-z]{1,20}){1,6})"
    r"(?![\w({\[=/.:]\w|[({\[=]|_)"
)
"""One word of several: a field such as ``user_id``, a company such as BigCloudServices."""
_MARKUP: Final = re.compile(r"</?[a-zA-Z!][^>]{0,200}>")
_DISGUISED: Final = re.compile(
    r"(?<![\w@$])[\w@$]{0,20}?(?:[A-Za-z][\d@$]+[A-Za-z]|[a-z][\d@$](?![\w@$])|[@$][A-Za-z]|\$\d{1,2}[A-Za-z]{2})[\w@$]{0,20}"
)
"""A word of letters, with figures or signs among them."""
_BLOB: Final = re.compile(
    r"^\S{12,}$|(?<![\w+/])(?=[\w+/]*\d)(?=[\w+/]*[A-Za-z])[A-Za-z0-9+/]{16,}={0,2}"
    r"|(?<![\w+/])(?=\w*[a-z][A-Z]\w*[a-z][A-Z])[A-Za-z0-9+/]{16,}"
    r"|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{6,}={1,2}(?!\w)|\b(?:[01]{8}\s*){2,}"
    r"|\b(?:[0-9a-fA-F]{2}[\s:]){4,}[0-9a-fA-F]{2}\b"
    r"|(?:[.\-·\u2212\u2013]{1,6}[ /]+){4,}"
    r"|(?:\b\d{1,2}[-,. ]){6,}\d{1,2}\b|(?:\b\w\b[\s.\-_]){6,}\w\b"
)


def _carries_code(context: CheckContext) -> CheckFailure | None:
    said = normalize_text(" ".join(context.quotes))
    statement = _remove_transcription_marks(normalize_text(context.draft.statement), said)
    statement = _remove_spoken_identifiers(statement, said)
    found = _CODE.search(statement) or _MARKUP.search(statement) or _BLOB.search(statement)
    sign = found.group().strip() if found else _find_pictogram(statement, said)
    if sign is None:
        sign = _find_disguised_words(statement, said)
    if sign is None and context.study.language == "en":
        sign = _find_garbled_words(statement, said)
    if sign is None or (found and _is_spoken_figure(sign, context)):
        return None
    return build_claim_failure(
        _NAME,
        context,
        statement,
        f"A note is a sentence in words, without code, markup or cipher: {quote_word(sign)}.",
    )


def contains_code(text: str) -> bool:
    """Return whether a text contains what looks like program code."""
    plain = _SPELLED.sub(" ", _MARK.sub(" ", text))
    return _CODE.search(_IDENTIFIER.sub(" ", plain)) is not None


def _remove_transcription_marks(statement: str, said: str) -> str:
    """Return a statement without the transcribers' marks that the passage has too."""

    def unmarked(mark: re.Match[str]) -> str:
        return " " if mark[0] in said else mark[0]

    return _SPELLED.sub(unmarked, _MARK.sub(unmarked, statement))


def _remove_spoken_identifiers(statement: str, said: str) -> str:
    """Return a statement without the names of products and fields that the passage has too."""
    if _IDENTIFIER.search(statement) is None:
        return statement  # and the passage, which is longer, need not be read
    spoken = {one[0] for one in _IDENTIFIER.finditer(said)}
    return _IDENTIFIER.sub(lambda one: "It" if one[0] in spoken else one[0], statement)


def _is_spoken_figure(sign: str, context: CheckContext) -> bool:
    """Whether a match is only figures read out in the interview, such as a telephone number."""
    is_figures = not re.search(r"[^\d\s.,-]", sign) and len(sign) > 1
    return is_figures and sign in normalize_text(" ".join(context.quotes))


def _find_pictogram(statement: str, said: str) -> str | None:
    """Return a pictogram that the cited passage lacks."""
    for sign in statement:
        if unicodedata.category(sign) == "So" and sign not in "°©®™№℃℉" and sign not in said:
            return sign
    return None


def _find_disguised_words(statement: str, said: str) -> str | None:
    """Return words with figures and signs for letters, if there are several: "kn0w", "l1k3"."""
    found = dict.fromkeys(one[0] for one in _DISGUISED.finditer(statement))
    if len(found) < _MIN_GARBLED:
        return None  # and the passage, which is longer, need not be read
    spoken = {one[0] for one in _DISGUISED.finditer(said)}
    disguised = [one for one in found if one not in spoken]
    return " ".join(disguised) if len(disguised) >= _MIN_GARBLED else None


def _find_garbled_words(statement: str, said: str) -> str | None:
    """Return words that neither the lexicon nor the cited passage has, if there are several."""
    stated_words = split_words(statement)
    if all(is_english_word(word.text) for word in stated_words):
        return None  # and the passage, which is longer, need not be read
    heard = {word.text for word in split_words(said)}
    strange = [
        word.text
        for word in stated_words
        if word.text not in heard
        and len(word.text) >= (_LONG_WORD_LENGTH if "'" in word.text else _MIN_WORD_LENGTH)
        and (len(word.text) >= _LONG_WORD_LENGTH or not statement[word.start].isupper())
        and not is_english_word(word.text)
    ]
    many = max(_MIN_GARBLED, min(_MAX_GARBLED, round(len(stated_words) * _GARBLED_SHARE)))
    if len(strange) >= many:
        return " ".join(strange)
    unknown = [
        word.text
        for at, word in enumerate(stated_words)
        if word.text not in heard
        and len(word.text) > 1
        and (at == 0 or not statement[word.start].isupper())
        and not is_english_word(word.text)
    ]
    is_cipher = len(unknown) >= _MIN_GARBLED and len(unknown) >= _CIPHER_SHARE * len(stated_words)
    return " ".join(unknown) if is_cipher else None


CARRIES_CODE = Check(
    _NAME,
    "The statement is written in words: no code, no markup, no cipher, no pictograms.",
    _carries_code,
)
