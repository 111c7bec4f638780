"""Lexical features of a text: content words, subjects, numbers and negations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_SHORTEST_TERM = 3


def parse_word_set(text: str) -> frozenset[str]:
    """Split a string of words separated by blanks into a set."""
    return frozenset(text.split())


_NUMBER_LIST = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million
"""
NUMBER_WORDS = tuple(_NUMBER_LIST.split())
"""English number words, the small before the large."""

_NUMBERS = frozenset(NUMBER_WORDS) | {"half", "twice", "dozen", "quarter", "third"}
_NEGATIONS = parse_word_set(
    "no not never none nobody nothing nowhere neither nor cannot without ain't hardly"
)
_STOP_WORDS = parse_word_set(
    """a about above after again all also am an and any are as at be because been before being
    below between both but by can could did do does doing down during each even ever every few
    for from further get gets getting go goes going gone got had has have having he her here hers
    him his how i if in into is it its just know let like lot make many maybe me mean more most
    much must my now of off on once one only or other our out over own really said same say says
    see she should so some such than that the their them then there these they thing things think
    this those though through to too under until up us very want was way we well went were what
    when where which while who why will with would yeah yes you your kind sort stuff come came
    back still probably actually okay good great people person something someone anything use used
    using first last new old big little long year years day days time times hear heard tell told
    look looking take took around always always right interview interviewer participant describe
    description whether whom"""
)
_ASSOCIATED = """
money cost price pay paid fee cheap expensive afford pound dollar euro bill budget spend spent
salary wage income rent debt earn saving;
wait delay queue slow quick fast hour minute week month deadline late early appointment;
trust honest believe doubt sceptical lie reliable faith confident secret privacy;
family mother father mom dad mum brother sister parent son daughter grandmother grandfather aunt
uncle cousin husband wife child children kid grandparent nephew niece;
school teacher student class college university learn study grade education lesson exam homework
graduate teach taught;
work job boss office colleague employ employer career shift manager company hire hired business
fired staff;
home house neighbourhood neighborhood street flat apartment town city area village neighbour
neighbor live lived move moved block county;
health doctor nurse hospital sick ill pain medicine patient clinic surgery disease gp;
worry afraid fear scared anxious stress nervous panic frightened;
annoy frustrate angry hate awful terrible upset complain dread difficult hard struggle problem
barrier trouble;
enjoy happy love glad proud fun pleased like nice favourite favorite;
travel bus train car drive drove bike cycle walk commute road traffic park parking station
transport;
phone app website online computer internet digital screen software email text message;
friend social alone lonely together neighbour community club meet church;
food eat ate cook meal dinner lunch breakfast restaurant kitchen shop grocery;
help support advice assist care volunteer;
change different switch stop stopped start started quit replace instead;
choose choice decide decision option prefer pick compare;
danger dangerous crime violence police safe safety fight shot gun killed kill steal;
sport football basketball game play team baseball coach swim;
child childhood young grow grew born kid youth;
energy heat heating electricity gas power solar boiler pump insulation warm cold;
speak talk language accent word conversation dialect;
music song sing band dance guitar
"""
VAGUE = parse_word_set(
    "live area chang talk feel find felt found part place run need start stop keep turn everi end"
    " close open call point set side differ move rememb custom shop"
)
"""Stems too common in talk to settle by themselves what a sentence is about."""


def split_words(text: str) -> list[str]:
    """Split a text into lower-case words."""
    return [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]


def is_number_word(word: str) -> bool:
    """Return whether a word is a number, in digits or spelled out in English."""
    return word[:1].isdigit() or word.lower() in _NUMBERS


def is_negation_word(word: str) -> bool:
    """Return whether an English word is a negation, such as "never" or "didn't"."""
    plain = word.lower().replace("\u2019", "'")
    return plain in _NEGATIONS or plain.endswith("n't")


@lru_cache(maxsize=50_000)
def stem_english_word(word: str) -> str:
    """Return an English word without a common ending, such as -s or -ing.

    Cruder than Porter's stemmer on purpose: it only has to bring "waited", "waiting" and "waits"
    together; that it sometimes joins strangers costs the demo nothing.
    """
    plain = word.removesuffix("'s").removesuffix("s'")
    for ending, least in _ENDINGS:
        if plain.endswith(ending) and len(plain) - len(ending) >= least:
            plain = plain.removesuffix(ending)
            break
    if len(plain) > _SHORTEST_TERM and plain[-1] == plain[-2] and plain[-1] not in "aeiousl":
        plain = plain[:-1]
    return plain[:-1] + "i" if plain.endswith("y") else plain.removesuffix("e")


_ENDINGS = (
    *(("ations", 4), ("ation", 4), ("ments", 4), ("ment", 4), ("ness", 4), ("ingly", 4)),
    *(("ings", 3), ("ing", 3), ("edly", 4), ("ies", 3), ("ied", 3), ("ers", 4), ("er", 4)),
    *(("ed", 3), ("ly", 4), ("es", 4), ("s", 3)),
)


def extract_terms(text: str) -> frozenset[str]:
    """Return the stems of a text's content words, and the topics that they belong to.

    Subjects begin with ``~``. They let "sixty pounds a month" meet a theme called "Cost".
    """
    stems = _stems(split_words(text))
    subjects = (f"~{subject}" for one in stems for subject in _SUBJECTS.get(one, ()))
    money = ("~0",) if re.search(r"[£$€]", text) else ()
    return frozenset((*stems, *subjects, *money))


def _stems(some: Iterable[str]) -> set[str]:
    return {
        stem_english_word(word)
        for word in some
        if len(word) >= _SHORTEST_TERM and word not in _STOP_WORDS and not is_negation_word(word)
    }


def _subjects() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number, group in enumerate(_ASSOCIATED.split(";")):
        for one in sorted({stem_english_word(word) for word in group.split()}):
            found[one] = (*found.get(one, ()), number)
    return found


_SUBJECTS = _subjects()
