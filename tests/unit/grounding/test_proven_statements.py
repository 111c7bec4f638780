"""What is proven is what the speaker said, whole; whatever limits it leaves it unproven."""

from __future__ import annotations

import pytest

from contracts.notes import DraftEvidence, Standing
from unit.grounding.talks import ASKS, determine, make_talk

VERBATIM, PROVEN, UNPROVEN = Standing.VERBATIM, Standing.PROVEN, Standing.UNPROVEN


@pytest.mark.parametrize(
    ("said", "statement", "standing"),
    [
        ("I pay forty dollars a month.", "Ann pays 40 dollars a month.", VERBATIM),
        (
            "Um, I- I pay, like, a hefty fee every month.",
            "She pays a hefty fee every month.",
            VERBATIM,
        ),
        ("We moved to Leeds in May.", "According to Ann, they moved to Leeds in May.", VERBATIM),
        ("So, you know, my sister keeps bees.", "Ann said that her sister keeps bees.", VERBATIM),
        ("I don't own a car.", "The participant does not own a car.", VERBATIM),
        ("The kids, you know, walk to school.", "The children walk to school, she said.", PROVEN),
        (
            "I sold the van. And, well, I bought a bicycle.",
            "Ann sold the van, and she bought a bicycle.",
            PROVEN,
        ),
        (
            "My brother, by the way, runs the farm these days.",
            "Her brother runs the farm these days.",
            PROVEN,
        ),
        ("I think the fee is too high.", "Ann thinks the fee is too high.", VERBATIM),
        (
            "I guess, maybe, the fee is too high.",
            "Ann guesses maybe the fee is too high.",
            VERBATIM,
        ),
        ("The train was late and I missed the exam.", "The train was late.", VERBATIM),
        ("The train was late, and I missed the exam.", "The train was very late.", UNPROVEN),
        (
            "The train was late by an hour, and I missed the exam.",
            "The train was late by an hour.",
            VERBATIM,
        ),
    ],
)
def test_words_of_the_speaker_are_proven(said: str, statement: str, standing: Standing) -> None:
    found = determine(make_talk(f"{ASKS}: And then?\nAnn: {said}"), statement)

    assert found.standing is standing
    assert len(found.vouchers) == (standing is not UNPROVEN)


LIMITED = {
    "a condition before": (
        "If they lower the fee, I will stay with them.",
        "Ann will stay with them.",
    ),
    "a condition behind": ("I eat meat when my mother cooks.", "Ann eats meat."),
    "an exception": ("I like all the rooms except the kitchen.", "Ann likes all the rooms."),
    "an exception with but": ("I like the rooms, but not the kitchen.", "Ann likes the rooms."),
    "a hedge before": ("I think the roof leaks badly.", "The roof leaks badly, Ann said."),
    "a hedge inside": ("The roof probably leaks badly.", "The roof leaks badly."),
    "a hedge behind": ("The roof leaks badly, I guess.", "The roof leaks badly."),
    "vagueness behind": ("He earns forty thousand or something.", "He earns forty thousand."),
    "a negation": ("I don't really trust the bank.", "Ann really trusts the bank."),
    "a negation that is kept": ("I do not really trust the bank.", "Ann does not trust the bank."),
    "a hidden negation": ("I hardly trust the bank anymore.", "Ann trusts the bank anymore."),
    "no one": ("No one wants to do that job.", "One wants to do that job."),
    "a quantifier": ("Most of my friends rent a flat.", "Friends rent a flat."),
    "another quantifier": ("Some nurses leave the ward early.", "All nurses leave the ward early."),
    "a wish": ("I wish I owned a big boat.", "Ann owned a big boat."),
    "a plan": ("I want to open a small shop.", "Ann opened a small shop."),
    "somebody's words": ("My boss said the shop loses money.", "The shop loses money."),
    "somebody's voice": ("He was like, I own the whole street.", "Ann owns the whole street."),
    "an order": ("The dog chased the postman away.", "The postman chased the dog away."),
    "a tense": ("I used to smoke two packs daily.", "Ann smokes two packs daily."),
    "another tense": ("I play the violin at weddings.", "Ann played the violin at weddings."),
    "a number": ("I paid forty euros for lunch.", "Ann paid fourteen euros for lunch."),
    "an inexact number": ("I paid like forty euros for it.", "Ann paid forty euros for it."),
    "a bound": ("I paid almost forty euros for lunch.", "Ann paid forty euros for lunch."),
    "a plural": ("I invited a friend to dinner.", "Ann invited a friends to dinner."),
    "a restriction": ("I hate neighbours who smoke inside.", "Ann hates neighbours."),
    "an added word": ("I sold the house in June.", "Ann sold the family house in June."),
    "a cause": (
        "I sold the house. My mother was ill.",
        "Ann sold the house because her mother was ill.",
    ),
    "a question": ("Should I sell the house now?", "Ann should sell the house now."),
    "a supposition": (
        "Suppose the bank fails. The state pays everyone back.",
        "The state pays everyone back.",
    ),
    "an own correction": (
        "I paid forty euros for it. No, sorry, fifty.",
        "Ann paid forty euros for it.",
    ),
    "a later correction": (
        "The van is mine now. Wait, my brother has it.",
        "The van is Ann's now.",
    ),
    "irony": ("Oh great, I love the new form.", "Ann loves the new form."),
    "laughter": ("I love the new form (laughs).", "Ann loves the new form."),
    "another's pronoun": ("My sister says she owns the flat.", "Ann says she owns the flat."),
    "too little": ("I do it.", "Ann does it."),
}


@pytest.mark.parametrize("limit", LIMITED)
def test_what_limits_a_statement_leaves_it_unproven(limit: str) -> None:
    said, statement = LIMITED[limit]

    found = determine(make_talk(f"{ASKS}: And then?\nAnn: {said}"), statement)

    assert found.standing is UNPROVEN


ELSEWHERE = {
    "another speaker's words": (
        "Ann: The lift is broken again.\nBen: I walk up the stairs now.",
        "Ann walks up the stairs now.",
    ),
    "the interviewer's words": (
        "Ines: You pay too much for the room.\nAnn: Hm, okay.",
        "The participant pays too much for the room.",
    ),
    "a pronoun that may be either": (
        "Ann: I walk up the stairs now.\nBen: I take the lift every day.",
        "She walks up the stairs now.",
    ),
    "what another denies": (
        "Ann: The meeting is on the third of May.\nBen: It's not, it's on the fourth.",
        "Ann said the meeting is on the third of May.",
    ),
    "what another doubts": (
        "Ann: Lincoln is on the small bill.\nBen: I thought that was Washington.\nAnn: Oh yeah.",
        "Ann said that Lincoln is on the small bill.",
    ),
    "another number": (
        "Ann: We lost two boats last year.\nBen: Three, with the old one.",
        "Ann said they lost two boats last year.",
    ),
    "an own later turn": (
        "Ann: We lost two boats last year.\nBen: Mhm.\nAnn: Actually, that was the year before.",
        "Ann said they lost two boats last year.",
    ),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_what_others_say_counts(case: str) -> None:
    talk, statement = ELSEWHERE[case]

    assert determine(make_talk(talk), statement).standing is UNPROVEN


def test_acknowledgments_take_nothing_back() -> None:
    talk = make_talk("Ann: We lost two boats last year.\nBen: Oh, right.\nAnn: And then the shed.")

    assert determine(talk, "Ann said they lost two boats last year.").standing is VERBATIM


def test_the_quote_alone_is_not_enough_if_its_sentence_limits_it() -> None:
    talk = make_talk("Ann: If they lower the fee, I will stay with them.")
    cited = DraftEvidence(segment=1, first_words="I will", last_words="with them")

    assert determine(talk, "I will stay with them.", cited).standing is UNPROVEN


def test_words_that_are_not_cited_prove_nothing() -> None:
    talk = make_talk("Ann: I sold the van. I bought a red bicycle.")
    cited = DraftEvidence(segment=1, first_words="I sold", last_words="van")

    assert determine(talk, "Ann bought a red bicycle.", cited).standing is UNPROVEN
    assert determine(talk, "Ann sold the van.", cited).standing is VERBATIM


def test_the_end_of_a_chunk_may_go_on_in_the_next_one() -> None:
    talk = make_talk("Ann: I sold the van.")
    first_of_two = talk.model_copy(update={"chunk_count": 2})

    assert determine(talk, "Ann sold the van.").standing is VERBATIM
    assert determine(first_of_two, "Ann sold the van.").standing is UNPROVEN


@pytest.mark.parametrize(
    ("statement", "standing"),
    [
        ("Wenn ich Zeit hätte, ginge ich öfter schwimmen.", VERBATIM),
        ("ginge ich öfter schwimmen", UNPROVEN),
        ("Ich ginge öfter schwimmen.", UNPROVEN),
    ],
)
def test_other_languages_are_compared_by_whole_sentences(
    statement: str, standing: Standing
) -> None:
    talk = make_talk("Ann: Wenn ich Zeit hätte, ginge ich öfter schwimmen. Jetzt arbeite ich viel.")

    assert determine(talk, statement).standing is standing


def test_a_voucher_says_what_was_changed() -> None:
    found = determine(
        make_talk("Ann: Um, my kids, you know, my kids walk to school."),
        "Ann's children walk to school.",
    )

    (voucher,) = found.vouchers
    assert found.standing is PROVEN
    assert voucher.name == "words_accounted_for"
    assert "“kids → children”" in voucher.detail
    assert "“my → Ann's”" in voucher.detail


def test_hostile_repetition_ends_in_bounded_time() -> None:
    talk = make_talk("Ann: " + "I see the old dog. " * 2_000)
    statement = "The old dog and the old dog " * 70

    assert determine(talk, statement).standing is UNPROVEN


AROUND = [
    ("That was like a mall inside a mall.", "That is like a mall inside a mall."),
    ("It was fantastic, cleaning mud out. Yeah, right.", "It was fantastic, cleaning mud out."),
    ("I haven't seen a rat since the spring.", "Ann hasn't seen a rat because the spring."),
    ("We put the compost in closed bins.", "Ann puts the compost in closed bins."),
    ("I think it locks the back door.", "She thought it locks the back door."),
    ("On Sundays, I wake up at five.", "She wakes up at five."),
    ("In winter I stay home and I read the paper.", "She reads the paper."),
    ("For men, the risk is high here.", "The risk is high here."),
    ("As a child, I hated the dentist.", "She hated the dentist."),
    ("I wake up at five, on Sundays.", "She wakes up at five."),
    ("The drug works well, in rats.", "The drug works well."),
    ("I worked at the bank, part time.", "She worked at the bank."),
    ("Everyone voted for the plan. Except my aunt.", "Everyone voted for the plan."),
    ("All of them liked the soup. Apart from Tom.", "All of them liked the soup."),
    ("All of them liked the soup. Well, my aunt didn't.", "All of them liked the soup."),
    ("I sell the eggs at the market. Unless it rains.", "She sells the eggs at the market."),
    ("I wake up at five. On Sundays, that is.", "She wakes up at five."),
    ("The bus stops there at night. At least I think so.", "The bus stops there at night."),
    ("The bus stops there at night. Probably.", "The bus stops there at night."),
    ("The bus stops there at night. Not anymore.", "The bus stops there at night."),
    ("The bus stops there at night. My brother says.", "The bus stops there at night."),
    ("The bus stops there. That's what they told me.", "The bus stops there."),
    ("My boss said, I hate the new machine.", "Her boss said she hates the new machine."),
    ("He was like, I hate the new machine.", "She hates the new machine."),
    (
        "My mother drove the truck and I sold the eggs.",
        "Her mother drove the truck and sold the eggs.",
    ),
    ("I did not leave because I hated the work.", "She did not leave."),
    ("He talked about 3 projects today.", "He talked approximately 3 projects today."),
    ("My brother's hired a new cook.", "Her brother is hired a new cook."),
    ("The trains are always on time, ha ha.", "The trains are always on time."),
    ("He's a good doctor, so they say.", "He's a good doctor."),
    ("We sold the farm, and then we bought it back.", "They sold the farm."),
    ("I trust the mayor, which is a joke.", "She trusts the mayor."),
    ("Had I known the price, I sell the shop.", "She sells the shop."),
    ("The idea was, I sell the shop now.", "She sells the shop now."),
    ("My friend is telling me this. I was in jail for years.", "She was in jail for years."),
    ("I'd put five euros in the box.", "She had put five euros in the box."),
    ("I left that year for the coast.", "She left this year for the coast."),
    ("Students, the older ones, passed the exam.", "Students passed the exam."),
    ("The teacher, my sister and the nurse left.", "Her sister and the nurse left."),
]


@pytest.mark.parametrize(("said", "statement"), AROUND)
def test_what_stands_around_a_statement_counts(said: str, statement: str) -> None:
    found = determine(make_talk(f"{ASKS}: And then?\nAnn: {said}"), statement)

    assert found.standing is UNPROVEN
