"""Which kinds of word an English word may be, by the lexicon of ``lemminflect``."""

from __future__ import annotations

from functools import lru_cache


# The lexicon brings spaCy along, where that is installed: not before it is asked.
@lru_cache(maxsize=20_000)
def kinds(word: str) -> dict[str, tuple[str, ...]]:
    """The kinds a word may be, such as NOUN and VERB, each with the lemmas it has as such."""
    from lemminflect import getAllLemmas  # noqa: PLC0415 - slow to import

    return dict(getAllLemmas(word))


@lru_cache(maxsize=2_000)
def pasts(verb: str) -> frozenset[str]:
    """The past of a verb, where it is no participle too: "rose", but not "kept"."""
    from lemminflect import getInflection  # noqa: PLC0415 - slow to import

    return frozenset(getInflection(verb, "VBD")) - {*getInflection(verb, "VBN")}


def is_verb(word: str) -> bool:
    """Whether a word may be a verb in its base form."""
    return word in kinds(word).get("VERB", ())


def is_only_verb(word: str) -> bool:
    """Whether it can be nothing else."""
    return is_verb(word) and not {"NOUN", "ADJ", "ADV", "AUX"} & kinds(word).keys()


def is_only_adjective(word: str) -> bool:
    """Whether it may be an adjective, and no form of a verb."""
    return "ADJ" in kinds(word) and "VERB" not in kinds(word)
