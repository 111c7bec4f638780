"""What is retold in other words is proven by a rule, and its false twin by none."""

from __future__ import annotations

import pytest

from contracts.notes import Standing
from unit.grounding.talks import ASKS, determine, make_talk

SHOWN = {Standing.VERBATIM, Standing.PROVEN}

SHIFTED = [
    (
        "I work at the bank in town.",
        "Ann said that she worked at the bank in town.",
        "Ann said that she used to work at the bank in town.",
    ),
    (
        "We need more people on the team.",
        "Ann explained that they needed more people on the team.",
        "Ann explained that they had more people on the team.",
    ),
    (
        "I'm the oldest girl of the house.",
        "Ann said that she was the oldest girl of the house.",
        "Ann said that she would be the oldest girl of the house.",
    ),
    (
        "My wife thinks it's my old glasses.",
        "Ann said that her wife thought it was her old glasses.",
        "Ann said that it was her old glasses.",
    ),
    (
        "We've got no money left in the budget.",
        "Ann noted that they had no money left in the budget.",
        "Ann noted that they had money left in the budget.",
    ),
    (
        "I have to sign every letter twice.",
        "Ann said that she had to sign every letter twice.",
        "Ann said that she signed every letter twice.",
    ),
    (
        "I will close the shop in May.",
        "Ann said that she would close the shop in May.",
        "Ann said that she closed the shop in May.",
    ),
    (
        "I know the clients well.",
        "Ann said that she knew the clients well.",
        "Ann said that the clients knew her well.",
    ),
    (
        "I run a small ferry across the lake.",
        "Ann runs a small ferry across the lake.",
        "Ann ran a small ferry across the lake.",
    ),
]
"""What is said, how a true statement reports it, and how a false one does."""

REORDERED = [
    (
        "We didn't have electricity until 1954.",
        "Until 1954 they didn't have electricity.",
        "Until 1954 they had electricity.",
    ),
    (
        "In March I asked for a raise.",
        "Ann asked for a raise in March.",
        "Ann got a raise in March.",
    ),
    (
        "If they had offered me the job, I would have stayed.",
        "Ann would have stayed if they had offered her the job.",
        "Ann stayed after they had offered her the job.",
    ),
    (
        "I spoke to them last week.",
        "Last week Ann talked to them.",
        "Last week they talked to Ann.",
    ),
    (
        "The captain hated me at first.",
        "At first the captain hated Ann.",
        "At first Ann hated the captain.",
    ),
    (
        "I left the house before the guests arrived.",
        "Before the guests arrived, Ann left the house.",
        "Before Ann left the house, the guests arrived.",
    ),
    (
        "Because it rained, I took the bus home.",
        "Ann took the bus home because it rained.",
        "It rained because Ann took the bus home.",
    ),
    (
        "When the app crashes, I call support.",
        "Ann calls support when the app crashes.",
        "The app crashes when Ann calls support.",
    ),
]

JOINED = [
    (
        "The people are great, and I learned a lot from the nurses.",
        "Ann learned a lot from the nurses.",
        "The people learned a lot from the nurses.",
    ),
    (
        "I take a pill in the morning, and it helps a little.",
        "Ann takes a pill in the morning, which helps a little.",
        "Ann takes a pill in the morning, which helps a lot.",
    ),
    (
        "I asked for a raise, and I was told to wait.",
        "Ann asked for a raise and was told to wait.",
        "Ann asked for a raise and told them to wait.",
    ),
    (
        "I wake up around four every night.",
        "Ann wakes up at about four every night.",
        "Ann wakes up at four every night.",
    ),
    (
        "I called them twice and nobody helped me.",
        "Ann phoned them twice and no one helped her.",
        "Ann phoned them twice and someone helped her.",
    ),
    (
        "I learned to weld. If they had asked me, I would have stayed.",
        "Ann learned to weld.",
        "Ann stayed.",
    ),
]


@pytest.mark.parametrize(("said", "true", "false"), [*SHIFTED, *REORDERED, *JOINED])
def test_a_true_retelling_is_proven_and_its_false_twin_is_not(
    said: str, true: str, false: str
) -> None:
    talk = make_talk(f"{ASKS}: Go on.\nAnn: {said}")

    assert determine(talk, true).standing in SHOWN
    assert determine(talk, false).standing is Standing.UNPROVEN


NOT_READ = [
    # What "because" denies depends on its place.
    ("I didn't leave because it rained.", "Because it rained, Ann didn't leave."),
    ("I only drink coffee at work.", "At work Ann only drinks coffee."),
    # A dependent clause left out takes more with it than its words.
    ("The boss who hired me left, and if I had known I would have gone.", "Ann would have gone."),
    ("My boss said the shop was sold, and I lost the job.", "Ann lost the job."),
    # The condition in the next sentence is the claim's own.
    ("I eat meat every day. If my mother cooks, I do.", "Ann eats meat every day."),
    ("I eat meat every day. When my mother cooks it, that is.", "Ann eats meat every day."),
    ("The shop loses money. My boss says that, at least.", "The shop loses money."),
    ("I take a pill in the morning. It helps a little.", "Ann takes a pill, which helps a little."),
    # A statement in the past that nobody reports has a tense of its own.
    ("I smoke two packs daily.", "Ann smoked two packs daily."),
    ("I put the keys under the mat.", "Ann puts the keys under the mat."),
    # Verbs of one report are shifted together.
    ("We talk where we still meet.", "Ann said that they talked where they still meet."),
    ("I pay because I know them.", "Ann said that she paid because she knows them."),
    ("I pay because people need it.", "Ann said that she paid because people need it."),
    # A verb of saying that says how it was said is not said.
    ("I have a record on the way.", "Ann complained that she has a record on the way."),
    ("I have a record on the way.", "Ann admitted that she has a record on the way."),
]


@pytest.mark.parametrize(("said", "statement"), NOT_READ)
def test_what_the_rules_do_not_understand_stays_unproven(said: str, statement: str) -> None:
    found = determine(make_talk(f"{ASKS}: Go on.\nAnn: {said}"), statement)

    assert found.standing is Standing.UNPROVEN


ANSWERED = [
    ("Do you smoke cigars?", "No.", "Ann does not smoke cigars.", "Ann smokes cigars."),
    ("Do you smoke cigars?", "Yes, I do.", "Ann smokes cigars.", "Ann does not smoke cigars."),
    (
        "Do you smoke cigars?",
        "No, I quit in 2011.",
        "Ann doesn't smoke cigars; she quit in 2011.",
        "Ann quit cigars.",
    ),
    (
        "Would you recommend the clinic to a friend?",
        "Yes, I would.",
        "Ann would recommend the clinic to a friend.",
        "Ann recommended the clinic to a friend.",
    ),
    (
        "Did you buy the house in the end?",
        "Yeah.",
        "Ann bought the house in the end.",
        "Ann sold the house in the end.",
    ),
    (
        "How long have you had the pain?",
        "About three weeks.",
        "Ann has had the pain for about three weeks.",
        "Ann has had the pain for three weeks.",
    ),
    ("When did you leave the navy?", "In 1987.", "Ann left the navy in 1987.", "Ann left in 1978."),
]


@pytest.mark.parametrize(("question", "answer", "true", "false"), ANSWERED)
def test_an_answer_is_read_with_its_question(
    question: str, answer: str, true: str, false: str
) -> None:
    talk = make_talk(f"{ASKS}: {question}\nAnn: {answer}")
    found = determine(talk, true)

    assert found.standing is Standing.PROVEN
    assert "question and answer" in found.vouchers[0].detail
    assert determine(talk, false).standing is Standing.UNPROVEN


NOT_ANSWERED = [
    ("Do you smoke cigars?", "Yes, sometimes."),
    ("Do you smoke cigars?", "Yeah, right."),
    ("Do you smoke cigars?", "Yes. But only on Sundays."),
    ("Do you smoke cigars?", "Yes, I used to."),
    ("Do you smoke cigars?", "Yes, if somebody offers one."),
    ("Do you smoke cigars?", "My wife does."),
    ("Do you smoke cigars?", "No, yes, well."),
    ("Do you smoke cigars or do you chew?", "Yes."),
    ("Do you ever smoke cigars?", "Hm."),
    ("Don't you smoke cigars?", "Yes."),
    ("Does your brother smoke cigars?", "Yes."),
    ("Do you smoke cigars? Do you drink?", "Yes."),
    ("Do you smoke cigars?", "Yes. No, wait, I stopped."),
]


@pytest.mark.parametrize(("question", "answer"), NOT_ANSWERED)
def test_an_answer_with_a_limit_is_not_read_with_its_question(question: str, answer: str) -> None:
    talk = make_talk(f"{ASKS}: {question}\nAnn: {answer}")

    assert determine(talk, "Ann smokes cigars.").standing is Standing.UNPROVEN


def test_another_speakers_answer_is_not_the_first_ones() -> None:
    talk = make_talk(f"{ASKS}: Do you smoke cigars?\nBen: Yes, I do.\nAnn: I ride a bicycle.")

    assert determine(talk, "Ann smokes cigars.").standing is Standing.UNPROVEN


def test_a_form_of_address_before_a_name_needs_no_evidence() -> None:
    talk = make_talk(
        f"{ASKS}: Go on.\nBright: We've had eleven complaints since May.\nMr. Kaya: Hm."
    )

    said = "They've had eleven complaints since May, Councillor Bright said."
    assert determine(talk, said).standing in SHOWN
    assert determine(talk, said.replace("Councillor Bright", "Mrs. Kaya")).standing not in SHOWN
