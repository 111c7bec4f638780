"""Numbers agree whatever their wording, and only if they count the same."""

from __future__ import annotations

import pytest

from grounding import assess_note
from unit.grounding.drafts import chunk, draft, failed_beyond_form, segment

SUPPORTED = [
    ("We pay $40 a month", "We pay $40 a month"),
    ("They pay forty dollars a month", "We pay $40 a month"),
    ("They pay $40 per month", "We pay forty bucks a month"),
    ("It takes 2 hours", "It takes, like, an hour or two hours"),
    ("The one they chose was slow", "The one that we chose was slow"),
    ("They have two kids", "I got two kids, one boy and one girl"),
    ("It took two and a half years", "It took two and a half years"),
    ("It took 2.5 years", "It took two and a half years"),
    ("It took half an hour", "It took thirty minutes"),
    ("It took an hour and a half", "it took like ninety minutes"),
    ("It cost a hundred and fifty dollars", "it cost $150"),
    ("It cost $150", "it cost a hundred fifty bucks"),
    ("It cost $150", "it cost one fifty"),
    ("It cost $1.2 million", "one point two million dollars"),
    ("It cost $1.2 million", "it cost 1,200,000 dollars"),
    ("It cost 40k", "it was forty thousand"),
    ("in 1998", "in nineteen ninety-eight"),
    ("in 2005", "in two thousand and five"),
    ("in 2005", "in two thousand five"),
    ("in 1905", "in nineteen oh five"),
    ("in 2019", "in twenty nineteen"),
    ("at 3:30 pm", "at three thirty in the afternoon"),
    ("at 3:30 pm", "at 3:30"),
    ("at 3 pm", "at 3 p.m."),
    ("between one hundred and two hundred users", "between 100 and 200 users"),
    ("a dozen people", "twelve people"),
    ("half a dozen", "six"),
    ("a couple of times", "twice"),
    ("They came twice", "they came two times"),
    ("the 2nd floor", "the second floor"),
    ("February 18", "February 18th, 1982."),
    ("forty to sixty dollars", "forty, sixty dollars"),
    ("forty to fifty dollars", "forty fifty dollars"),
    ("50% of users", "half of the users"),
    ("two thirds", "two-thirds of them"),
    ("eight hours", "I worked eight. Eight, nine hours"),
    ("50 cents", "$0.50"),
    ("It costs forty dollars", "It costs, I don't know, forty dollars"),
    ("The participant has 4 siblings.", "I got four brothers and sisters"),
    ("Twenty-two of them", "twenty two of them"),
    ("24/7 support", "twenty four seven support"),
    ("a third of revenue", "one third of our revenue"),
    ("a third option", "the third option"),
    ("She waited a second", "I waited a second"),
    ("300 people", "three hundred people"),
    ("five grand", "five thousand dollars"),
    ("It's 20 bucks", "It's $20."),
    ("$20\u2013$30", "twenty to thirty dollars"),
    ("In the '90s", "in the nineties"),
    ("In the 1990s", "in the nineties"),
    ("in the 1990s", "in the 90s"),
    ("one hundred percent", "100%"),
    ("They have one problem", "they have a problem"),
]

UNSUPPORTED = [
    ("40 to 90 dollars", "It's like 40 to 60 dollars"),
    ("They pay 40 percent", "We pay $40 a month"),
    ("It takes 40 hours", "It takes 40 minutes"),
    ("They have one kid", "I got two kids"),
    ("It took two years", "It took two and a half years"),
    ("It took an hour", "it took two hours"),
    ("It cost $115", "it cost a hundred and fifty"),
    ("It cost 40k", "it was forty"),
    ("in 1998", "in nineteen ninety-nine"),
    ("at 3:30 pm", "at 3:30 a.m."),
    ("They came twice", "they came three times"),
    ("the 3rd floor", "the second floor"),
    ("two thirds", "three thirds of them"),
    ("3 offices and 5 clients", "5 offices and 3 clients"),
    ("fifty-five cents", "$0.50"),
    ("300 people", "a few hundred people"),
    ("in the 1980s", "in the 90s"),
]


@pytest.mark.parametrize(("statement", "quote"), SUPPORTED)
def test_accepts_a_number_in_other_words(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)))) == []


@pytest.mark.parametrize(("statement", "quote"), UNSUPPORTED)
def test_rejects_what_does_not_agree_in_numbers(statement: str, quote: str) -> None:
    failures = failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote))))
    assert {"number_not_in_evidence", "number_may_follow"} & {*failures}
