"""Words that answer one question each (how many? how sure? when?), grouped by their answer."""

from __future__ import annotations

from typing import Final

from grounding.text.words import parse_word_list


def _index_by_word(**groups: str) -> dict[str, str]:
    """Return each word of each group with the name of its group."""
    return {word: name for name, words in groups.items() for word in parse_word_list(words)}


QUANTIFIERS: Final = _index_by_word(
    all="""all every everyone everybody everything everywhere always each entire entirely whole
    wholly completely totally constantly universally""",
    only="only solely exclusively",
    most="most mostly majority usually generally largely mainly primarily typically",
    many="many much lots lot often frequently numerous plenty countless",
    some="some someone somebody something somewhere sometimes several occasionally partly various",
    few="few rarely seldom hardly barely scarcely",
    none="no none nobody nothing never neither",
)
"""How many, how much, how often."""

MODALS: Final = _index_by_word(
    certain="definitely certainly surely undoubtedly guaranteed",
    willing="will must gonna",
    possible="might may could maybe perhaps possibly probably potentially",
    conditional="would should",
)
"""How sure, how binding."""

RELATIONS: Final = _index_by_word(
    mother="mother mothers mom mum mommy mummy moms mama ma",
    father="father fathers dad daddy dads papa pa",
    parent="parent parents folks",
    brother="brother brothers bro",
    sister="sister sisters sis",
    son="son sons",
    daughter="daughter daughters",
    child="child children kid kids baby babies toddler",
    wife="wife wives",
    husband="husband husbands hubby",
    spouse="spouse spouses",
    girlfriend="girlfriend girlfriends",
    boyfriend="boyfriend boyfriends",
    grandmother="grandmother grandma granny nana",
    grandfather="grandfather grandpa granddad",
    uncle="uncle uncles",
    aunt="aunt aunts auntie",
    cousin="cousin cousins",
    niece="niece nieces",
    nephew="nephew nephews",
    colleague="colleague colleagues coworker coworkers workmate workmates",
    boss="boss bosses supervisor supervisors",
    landlord="landlord landlords landlady",
    neighbour="neighbor neighbors neighbour neighbours",
    roommate="""roommate roommates flatmate flatmates housemate housemates roomie roomies""",
    teacher="teacher teachers professor professors prof tutor tutors",
    doctor="doctor doctors dr physician physicians gp",
    nurse="nurse nurses",
    lawyer="lawyer lawyers attorney attorneys solicitor",
)
"""Who somebody is to somebody."""

SEXES: Final = _index_by_word(
    man="man men male males", woman="woman women lady ladies female females"
)
"""Whether somebody is a man or a woman, where it is said by a noun."""

TIMES_OF_DAY: Final = _index_by_word(
    morning="morning mornings",
    noon="noon midday lunchtime",
    afternoon="afternoon afternoons",
    evening="evening evenings tonight",
    night="night nights midnight overnight",
)
DAYS: Final = _index_by_word(
    monday="monday mondays",
    tuesday="tuesday tuesdays tue tues",
    wednesday="wednesday wednesdays wed",
    thursday="thursday thursdays thu thurs",
    friday="friday fridays fri",
    saturday="saturday saturdays",
    sunday="sunday sundays",
    weekend="weekend weekends",
    weekday="weekday weekdays",
    yesterday="yesterday",
    today="today",
    tomorrow="tomorrow",
)
MONTHS: Final = _index_by_word(
    january="january jan",
    february="february feb",
    march="march",
    april="april",
    june="june",
    july="july",
    august="august",
    september="september",
    october="october oct",
    november="november nov",
    december="december dec",
)
SEASONS: Final = _index_by_word(
    spring="spring",
    summer="summer summers summertime",
    autumn="autumn fall",
    winter="winter winters wintertime",
)
SPANS: Final = _index_by_word(
    minute="minute minutes",
    hour="hour hours hourly",
    day="day days daily",
    week="week weeks weekly fortnight",
    month="month months monthly",
    quarter="quarterly",
    year="year years yearly annual annually",
    decade="decade decades",
    century="century centuries",
)
ORDERS: Final = _index_by_word(
    before="before beforehand previously formerly until till prior",
    after="after afterwards afterward since following",
    during="during",
)
NEARNESS: Final = _index_by_word(
    last="last past previous", next="next upcoming coming", this="this"
)
PACE: Final = _index_by_word(
    early="early earlier", late="late later", soon="soon", ago="ago", now="now"
)
"""When, how long, in which order: each a question of its own."""

MAY_BECOME: Final[dict[str, frozenset[str]]] = {
    "willing": frozenset({"conditional", "willing"}),
    "conditional": frozenset({"conditional", "possible"}),
    "possible": frozenset({"possible", "conditional"}),
}
"""How a modal may change when speech is reported: "I will" becomes "she said she would"."""
