"""Word lists by which a statement is proven: what may be left out of a quote, and what never may.

English only. A turn in another language is compared word for word, without them.
"""

from __future__ import annotations

from typing import Final

from grounding.text.words import parse_word_list


def _split_entries(text: str) -> list[str]:
    """Return the entries of a list that semicolons separate."""
    return text.split(";")


SAYS_NOTHING: Final = "~"
"""The token of phrases that carry nothing, such as "you know"."""

_PHRASES: Final = {
    SAYS_NOTHING: """you know; i mean; you know what i mean; you know what i am saying;
        know what i am saying; you know what i am talking about; if you know what i mean;
        if that makes sense; you see; let us see; how do you say; what do you call it; and stuff;
        and stuff like that; and all that; and all that stuff; and everything; and so on;
        and things like that; and all that sort of stuff; at the end of the day; of course;
        as i said; like i said; as i said before; as i said earlier; as i mentioned; as you know;
        as we know; believe me; trust me; needless to say; as a matter of fact; as well;
        by the way; for me personally; personally; to be honest;
        to be honest with you; to tell you the truth; in fact""",
    "for_example": "for example; for instance",
    "as_result": "as a result; as a consequence",
    "kind_of": "kind of; sort of",
    "or_something": """or something; or something like that; or so; or whatever; or anything;
        or anything like that; give or take; or things like that; or what""",
    "many": "a lot of; lots of; loads of; plenty of; a lot",
    "used_to": "used to",
    "at_least": "at least",
    "at_most": "at most; no more than",
    "up_to": "up to",
    "more_than": "more than",
    "less_than": "less than; fewer than",
    "no_longer": "no longer; not anymore; not any more",
    "not_only": "not only; not just",
    "going_to": "going to",
    "have_to": "have to; has to; have got to; has got to; got to",
    "had_to": "had to",
    "need_to": "need to; needs to",
    "needed_to": "needed to",
    "ask_for": "ask for; asks for",
    "asked_for": "asked for",
    "have": "have got",
    "has": "has got; 's got",
    "to": "in order to; so as to",
    "as_if": "as if; as though",
    "even_if": "even if",
    "was_like": "was like; were like; was all; were all",
    "is_like": "am like; is like; are like; be like; is all; are all",
    "a_little": "a little; a little bit",
    "a_few": "a few",
    "in_case": "in case",
    "so_that": "so that",
    "couple": "couple of",
    "each_other": "each other; one another",
    "no_one": "no one; no #1",
    "about": "at about",
    "around": "at around",
    "because": "because of",
}

PHRASES: Final[dict[tuple[str, ...], str]] = {
    tuple(phrase.split()): joined
    for joined, phrases in _PHRASES.items()
    for phrase in _split_entries(phrases)
}
"""Words that count as one, with the token that they become."""

HESITATIONS: Final = parse_word_list(
    """~ uh um er erm uhm ah eh hm hmm mm mhm mmm umm uhh huh oh yeah yep ok okay well like
    basically anyway anyways so and now"""
)
"""Words that may be left out wherever they stand, even in what is denied."""

FILLERS: Final = HESITATIONS | parse_word_list(
    """ooh wow yup yes actually honestly literally then alright hey gosh god obviously definitely
    really very quite just pretty also too there here but for_example"""
)
"""Words that may be left out unless a negation is near: "not really" is more than "not"."""

OPENERS: Final = HESITATIONS | parse_word_list(
    "yes but then no because actually right alright look also plus as_result"
)
"""Words with which a sentence may begin that is quoted without them."""

BACKCHANNELS: Final = parse_word_list("~ uh um oh well yeah mm mhm hmm ok okay")
"""Words before a correction: "Well, no"."""

ACKNOWLEDGMENTS: Final = BACKCHANNELS | parse_word_list(
    "yes yep yup right sure exactly alright cool nice great wow huh uhhuh okay good so i see"
)
"""Words of a turn that only shows that its speaker listens."""

ARTICLES: Final = parse_word_list("a an the that")
"""Words that a statement may add or leave out between words of the quote."""

NEGATIONS: Final = parse_word_list(
    """not never no none nobody no_one nothing neither nor nowhere without hardly barely scarcely
    rarely seldom few little no_longer refuse refused refuses lack lacks lacked fail failed fails
    stop stopped avoid avoided deny denied prevent except unless instead rather than unable
    impossible unlikely not_only"""
)
CONDITIONS: Final = parse_word_list(
    """if unless whether in_case even_if as_if when whenever until till once provided suppose
    supposing imagine pretend assuming otherwise wish hope hopefully would could should might
    may 'd"""
)
HEDGES: Final = parse_word_list(
    """maybe perhaps probably possibly apparently supposedly allegedly presumably likely kind_of
    or_something almost nearly roughly approximately about around guess think thought believe
    suppose assume seem seems seemed seemingly feel felt feels sound sounds looks might may could
    sure certain hopefully potentially partly somewhat fairly"""
)
REPORTS: Final = parse_word_list(
    """say says said saying tell tells told telling heard hear hears ask asks asked claim claims
    claimed read rumor rumour was_like is_like reckon argue argued mention mentioned according goes
    went wrote"""
)
QUANTIFIERS: Final = parse_word_list(
    """all every each both most many some any several few much more less only half none always
    usually sometimes often occasionally mostly mainly generally typically normally everyone
    everybody everything everywhere someone somebody something anyone anybody anything at_least
    at_most up_to more_than less_than couple whole entire enough even still yet already anymore
    again first last another other else a_little a_few"""
)
EXCEPTIONS: Final = parse_word_list(
    "except although though however apart besides yet while whereas despite"
)
MODALS: Final = parse_word_list(
    """used_to will going going_to had_to have_to must shall try tried trying want wanted wants
    plan planned planning need needed need_to needed_to hoping supposed"""
)

OPERATORS: Final = NEGATIONS | CONDITIONS | HEDGES | REPORTS | QUANTIFIERS | EXCEPTIONS | MODALS
"""Words that change what the words around them claim: never left out of a quote, never added."""

SUBORDINATING: Final = CONDITIONS | HEDGES | REPORTS | {"or", "not"}
"""Operators that reach over a whole clause that "and", "so" or "but" joins to theirs."""

TRAILING: Final = HEDGES | CONDITIONS | {"or", "except", "besides", "apart", "was_like", "is_like"}
"""Operators that, behind a clause, take back or limit it."""

SETTINGS: Final = parse_word_list(
    """if suppose supposing imagine pretend say said wish tell tells telling told story stories joke
    type example for_example was_like is_like idea plan dream dreamt dreamed"""
)
"""Words by which sentences before a passage may make it a supposition or somebody's words."""

LIMITING_STARTS: Final = parse_word_list(
    """except apart besides unless if when whenever until only or not no though although however on
    in at for probably maybe perhaps possibly hopefully supposedly apparently allegedly
    theoretically"""
)
"""First words of a later sentence that limits the one before it."""
RETRACTING: Final = parse_word_list(
    "back again anymore instead joke joking kidding ha haha sarcasm"
)
"""Words of a later clause that undoes the one before it."""
SOURCES: Final[frozenset[tuple[str, ...]]] = frozenset(
    {("that", "'s", "what"), ("that", "is", "what"), ("that", "'s", "how"), ("that", "is", "how")}
)
"""Beginnings of a later sentence that says whose words were those before it."""

UNIVERSALS: Final = parse_word_list(
    """all every each everyone everybody everything everywhere always never none nobody no_one
    nothing only most both any anyone anything whole entire"""
)
"""Words of a claim to which whatever is said further may be an exception."""
REACTIONS: Final = parse_word_list(
    """think thought know knew mean meant doubt doubted lie lied lying joke joked joking kid kidding
    remember forget forgot care believe guess mind wrong mistaken swear exaggerate exaggerated agree
    disagree invented dream dreamt dreamed dreaming imagine imagined pretend pretended movie film
    game novel wish hope hoped sorry corrected correct misspoke confused confuse bet suppose
    opposite idea clue sarcastic ironic true false right sure certain reconsidered changed undid
    cancelled     canceled serious checked asked proved proven showed tested measured"""
)
"""Words by which a clause may be about what was said, or make it fiction, rather than say more."""

QUANTITIES: Final = parse_word_list("half couple dozen dozens twice thrice hundreds thousands")
UNITS_OF_TIME: Final = parse_word_list(
    "second minute hour day week month year decade century mile kilometer kilometre couple dozen"
)

INVARIANT_VERBS: Final = parse_word_list(
    """put cut set hit quit let read hurt shut spread beat bet cost come burst cast split"""
)
"""Verbs whose past forms look like their base, so that an "s" may change the tense."""
AUXILIARIES: Final = parse_word_list(
    "am is are was were do does did have has had can could will would shall should may might must"
)
PARTICIPLES: Final = parse_word_list(
    "been got gotten had done gone become come made seen taken given"
)

CORRECTIONS: Final[frozenset[tuple[str, ...]]] = frozenset(
    tuple(one.split())
    for one in _split_entries(
        """no; nope; nah; wait; sorry; actually; scratch that; not; or rather; rather;
        i take that back; take that back; correction; just kidding; kidding; i am kidding;
        i am joking; joking; i was wrong; that is wrong; that 's wrong; that is not; that 's not;
        hold on; hang on; let me rephrase; my mistake; my bad; or maybe; or actually; maybe not;
        yeah right; i do not think; are you sure; it is not; it 's not; it was not; they did not;
        he did not; she did not; you did not; i did not; i lied; psych; that is a joke;
        that 's a joke; as_if; but no; not_only"""
    )
)
"""Beginnings of a later sentence that take back what was said before it."""
MAX_CORRECTION: Final = max(map(len, CORRECTIONS))
"""Words of the longest such beginning."""

EVALUATIONS: Final = parse_word_list(
    """great wonderful fantastic brilliant lovely amazing awesome perfect excellent genius terrific
    fabulous love loved loves adore thrilled delighted fun hilarious nice best favorite favourite
    charming superb marvelous marvellous glad happy pleasure thrilling exciting excited enjoy
    enjoyed helpful fascinating impressive impressed"""
)
"""Words of praise, in which irony may lie."""
IRONY_CUES: Final = parse_word_list(
    "oh sure yeah right wow great thanks obviously clearly totally surely"
)

FIRST_PERSON: Final[dict[str, frozenset[str]]] = {
    "i": parse_word_list("he she they"),
    "me": parse_word_list("him her them"),
    "my": parse_word_list("his her their"),
    "mine": parse_word_list("his hers theirs"),
    "myself": parse_word_list("himself herself themselves themself"),
    "we": parse_word_list("they"),
    "us": parse_word_list("them"),
    "our": parse_word_list("their"),
    "ours": parse_word_list("theirs"),
    "ourselves": parse_word_list("themselves"),
}
"""The first person's pronouns, with those by which a note calls the same people."""

THIRD_PERSON: Final = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("they", "them", "their", "theirs", "themselves"), "they"),
}
"""The third person's pronouns, with whom they stand for."""

SUBJECTS: Final = parse_word_list(
    """i you he she it we they there that this these those who the a an my his her our their"""
)
"""Words with which a clause begins that has a subject of its own."""

PAST_FORMS: Final = parse_word_list(
    """became began bit broke brought built bought caught chose came dealt dug drew drank drove ate
    fell fed fought found flew forgave froze got gave went grew held kept knew laid led left lent
    lost made met paid rode rose ran saw sold sent shook shot showed sang sat slept spoke spent
    stood stole stuck swore swam took taught tore threw understood woke wore won wrote"""
)
"""Irregular past forms of verbs that report nothing."""

COPULAS: Final = parse_word_list("is are am was were has have does do 's")
ADVERBS_BEFORE_VERBS: Final = parse_word_list("never always still usually often sometimes")

_SYNONYMS: Final = tuple(
    parse_word_list(one)
    for one in _split_entries(
        """kids children; kid child; mom mother mum mama mommy; dad father daddy papa;
        everybody everyone; anybody anyone; somebody someone; nobody no_one; tv television;
        ok alright; maybe perhaps; because cause; big large; start begin; starts begins;
        started began; phone telephone; photo picture; grandma grandmother; grandpa grandfather;
        till until; car automobile; movie film; buy purchase; bought purchased; huge enormous;
        usually normally; is are am 's; was were; has have; do does; us 's; would 'd; a an;
        toward towards; bike bicycle; doctor doc; fridge refrigerator; info information; mike mic;
        mikes mics; more_than over; less_than under; going_to will; need_to have_to;
        needed_to had_to; about around; approximately roughly; that which; that who; may might;
        commence begin start; commenced began started; call phone; called phoned; calls phones;
        speak talk; spoke talked; speaks talks; speaking talking; entire whole;
        afraid scared frightened; glad happy pleased; ill sick; rapidly quickly; difficult hard;
        simple easy; wealthy rich; clever smart; odd strange weird; incorrect wrong;
        sufficient enough; frequently often; occasionally sometimes; nearly almost;
        immediately instantly; company firm; flat apartment; holiday vacation; shop store;
        shops stores; college university; photos pictures photographs; photo photograph;
        help assist; helps assists; helped assisted; need require; needs requires;
        needed required; choose pick; chose picked; repair fix; repaired fixed; repairs fixes;
        finish complete; finished completed; reply answer; replied answered; closed shut;
        constructed built; reside live; resides lives; resided lived; discovered found;
        attempt try; attempted tried; allow let permit; allows lets permits; allowed permitted;
        seem appear; seems appears; seemed appeared; occur happen; occurs happens;
        occurred happened; recall remember; recalled remembered; recalls remembers; hired employed;
        physician doctor; lawyer attorney; trash garbage rubbish; mistake error; mistakes errors;
        colleague coworker; colleagues coworkers; client customer; clients customers;
        app application; obtain get; obtained got"""
    )
)
SYNONYM_GROUPS: Final[dict[str, frozenset[int]]] = {
    word: frozenset(number for number, group in enumerate(_SYNONYMS) if word in group)
    for group in _SYNONYMS
    for word in group
}
"""Words that may stand for each other in any sentence: for each, the numbers of its groups."""
