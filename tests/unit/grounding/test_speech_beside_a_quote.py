"""What stands beside a quote, or follows it, leaves a claim as it is or limits it."""

from __future__ import annotations

import pytest

from contracts.notes import Standing
from unit.grounding.talks import ASKS, determine, make_talk

SHOWN = {Standing.VERBATIM, Standing.PROVEN}

FOLLOWING = [
    (
        "Ann: I moved to Leeds by train. In March I went to Hull.",
        "I moved to Leeds by train.",
        "Ann: I moved to Leeds by train. In March.",
    ),
    (
        "Ann: I bought the mill by the river. If you have time, you can see the wheel.",
        "Ann bought the mill by the river.",
        "Ann: I bought the mill by the river. If they let me.",
    ),
    (
        "Ann: We met the mayor in town. I don't like it.",
        "They met the mayor in town.",
        "Ann: We met the mayor in town. I don't think it was.",
    ),
    (
        "Ann: We met the mayor in town. That would be fun.",
        "They met the mayor in town.",
        "Ann: We met the mayor in town. That would be a lie.",
    ),
    (
        "Ann: We met the mayor in town. I was like, okay.",
        "They met the mayor in town.",
        "Ann: We met the mayor in town. I was like, not.",
    ),
    (
        "Ann: We met the mayor in town. So I went from",
        "They met the mayor in town.",
        "Ann: We met the mayor in town. So I heard.",
    ),
    (
        "Ann: We met the mayor in town. I think my sister wore red.",
        "They met the mayor in town.",
        "Ann: We met the mayor in town. I think.",
    ),
    (
        "Ann: We met the mayor in town. What colour do you like?",
        "They met the mayor in town.",
        "Ann: We met the mayor in town. Did we not?",
    ),
]
"""A talk, a true statement, and the talk with a sentence behind the quote that limits it."""

ANSWERED = [
    ("Ines: I didn't know that.\nAnn: So they paid us.", True),
    ("Ines: No, you didn't.\nAnn: My brother kept the hens.", True),
    ("Ines: No, you didn't.\nAnn: Oh, right.", False),
    ("Ines: No, you didn't.", False),
    ("Ben: No, you didn't.\nAnn: So they paid us.", False),
]
"""What follows "We sold the farm in May", and whether it still stands."""

BESIDE = [
    (
        "Ann: As a result, we sold the farm in May.",
        "They sold the farm in May.",
        "They sold the farm in all of May.",
    ),
    (
        "Ann: We sold the farm in May, and I guess we will rent a flat.",
        "They sold the farm in May.",
        "They will rent a flat.",
    ),
    (
        "Ann: We work hard, so that our son can study.",
        "Ann said that they work hard.",
        "Ann's son can study.",
    ),
    (
        "Ann: He came and he fixed the old gate.",
        "He came and fixed the old gate.",
        "She came and fixed the old gate.",
    ),
    (
        "Ann: I caught my son doing it a couple of times, and I told him to stop.",
        "Ann caught her son doing it a couple of times and told him to stop.",
        "Ann's son caught her doing it a couple of times and told her to stop.",
    ),
    (
        "Ann: And fifty percent of the users they do find it hard.",
        "Fifty percent of the users find it hard.",
        "The users find it hard.",
    ),
    (
        "Ann: There is a company in my riding that builds boats.\nBen: I see.",
        "There is a company in Ann's riding that builds boats.",
        "There is a company in Ben's riding that builds boats.",
    ),
    (
        "Ann: I did include a glo uh, a certain first pass.",
        "Ann did include a certain first pass.",
        "Ann did not include a certain first pass.",
    ),
    (
        "Ann: Others look at, for example, stress. We wrote down the words.",
        "They wrote down the words.",
        "They look at stress.",
    ),
]
"""A talk, a true statement, and a false one."""


@pytest.mark.parametrize(("talk", "statement", "limited"), FOLLOWING)
def test_a_sentence_behind_a_quote_limits_it_only_if_it_is_about_it(
    talk: str, statement: str, limited: str
) -> None:
    assert determine(make_talk(talk), statement).standing in SHOWN
    assert determine(make_talk(limited), statement).standing is Standing.UNPROVEN


@pytest.mark.parametrize(("answer", "stands"), ANSWERED)
def test_an_account_stands_unless_the_speaker_gives_in_to_who_asks(
    answer: str, *, stands: bool
) -> None:
    talk = make_talk(f"{ASKS}: What then?\nAnn: We sold the farm in May.\n{answer}")

    assert (determine(talk, "They sold the farm in May.").standing in SHOWN) is stands


@pytest.mark.parametrize(("talk", "true", "false"), BESIDE)
def test_words_beside_a_claim_may_be_left_out_if_they_change_nothing(
    talk: str, true: str, false: str
) -> None:
    assert determine(make_talk(talk), true).standing in SHOWN
    assert determine(make_talk(talk), false).standing not in SHOWN
