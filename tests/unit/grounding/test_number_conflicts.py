"""A number refuses a note only where the evidence gives another one for the same thing."""

from __future__ import annotations

import pytest

from grounding import assess_note
from grounding.checks import DOUBT_NAMES
from unit.grounding.drafts import chunk, draft, failed, segment

VETO = "number_not_in_evidence"

CONTRADICTED = [
    ("They pay 60 dollars a month for the licence.", "We pay 40 dollars a month for the licence."),
    ("She ran the reading club for seventeen years.", "I ran the reading club for seven years."),
    ("He left the army when he was thirty.", "I was twenty when I left the army, so young."),
    ("The participant has two brothers and four sisters.", "I have four brothers and two sisters."),
    ("She tried to leave in about an hour and a half.", "I tried to leave in half an hour."),
    ("Their kitchen has six ovens and two fridges.", "The kitchen has nine ovens, two fridges."),
    ("He moved to the sixth floor last spring.", "I moved to the second floor last spring."),
    ("They charged her 300 euros for the repair.", "They charged me 300 dollars for the repair."),
    ("She strung 111 violins for the county in July.", "I strung 110 violins for the county."),
    ("Fifteen percent of the tenants complained.", "Eighty percent of the tenants complained."),
    ("A quarter of the pupils walk to school.", "Two thirds of the pupils walk to school."),
    ("The garden lies 9 miles from the station.", "The garden lies like 2 miles from the station."),
    (
        "The shop opened in 1975 on Elm Street.",
        "The shop opened in nineteen fifty-one on Elm Street.",
    ),
    ("Rents went from 1,200 to 900 in one year.", "Rents went from 900 to 1,200 in one year."),
]
NOT_REFUSED = [
    # Said otherwise.
    ("The shop opened in 1992.", "The shop opened in nineteen ninety-two."),
    ("The shop opened in 2005.", "The shop opened in two thousand and five, I think."),
    ("The shop opened in 2005.", "The shop opened in twenty oh-five."),
    ("He was born in 1962.", "I was born in '62."),
    ("He was born in '62.", "I was born in 1962."),
    ("They sold about 200 thousand tickets.", "We sold 200k tickets or so."),
    ("She waited half a year for the permit.", "I waited six months for the permit."),
    ("She bought a dozen chairs.", "I bought twelve chairs."),
    ("He stayed a couple of weeks.", "I stayed two weeks."),
    ("She paid almost 200 dollars.", "I paid $200 almost."),
    ("She paid almost 200 dollars.", "It was almost two hundred that I paid."),
    ("Seven people in ten liked it.", "70 percent of the people liked it."),
    ("The call was at half past nine.", "The call was at nine thirty."),
    ("The call was at 9:30.", "The call was at half past nine."),
    # Rounded, or on the right side of a bound.
    ("He earns roughly 2,000 a month.", "I earn 1,950 a month."),
    ("More than 40 neighbours signed.", "43 neighbours signed, in the end."),
    ("Nearly half of the tenants left.", "45 percent of the tenants left."),
    ("She has taught for over twenty years.", "I have taught for twenty-six years."),
    # Worked out.
    ("She lost only three of her thirty-two students.", "I started with 32 students, 29 stayed."),
    ("They spent 60 dollars on food and drinks.", "We spent 40 dollars on food, 20 on drinks."),
    ("Their rent rose by 300 euros.", "Rent was 900 euros and now it is 1,200 euros."),
    ("The licence costs 480 dollars a year.", "The licence costs 40 dollars a month."),
    ("Thirty percent of the tenants stayed.", "Seventy percent of the tenants left."),
    ("She was married for 25 years.", "I married at 18 and I left him when I was 43."),
    ("He worked there for eleven years.", "I started there in 1990 and worked until 2001."),
    # Counted.
    ("She has three children.", "I have two boys at school, and the baby."),
    ("He gave three reasons.", "It is dear, it is slow, and nobody answers the phone."),
    ("Two of the three ovens are broken.", "This oven works, those don't. Three ovens, and look."),
    ("One of her sons is an actor.", "My three sons do well. Tom is an actor."),
    ("The first was that it is simple.", "And the second thing is that it must be cheap."),
    # Names and places in an order.
    ("Speaker 2 agreed with PhD 1 about the cost.", "I agree about the cost, there are two ways."),
    ("They met in room 101.", "We met in the room on the left, at table 4."),
    # Denied or exchanged.
    ("She pays 40 dollars, not 60, for the licence.", "I pay 40 dollars for the licence."),
]


@pytest.mark.parametrize(("statement", "quote"), CONTRADICTED)
def test_refuses_a_number_that_the_evidence_contradicts(statement: str, quote: str) -> None:
    assert VETO in failed(assess_note(draft(statement), chunk(segment(1, quote))))


@pytest.mark.parametrize(("statement", "quote"), NOT_REFUSED)
def test_does_not_refuse_a_number_that_may_be_true(statement: str, quote: str) -> None:
    failures = failed(assess_note(draft(statement), chunk(segment(1, quote))))
    assert not [one for one in failures if one not in DOUBT_NAMES]
