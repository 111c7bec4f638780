"""Words by which a text addresses its reader, person or model."""

from __future__ import annotations

from typing import Final

from grounding.text.words import parse_word_list

OPENERS: Final = parse_word_list(
    """please kindly now then next so and also but just first firstly secondly finally
    lastly ok okay hey hi hello dear well oh yeah yes no again always never simply only instead
    immediately carefully furthermore additionally moreover however therefore or"""
)
"""Words that may stand before an order without being part of it."""

ELLIPTIC: Final = parse_word_list(
    """come become think thank guess mean seem feel depend believe suppose remember hear let go went
    got get see say know want need love like look listen bless forgive excuse imagine wish hope bet
    care tend happen have be learn grow live die meet wait hang figure talk"""
)
"""Verbs with which people also begin sentences they have dropped the subject of."""

OBJECTS: Final = parse_word_list(
    """a an the this that these those me us my our your his her its their it them every each all
    any some no one two three four five ten what which how why whether where who when either both
    yourself another several"""
)
"""Words that show an ambiguous word before them to be a verb."""

FINITE: Final = parse_word_list(
    """is are was were has have had do does did will would can could should shall may might must
    am isn't aren't wasn't weren't hasn't haven't hadn't don't doesn't didn't won't wouldn't can't
    couldn't shouldn't cannot it's that's there's he's she's i'm we're they're you're i'll we'll
    they'll he'll she'll i've we've they've i'd we'd they'd got came went said saw knew took made
    gave thought told became ran felt left kept began brought held wrote sat heard let met paid
    grew lost fell sent built spent cut understood drew broke"""
)
"""Words that make a sentence a statement, whatever it begins with."""

ELLIPTIC_ORDERS: Final = {
    "remember": {"to"},
    "say": {"that", "the", "hello", "yes", "no", "nothing", "something"},
    "let": set[str](),
}
"""What shows some of them to be orders; "me", "us" and "your" show the others."""

PLAIN_OBJECTS: Final = OBJECTS - parse_word_list(
    "what which how whether where who when one two three four five ten"
)
"""Those of the words after a verb that hardly follow a name."""

ASKING: Final = parse_word_list("who whom whose what which when where why how")
"""Words with which a question begins."""

INVERTED: Final = parse_word_list(
    """is are was were do does did can could will would should shall may might must has have had
    am isn't aren't don't doesn't didn't can't couldn't won't wouldn't"""
)
"""Verbs that stand before their subject in a question."""

REPORTING: Final = parse_word_list(
    """says said tells told mentions mentioned explains explained states stated adds added answers
    answered replies replied responds responded reports reported notes noted describes described
    quotes quoted reads shouts shouted jokes joked claims claimed insists insisted say tell mention
    explain add shout insist"""
)
"""Verbs that put what follows in somebody's mouth."""

REQUESTING: Final = parse_word_list(
    """asks asked requests requested orders ordered demands demanded instructs instructed urges
    urged begs begged wants wanted invites invited wonders wondered suggests suggested recommends
    recommended proposes proposed dictates dictated advises advised encourages encouraged reminds
    reminded ask beg wonder suggest recommend propose urge"""
)
"""Verbs that make what follows somebody's wish or question."""

PERSONS: Final = parse_word_list(
    """he she they i we somebody someone people everyone everybody participant participants
    interviewee interviewees interviewer respondent respondents speaker speakers customer customers
    person host guest caller patient woman man colleague friend sister brother mother father"""
)
"""Who can say or want something in an interview."""

POSSESSORS: Final = parse_word_list("my his her their our one")
"""Words that make the noun after them somebody's: "her sister"."""

BETWEEN: Final = parse_word_list(
    """was were is are has had have been also then just even jokingly later again once would will
    did do does always often actually really first finally repeatedly"""
)
"""Words between who speaks and the verb that says so."""

MACHINERY: Final = parse_word_list(
    """system assistant instruction instructions prompt model ai chatbot bot note notes message
    output input response answer reply task user human developer tool function important warning
    reminder attention update this"""
)
"""Nouns that are nobody who speaks in an interview: what they "say" is not reported."""

RARELY: Final = parse_word_list(
    """people man word march cause right even except
    recess well fine back down up out over under like near better
    right still even dead plus minus worth may might must can will shall need dare used god mom
    dad school home year years time people's while round
    barb bob buddy candy dolly don harry jack jimmy josh ken mike nick rob sue"""
)
"""Words that are hardly ever the verb that the lexicon says they may be."""

GIVEN_NAMES: Final = parse_word_list(
    """bill buck bud carol chase chip chuck dawn dean dot drew frank ginger grace grant guy hope
    lance mark pat pearl peg peter pierce ray rich rod sally skip spike stew wade ward will"""
)
"""People's names that are verbs too, and more often than those that are ``RARELY`` verbs."""

SUBORDINATING: Final = parse_word_list(
    """that which who whom whose what if when because where as how and or so unless until before
    after while since whether but than"""
)
"""Words behind which a verb may be another clause's."""
