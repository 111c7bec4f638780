"""Look up which word classes an English word may have, in the lexicon of ``lemminflect``."""

from __future__ import annotations

from functools import lru_cache


# The lexicon brings spaCy along, where that is installed: not before it is asked.
@lru_cache(maxsize=20_000)
def get_word_classes(word: str) -> dict[str, tuple[str, ...]]:
    """Return the parts of speech that a word can be, such as NOUN and VERB, with its lemmas."""
    from lemminflect import getAllLemmas  # noqa: PLC0415 - slow to import

    return dict(getAllLemmas(word))


@lru_cache(maxsize=2_000)
def get_past_only_forms(verb: str) -> frozenset[str]:
    """Return a verb's past forms that are not participles too: "rose", but not "kept"."""
    from lemminflect import getInflection  # noqa: PLC0415 - slow to import

    return frozenset(getInflection(verb, "VBD")) - {*getInflection(verb, "VBN")}


def may_be_base_verb(word: str) -> bool:
    """Return whether a word may be the base form of a verb."""
    return word in get_word_classes(word).get("VERB", ())


def is_only_verb(word: str) -> bool:
    """Return whether a word can be a verb but no other part of speech."""
    return (
        may_be_base_verb(word) and not {"NOUN", "ADJ", "ADV", "AUX"} & get_word_classes(word).keys()
    )


def is_only_adjective(word: str) -> bool:
    """Return whether a word can be an adjective but no form of a verb."""
    return "ADJ" in get_word_classes(word) and "VERB" not in get_word_classes(word)
