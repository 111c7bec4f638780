"""The speaker's words with listed changes are proven; a false twin with the same is not."""

from __future__ import annotations

import pytest

from contracts.notes import Standing
from unit.grounding.talks import ASKS, determine, make_talk

SHOWN = {Standing.VERBATIM, Standing.PROVEN}

NAMES = [
    (
        "Hon. Maria Osei (Leader): We met in May.\nHon. Maria Osei: I opened the new harbor.",
        "Osei opened the new harbor.",
        "The Leader closed the new harbor.",
    ),
    (
        "Right Hon. Maria Osei: I opened the new harbor last week.\nJo Bell: I see.",
        "Maria Osei opened the new harbor last week.",
        "Jo Bell opened the new harbor last week.",
    ),
    (
        "Mr. Jean Roux: I wrote to the ministry twice.\nMs. Ida Stone: I see.",
        "Mr. Roux wrote to the ministry twice.",
        "Ms. Stone wrote to the ministry twice.",
    ),
    (
        "User Interface: I drew the buttons last week.\nIndustrial Designer: I built the case.",
        "The User Interface designer drew the buttons last week.",
        "The Industrial Designer drew the buttons last week.",
    ),
]
"""A talk, a true statement, and a false one."""

FRAMES = [
    ("Ann: I know we sold the farm in May.", "They sold the farm in May.", "They sold it in June."),
    (
        "Ann: The thing is that we sold the farm in May.",
        "They sold the farm in May.",
        "They bought the farm in May.",
    ),
    (
        "Ann: Mr. Chair, we sold the farm in May.",
        "They sold the farm in May.",
        "The Chair sold the farm in May.",
    ),
    (
        "Ann: Absolutely, we sold the farm in May.",
        "They sold the farm in May.",
        "They sold the farm in all of May.",
    ),
    (
        "Ann: As I said before, we sold the farm in May.",
        "They sold the farm in May.",
        "They sold the farm before May.",
    ),
    (
        "Ann: We sold the farm in May, I guess.",
        "Ann guesses they sold the farm in May.",
        "Ann sold the farm in May.",
    ),
    (
        "Ann: We sold the farm in May, I think.",
        "Ann thinks they sold the farm in May.",
        "They sold the farm in May.",
    ),
    (
        "Ann: I bought around forty hens, but I know that we sold the farm in May.",
        "They sold the farm in May.",
        "Ann bought forty hens.",
    ),
    (
        "Ann: I can't tell you how hard it was. I hated the school in Leeds.",
        "Ann hated the school in Leeds.",
        "Ann can tell how hard it was.",
    ),
    (
        "Ann: I hated the school in Leeds, man.",
        "Ann hated the school in Leeds.",
        "A man hated the school in Leeds.",
    ),
]

ADDITIONS = [
    (
        "Ann: I bought the mill in Leeds, which burned down later.",
        "Ann bought the mill in Leeds.",
        "The mill in Leeds burned Ann.",
    ),
    (
        "Ann: I met all the owners, including those in Leeds.",
        "Ann met all the owners.",
        "Ann met only those in Leeds.",
    ),
]

FORMS = [
    (
        "Ann: I also am selling the mill in Leeds.",
        "Ann is also selling the mill in Leeds.",
        "Ann is only selling the mill in Leeds.",
    ),
    (
        "Ann: I only have two days to finish the mill.",
        "Ann has only two days to finish the mill.",
        "Ann only has to finish the mill.",
    ),
    (
        "Ann: I worked at the cannery for nine years.",
        "Ann said that she had worked at the cannery for nine years.",
        "Ann said that she had to work at the cannery for nine years.",
    ),
    (
        "Ann: I went to the cannery in Leeds.",
        "Ann said that she had gone to the cannery in Leeds.",
        "Ann said that she had gone from the cannery in Leeds.",
    ),
    (
        "Ann: I called them a couple times in May.",
        "Ann called them a couple of times in May.",
        "Ann called them a few times in May.",
    ),
    (
        "Ann: We competing against people in Leeds.",
        "They're competing against people in Leeds.",
        "They were competing against people in Leeds.",
    ),
    (
        "Ann: I was tryna sell the mill in Leeds.",
        "Ann was trying to sell the mill in Leeds.",
        "Ann sold the mill in Leeds.",
    ),
    (
        "Ann: I tested the pump on Tuesday. It leaked.",
        "Ann tested the pump on Tuesday, and it leaked.",
        "Ann tested the pump on Tuesday because it leaked.",
    ),
    (
        "Ann: We raised it by $25per week in 10years.",
        "They raised it by $25 per week in 10 years.",
        "They raised it by $10 per week in 25 years.",
    ),
]

SURROUNDINGS = [
    (
        "Ann: We had a school before, the teachers have built a new one.",
        "The teachers have built a new one.",
        "The teachers had a school before.",
    ),
    (
        "Ann: That's one way of seeing it, plus we sold the farm in May.",
        "They sold the farm in May.",
        "They plan to sell the farm.",
    ),
    (
        "Ann: I need a deputy who speaks French. If the deputy starts, we can open in Lyon.",
        "Ann needs a deputy who speaks French.",
        "They can open the office.",
    ),
    (
        "Ann: I talked to the bank last week. They think the plan is too expensive.",
        "Ann talked to the bank last week.",
        "Ann thinks the plan is too expensive.",
    ),
    (
        "Ann: I sold the place to my cook. I didn't want to see it close.",
        "Ann sold the place to her cook.",
        "Ann wanted to see it close.",
    ),
]

LATER = [
    (
        "Ann: No. The rent of the mill is low.",
        "The rent of the mill is low.",
        "The rent of the mill is not low.",
    ),
    (
        "Ann: I got a job at the mill. And I was like, oh wow.",
        "Ann got a job at the mill.",
        "Ann was like a job.",
    ),
    (
        "Ann: We have trouble at the mill.\nBen: What's wrong with the mill?",
        "Ann said that they have trouble at the mill.",
        "Ben has trouble at the mill.",
    ),
    (
        "Ann: We closed the mill in May.\nBen: I haven't seen a rat in town.",
        "Ann said that they closed the mill in May.",
        "Ben has seen a rat in town.",
    ),
]

RESTARTS = [
    (
        "Ann: I think that this mill still makes- I think this mill still makes good flour.",
        "Ann thinks this mill still makes good flour.",
        "Ann thinks this mill still makes the flour.",
    ),
]

PERSONS = [
    (
        "Ann: Our plan was to help workers who have lost their jobs.",
        "Ann said that their plan was to help workers who have lost their jobs.",
        "Ann said that her plan was to help workers who have lost her jobs.",
    ),
    (
        "Ann: They want another hundred hours of talk.\nBen: I see.",
        "Ann: They want another hundred hours of talk.",
        "Ben: They want another hundred hours of talk.",
    ),
    (
        "Ann: I realized that I should not answer the letter.\nBen: I sent you another one.",
        "Ann realized that she should not answer the letter.",
        "Ben realized that he should not answer the letter.",
    ),
]


@pytest.mark.parametrize(
    ("talk", "true", "false"),
    [*NAMES, *FRAMES, *ADDITIONS, *SURROUNDINGS, *LATER, *FORMS, *RESTARTS, *PERSONS],
)
def test_a_true_statement_is_shown_and_its_false_twin_is_not(
    talk: str, true: str, false: str
) -> None:
    chunk = make_talk(f"{ASKS}: Go on.\n{talk}")

    assert determine(chunk, true).standing in SHOWN
    assert determine(chunk, false).standing not in SHOWN


UNPROVEN = [
    # Two people, whose labels differ in what stands in brackets.
    (
        "Ann (sales): I sold the mill in Leeds.\nAnn (legal): I see.\nAnn: Hm, well.",
        "Ann sold the mill in Leeds.",
    ),
    # A name of which two people have a part.
    (
        "Jo Maria Bell: I sold the mill in Leeds.\nEd Maria Bell: I see.",
        "Maria Bell sold the mill in Leeds.",
    ),
    ("Mrs. Jean Roux: I sold the mill in Leeds.\nMs. Ida Stone: Oh.", "Mr. Roux sold the mill."),
    # A frame that is no fact, or is limited itself.
    ("Ann: As far as I know we sold the farm in May.", "They sold the farm in May."),
    ("Ann: I don't know we sold the farm in May.", "They sold the farm in May."),
    ("Ann: If I know we sold the farm in May.", "They sold the farm in May."),
    ("Ann: Before I knew we sold the farm in May.", "They sold the farm in May."),
    ("Ann: The question is we sold the farm in May.", "They sold the farm in May."),
    ("Ann: Maybe the thing is we sold the farm in May.", "They sold the farm in May."),
    ("Ann: As he said before, we sold the farm in May.", "They sold the farm in May."),
    ("Ann: Absolutely not, we sold the farm in May.", "They sold the farm in May."),
    ("Ann: We sold the farm in May, Ben thinks.", "Ann thinks they sold the farm in May."),
    ("Ann: We sold the farm in May, I don't think.", "Ann thinks they sold the farm in May."),
    ("Ann: We sold the farm in May, I guess.", "Ann thinks they never sold the farm in May."),
    ("Ann: I maybe bought hens, but we sold the farm in May, I think.", "They sold the farm."),
    ("Ann: He can't tell you how bad it was. I hated the school in Leeds.", "Ann hated the school"),
    # What is added limits what is said.
    (
        "Ann: I bought the mill in Leeds, which I only plan to do.",
        "Ann bought the mill in Leeds.",
    ),
    ("Ann: I bought the mill in Leeds, which is not true.", "Ann bought the mill in Leeds."),
    ("Ann: I have a mill in Leeds, which I gave back.", "Ann has a mill in Leeds."),
    ("Ann: I met all the owners, including none in Leeds.", "Ann met all the owners."),
    ("Ann: I didn't meet the owners, including those in Leeds.", "Ann didn't meet the owners."),
    # What stands beside it governs it, or takes it back.
    ("Ann: I doubt he came and she left the house in May.", "She left the house in May."),
    ("Ann: I dreamed we flew, and we sold the farm in May.", "They sold the farm in May."),
    ("Ann: We thought so, the teachers have built a school.", "The teachers have built a school."),
    (
        "Ann: If we had asked, the teachers have built a school.",
        "The teachers have built a school.",
    ),
    ("Ann: I sold the place to my cook. I didn't want to.", "Ann sold the place to her cook."),
    ("Ann: I liked the place in May. I didn't like it at all.", "Ann liked the place in May."),
    ("Ann: I like the place in May. They think I like it.", "Ann likes the place in May."),
    (
        "Ann: We closed the mill in May.\nBen: I didn't close it.",
        "Ann said they closed the mill in May.",
    ),
    (
        "Ann: We closed the mill in May.\nBen: You didn't, in May.",
        "Ann said they closed the mill in May.",
    ),
    (
        "Ann: We closed the mill in May.\nBen: Wasn't it June?",
        "Ann said they closed the mill in May.",
    ),
    ("Ann: We closed the mill in May.\nBen: What? No.", "Ann said they closed the mill in May."),
    ("Ann: We closed the mill in May. And I was like, not.", "They closed the mill in May."),
    ("Ann: We closed the mill in May. I said that.", "They closed the mill in May."),
    ("Ann: He had a theory, the moon has made us ill.", "The moon has made them ill."),
    # Forms that say something else.
    ("Ann: I really don't like the mill in Leeds.", "Ann doesn't really like the mill in Leeds."),
    (
        "Ann: I work at the cannery in Leeds.",
        "Ann said that she had worked at the cannery in Leeds.",
    ),
    ("Ann: I worked at the cannery in Leeds.", "Ann had worked at the cannery in Leeds."),
    ("Ann: We went competing against people.", "They're competing against people."),
    ("Ann: The people competing against Leeds lost.", "The people are competing against Leeds."),
    # What was given up is not all said again.
    (
        "Ann: I think that this old mill never makes- I think this mill makes good flour.",
        "Ann thinks this mill makes good flour.",
    ),
    # Whose "their" it is stays open.
    (
        "Ann: Our plan was to help with their jobs.",
        "Ann said that their plan was to help with their jobs.",
    ),
    (
        "Ann: I told Carl that I should not answer.\nCarl: I see.",
        "Ann told Carl that he should not answer.",
    ),
]


@pytest.mark.parametrize(("talk", "statement"), UNPROVEN)
def test_what_changes_the_claim_leaves_it_unproven(talk: str, statement: str) -> None:
    chunk = make_talk(f"{ASKS}: Go on.\n{talk}")

    assert determine(chunk, statement).standing not in SHOWN


COUNTED = [
    ("How many children do you have?", "About six.", "Ann has about six children.", "six"),
    ("How often do you visit them?", "Twice a week.", "Ann visits them twice a week.", "three"),
]


@pytest.mark.parametrize(("question", "answer", "true", "other"), COUNTED)
def test_a_number_is_read_with_the_question_that_asks_for_it(
    question: str, answer: str, true: str, other: str
) -> None:
    chunk = make_talk(f"{ASKS}: {question}\nAnn: {answer}")

    assert determine(chunk, true).standing is Standing.PROVEN
    for false in (true.replace("about six", other), true.replace("twice", f"{other} times")):
        if false != true:
            assert determine(chunk, false).standing is Standing.UNPROVEN


@pytest.mark.parametrize("answer", ["Six or seven.", "Not six.", "Six, if you count mine."])
def test_a_number_with_a_limit_is_not_read_with_its_question(answer: str) -> None:
    chunk = make_talk(f"{ASKS}: How many children do you have?\nAnn: {answer}")

    assert determine(chunk, "Ann has six children.").standing is Standing.UNPROVEN
