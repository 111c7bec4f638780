"""Reduce all forms of an English word to one: "paid" and "paying" to "pay"."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from grounding.text.words import stem_word

# The verbs (and a few nouns and adjectives) whose forms no ending explains: base first.
_IRREGULAR: Final = """
arise arose arisen; become became; begin began begun; bite bit bitten; blow blew blown;
break broke broken; bring brought; build built; burn burnt; buy bought; catch caught;
choose chose chosen; come came; cut cutting; deal dealt; dig dug; draw drew drawn;
dream dreamt; drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen; feed fed;
feel felt; fight fought; find found; fly flew flown flies; forget forgot forgotten;
forgive forgave forgiven; freeze froze frozen; get got gotten getting; give gave given;
go went gone goes; grow grew grown; hang hung; hear heard; hide hid hidden; hold held;
hurt hurting; keep kept; know knew known; lay laid; lead led; learn learnt; leave left leaving;
lend lent; lie lying lied; light lit; lose lost losing; make made making; mean meant; meet met;
pay paid; prove proven; ride rode ridden; ring rang rung; rise rose risen; run ran running;
say said; see saw seen; seek sought; sell sold; send sent; set setting; shake shook shaken;
shine shone; shoot shot; show shown; shut shutting; sing sang sung; sink sank sunk; sit sat;
sleep slept; slide slid; speak spoke spoken; spend spent; stand stood; steal stole stolen;
stick stuck; strike struck; swear swore sworn; sweep swept; swim swam swum; swing swung;
take took taken taking; teach taught; tear tore torn; tell told; think thought; throw threw thrown;
understand understood; wake woke woken; wear wore worn; win won; wind wound;
withdraw withdrew withdrawn; write wrote written writing; man men; woman women; child children;
person people; foot feet; tooth teeth; mouse mice; wife wives; life lives; knife knives;
use used using; try tried tries; die died dying; good; bad; worse; better
"""


def _index_irregular_forms() -> dict[str, str]:
    """Return every irregular form with its base's stem."""
    entries = (entry.split() for entry in _IRREGULAR.replace("\n", " ").split(";"))
    return {form: stem_word(forms[0]) for forms in entries for form in forms}


_BASES: Final = _index_irregular_forms()


@lru_cache(maxsize=50_000)
def get_lemma(word: str) -> str:
    """Return a word's lemma (its dictionary form), for comparison with other words."""
    word = word.removesuffix("'s")
    return _BASES.get(word) or stem_word(word)
