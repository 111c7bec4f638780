"""Pairs of words with opposite meanings, and prefixes that turn a word into its opposite."""

from __future__ import annotations

from typing import Final

from grounding.text.lemmas import get_lemma

_PAIRS: Final = """
able/unable above/below absent/present accept/reject,refuse,decline accurate/inaccurate
achieve/fail active/passive,inactive add/remove,subtract admit/deny adult/child
advantage/disadvantage,drawback advance/retreat afraid/brave agree/disagree,decline,refuse
alive/dead allow/forbid,prohibit,prevent,ban always/never amateur/professional
ancient/modern appear/disappear,vanish approve/disapprove,reject arrive/leave,depart
asleep/awake attack/defend attract/repel autumn/spring
bad/good,great,excellent,nice beautiful/ugly before/after begin/end,finish,stop
start/end,finish,stop,quit benefit/harm,drawback,disadvantage best/worst better/worse
big/small,little,tiny large/small,little,tiny huge/small,tiny bitter/sweet black/white
blame/praise bless/curse boring/interesting,exciting,fun borrow/lend bottom/top
bright/dark,dim,dull build/destroy,demolish busy/idle,free buy/sell
calm/nervous,anxious,upset careful/careless cause/prevent cheap/expensive,pricey,costly
clean/dirty,messy clear/unclear,vague clever/stupid smart/stupid,dumb close/far,open
closed/open cold/hot,warm cool/warm,hot comfortable/uncomfortable common/rare,unusual
complex/simple complicated/simple,easy condemn/praise,recommend,support
confident/insecure,nervous,unsure confirm/deny connect/disconnect,separate
content/unhappy,dissatisfied,frustrated continue/stop,end,quit correct/wrong,incorrect
create/destroy cruel/kind cry/laugh daily/monthly damage/repair danger/safety
dangerous/safe,harmless day/night deep/shallow defeat/victory delay/hasten
deliberate/accidental die/live difficult/easy,simple discourage/encourage
dislike/like,love,enjoy hate/like,love,enjoy distant/near,close domestic/foreign
downstairs/upstairs dry/wet dull/exciting,sharp early/late easy/hard,difficult,tough
effective/ineffective employ/dismiss employed/unemployed empty/full enable/disable,prevent
encourage/discourage enemy/friend enter/exit,leave even/odd evil/good exclude/include
expand/shrink,contract export/import fail/succeed,pass failure/success fair/unfair
fake/real,genuine false/true familiar/unfamiliar,strange famous/unknown,obscure
fast/slow quick/slow fat/thin father/mother favourite/despised female/male
few/many final/first,initial first/last fix/break float/sink follow/lead forget/remember
forgive/blame free/paid,expensive,busy frequent/rare,infrequent friendly/hostile,unfriendly
front/back,rear frustration/satisfaction,contentment,joy frustrated/satisfied,content,pleased
future/past gain/lose gentle/rough,harsh give/receive grateful/ungrateful
happy/sad,unhappy,upset,angry pleased/upset,annoyed,angry glad/sad,sorry harmful/harmless,helpful
heavy/light help/hinder,harm hide/reveal,show high/low higher/lower hire/fire
honest/dishonest hope/despair husband/wife illegal/legal import/export important/unimportant,trivial
improve/worsen,deteriorate increase/decrease,reduce,decline,drop raise/lower,reduce
rise/fall,drop grow/shrink,decline indoor/outdoor indoors/outdoors inferior/superior
innocent/guilty inside/outside interested/uninterested,bored internal/external
into/out join/leave,quit junior/senior keep/discard king/queen land/sea
late/early,punctual later/earlier latter/former lazy/hardworking,diligent left/right
less/more least/most fewer/more likely/unlikely logical/illogical long/short longer/shorter
loose/tight lose/win,find,gain loss/gain,profit,win loud/quiet,silent love/hatred
low/high lucky/unlucky major/minor man/woman boy/girl mandatory/optional,voluntary
married/single,divorced,unmarried maximum/minimum mature/immature meet/avoid
mild/severe,strong morning/evening,night move/stay narrow/wide,broad natural/artificial
near/far necessary/unnecessary negative/positive nervous/relaxed,calm new/old noisy/quiet
normal/abnormal,strange north/south northern/southern east/west eastern/western
obey/disobey obvious/hidden offline/online old/young,new older/younger,newer on/off
open/close,shut opponent/supporter optimistic/pessimistic order/chaos ordinary/extraordinary
outgoing/shy over/under part/whole partial/full,complete peace/war perfect/imperfect,flawed
permanent/temporary permit/forbid persuade/dissuade physical/mental pleasant/unpleasant
plus/minus polite/rude,impolite poor/rich,wealthy popular/unpopular possible/impossible
powerful/weak praise/criticise,criticize,vilify,condemn,blame precise/vague prefer/dislike
pretty/ugly private/public probable/improbable problem/solution profit/loss
promote/demote,oppose proud/ashamed pull/push punish/reward pure/impure
push/pull quiet/loud,noisy rainy/sunny,dry cloudy/sunny,clear rare/common,frequent
rarely/often,frequently seldom/often sometimes/never real/imaginary,fictional
reject/accept,approve relaxed/tense,stressed,anxious reliable/unreliable remain/leave
rent/own reveal/conceal,hide rich/poor rough/smooth,gentle rude/polite
rural/urban safe/unsafe,dangerous same/different,opposite satisfied/dissatisfied,unsatisfied
save/waste,spend,lose secure/insecure send/receive separate/together,unite serious/funny,trivial
shallow/deep sharp/blunt short/tall,long show/hide shut/open sick/healthy,well
similar/different simple/complicated,complex single/multiple,married
skilled/unskilled slow/fast,quick,rapid slowly/quickly,fast small/big,large,huge,enormous
smile/frown smooth/rough,bumpy soft/hard,loud solid/liquid sour/sweet spend/save,earn
stable/unstable start/stop,end,finish stay/leave,go stranger/friend strength/weakness
strict/lenient strong/weak stronger/weaker sunny/rainy,cloudy,overcast
support/oppose,reject sure/unsure,uncertain certain/uncertain,unsure tall/short
teach/learn teacher/student temporary/permanent thick/thin tight/loose tired/rested,energetic
together/apart,alone top/bottom total/partial tough/easy true/false trust/distrust,doubt
up/down upper/lower urban/rural useful/useless vacant/occupied valuable/worthless
victory/defeat violent/peaceful visible/invisible warm/cold,cool wasteful/efficient
weak/strong wealthy/poor wet/dry wide/narrow win/lose winter/summer with/without
worry/reassure worried/relieved,relaxed worse/better worst/best
worth/worthless young/old younger/older yes/no excited/bored,indifferent,disappointed
introduction/conclusion beginning/ending,end teenager/adult secluded/crowded exotic/common
serious/joking,humorous,lighthearted promote/discourage regular/irregular,occasional
crowded/empty,deserted optimist/pessimist majority/minority arrival/departure entrance/exit
parent/child employer/employee landlord/tenant ally/enemy hero/villain guest/host
approve/condemn welcome/refuse,reject attach/detach deposit/withdraw lend/borrow
encourage/deter,dissuade accelerate/slow expand/reduce enthusiastic/reluctant,indifferent
willing/unwilling,reluctant eager/reluctant
surprised/unsurprised disappointed/pleased,satisfied,happy angry/happy,calm
love/hate,dislike,despise enjoy/hate,dislike like/hate,dislike impressed/unimpressed,disappointed
approval/disapproval criticise/praise criticize/praise oppose/support,favour,favor
incorrectly/correctly wrongly/correctly,rightly positively/negatively quietly/loudly
publicly/privately directly/indirectly easily/hardly exactly/roughly,approximately
permanently/temporarily officially/unofficially voluntarily/forcibly
"""


def _index_opposites() -> dict[str, frozenset[str]]:
    """Return each word's lemma with the lemmas of its opposites, in both directions."""
    table: dict[str, set[str]] = {}
    for entry in _PAIRS.split():
        word, others = entry.split("/")
        for other in others.split(","):
            table.setdefault(get_lemma(word), set()).add(get_lemma(other))
            table.setdefault(get_lemma(other), set()).add(get_lemma(word))
    return {word: frozenset(others - {word}) for word, others in table.items()}


OPPOSITES: Final = _index_opposites()
_PREFIXES: Final = ("un", "in", "im", "ir", "il", "dis", "non", "mis")
_DEGREES: Final = ("er", "est")
_SHORTEST_BASE: Final = 4


def are_opposites(one: str, other: str) -> bool:
    """Return whether two words are opposites, by a list or by a prefix such as "un-"."""
    if other in OPPOSITES.get(one, ()):
        return True
    if any(
        mine in OPPOSITES.get(theirs, ())
        for mine in _list_bases(one)
        for theirs in _list_bases(other)
    ):
        return True
    return _is_negated_form(one, of=other) or _is_negated_form(other, of=one)


def _list_bases(word: str) -> tuple[str, ...]:
    """Return a word, and the adjective that it compares: "cheap" for "cheaper"."""
    compared = (word.removesuffix(ending) for ending in _DEGREES if word.endswith(ending))
    return word, *map(get_lemma, compared)


def _is_negated_form(word: str, *, of: str) -> bool:
    if len(of) < _SHORTEST_BASE:
        return False
    ending = word.endswith("less") and of.endswith("ful") and word[:-4] == of[:-3]
    return ending or any(word == prefix + of for prefix in _PREFIXES)
