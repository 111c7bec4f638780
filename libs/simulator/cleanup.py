"""Clean-up of spoken sentences into note statements; no word is added, changed or moved."""

from __future__ import annotations

import re

from simulator.wording import is_negation_word, is_number_word

_SOUND = re.compile(r"\((?:laugh|chuckl|sigh|cough|pause|sniff|clear)[^)]*\)", re.IGNORECASE)
_HESITATION = re.compile(
    r"[,\u2013—]?\s*(?<![\w'\u2019-])(?:u+m+|u+h+|e+rm+|er|e+hm+|h+m+|m+h?m+|ah|eh)\b"
    r"(?![-'\u2019])[,…]*(?:\.{3})?",
    re.IGNORECASE,
)
_FILLER_PHRASE = re.compile(
    r"(?:\s*[,\u2013—]|^|(?<=\.\.)|(?<=…)|(?<=because)|(?<=\band)|(?<=\bbut)|(?<=\bso))\s*"
    r"(?:you know|i mean|you see|let's see)\s*(?:[,\u2013—]|(?=[.!?]*$))",
    re.IGNORECASE,
)
_SUBJECT = (
    r"(?:i|we|it|they|he|she|you|there|the|my|our|that|this|when|if|what|now"
    r"|i'm|i've|i'd|we're|we've|it's|that's|there's|they're)\b"
)
_OPENERS = re.compile(
    r"^(?:(?:yeah|yep|well|okay|ok|right|oh|so|and so|and then|anyway|like|i mean|you know)"
    r"\s*[,.\u2013—]+"
    r"|(?:and so|and then|and|but)\b(?! (?:so|then) (?:on|forth)\b)(?: ?[,\u2013—])?"
    rf"|(?:so|well|yeah|like|because|'cause)\s+(?={_SUBJECT}))\s*",
    re.IGNORECASE,
)
_STAMMER = re.compile(r"(?<![\w'\u2019])(\w{1,12})[-\u2013—]+[,.…]*\s+(?=\1)", re.IGNORECASE)
_REPEAT = re.compile(
    r"(?<![\w'\u2019-])((?:[\w'\u2019]+\s+){0,3}[\w'\u2019]+)"
    r"(?:\s*[,\u2013—-]+\s*|\s*\.{3}\s*|\s*…\s*|\s+)(?=\1(?!\w))",
    re.IGNORECASE,
)
_EMPHASIS = frozenset({"very", "really", "so", "much", "many", "had", "that", "way", "far"})
_MAX_ROUNDS = 6


def clean_up_sentence(quote: str) -> str:
    """Remove hesitations, false starts and repeated words from a spoken sentence.

    Args:
        quote: one sentence exactly as spoken.

    Returns:
        The quote's own words in their order. Every number, negation and name stays, and so does
        the first person: the note's reader sees who spoke.
    """
    text = _SOUND.sub(" ", " ".join(quote.split()))
    for pattern in (_FILLER_PHRASE, _HESITATION, _FILLER_PHRASE):
        text = _settled(pattern, text)
    text = _STAMMER.sub("", text)
    for _ in range(_MAX_ROUNDS):
        shorter = _REPEAT.sub(_once, text)
        if shorter == text:
            break
        text = shorter
    return _finished(_settled(_OPENERS, text.strip(" ,\u2013—"))) or _finished(quote)


def _settled(pattern: re.Pattern[str], text: str) -> str:
    """Remove every match, and what only then becomes one."""
    for _ in range(_MAX_ROUNDS):
        shorter = pattern.sub(" ", text).strip()
        if shorter == text:
            break
        text = shorter
    return text


def _once(repeat: re.Match[str]) -> str:
    """Return the first of two equal phrases, or nothing if repeating it means nothing."""
    words = repeat.group(1).lower().split()
    meant = any(is_number_word(word) and word != "one" for word in words) or (
        len(words) == 1 and (words[0] in _EMPHASIS or is_negation_word(words[0]))
    )
    return repeat.group() if meant else ""


def _finished(text: str) -> str:
    """Return a text with tidy blanks and commas, a capital in front and a full stop behind."""
    text = re.sub(r"\s+([,.!?;:])", r"\1", " ".join(text.split()))
    text = re.sub(r"([,;])[,;]+", r"\1", text).strip(" ,;:\u2013—-")
    text = re.sub(r"[,;]+([.!?])", r"\1", text)
    if not re.search(r"\w", text):
        return ""
    text = text[0].upper() + text[1:] if text[0].upper().lower() == text[0] else text
    return text if text[-1] in '.!?…"”' else text + "."
