"""Quotes that are only tidied are shown, and each rule that lets them is closed to its misuse."""

from __future__ import annotations

import pytest

from contracts.notes import Standing
from unit.grounding.talks import ASKS, determine, make_talk

SHOWN = [
    ("We bought the vase in 1987. They had no papers.", "They bought the vase in 1987."),
    ("I had my first son. And then, I went back to school.", "Ann had her first son."),
    ("I went to Leeds. I didn't have friends.", "Ann went to Leeds."),
    ("I left the navy, I sold the farm to my uncle.", "She sold the farm to her uncle."),
    ("I was a welder, I welded hulls for eleven years.", "Ann was a welder."),
    ("It was like seventh grade. We started a band.", "They started a band."),
    ("I like to say I left early. I left at sixteen.", "She left at sixteen."),
    ("All those type of things. I love old tools.", "Ann loves old tools."),
    ('He was like, "No." And I ended up in Leeds.', "Ann ended up in Leeds."),
    ("I always tell my grandma to buy bread.", "Ann always tells her grandma to buy bread."),
    ("My doctor told me I had ten years left.", "Her doctor told her she had ten years left."),
    (
        "Everything went south because I had to pay.",
        "Everything went south because she had to pay.",
    ),
    ("They want a very large data set.", "They want a very large data set, Ann said."),
    ("They moved here in their twenties.", "She said they moved here in their twenties."),
    ("I hope they accept the paper.", "Ann hopes they accept the paper."),
    ("I contacted him in March.", "Ann said that they contacted him in March."),
    ("I make bread, I buy the rest.", "Ann makes bread and buys the rest."),
    ("I will sell the old house.", "Ann said that she would sell the old house."),
    ("I can't promise you a refund.", "Ann said that she could not promise you a refund."),
    ("I've been there for seven years.", "He's been there for seven years."),
    ("I paid €40 for the lunch.", "Ann paid 40 euros for the lunch."),
    ("And cause they work hard, I pay them.", "Because they work hard, Ann pays them."),
    ("I called, but the guy, he said no.", "Ann called, but the guy said no."),
    (
        "I tried the flute once. That didn't work out.",
        "Ann tried the flute once, but that didn't work out.",
    ),
    ("Man, I tried the flute once.", "Ann tried the flute once."),
    ("It was a good school. We was all cool.", "It was a good school."),
    ("I found a red stone. It has a little hole.", "Ann found a red stone."),
    (
        "I sold the farm, and then we bought it back.",
        "Ann sold the farm, and then they bought it back.",
    ),
    ("I think that we can do better.", "Ann thinks that they can do better."),
]


@pytest.mark.parametrize(("said", "statement"), SHOWN)
def test_what_is_only_tidied_is_shown(said: str, statement: str) -> None:
    found = determine(make_talk(f"{ASKS}: And then?\nAnn: {said}"), statement)

    assert found.standing in {Standing.VERBATIM, Standing.PROVEN}


NOT_SHOWN = [
    ("I eat meat every day. I never do on weekdays.", "Ann eats meat every day."),
    ("The bus stops there at night. I never saw it stop.", "The bus stops there at night."),
    ("I own a boat. I never bought one.", "Ann owns a boat."),
    ("I live in Leeds now. I didn't last year.", "Ann lives in Leeds now."),
    ("The whole team came to lunch. My aunt didn't eat.", "The whole team came to lunch."),
    ("Students passed the exam. My sister didn't.", "Students passed the exam."),
    (
        "My uncle runs the company. He never ran anything in his life.",
        "Ann's uncle runs the company.",
    ),
    ("I sold the old farm. I went back on that.", "Ann sold the old farm."),
    ("We bought the red car. We gave it back again.", "They bought the red car."),
    ("He won the big race. We made that up.", "He won the big race."),
    ("He won the big race. I am not serious.", "He won the big race."),
    ("He won the big race. I have no idea.", "He won the big race."),
    ("He won the big race. I never checked.", "He won the big race."),
    ("He won the big race. They never proved it.", "He won the big race."),
    ("The water is safe to drink. They never tested any.", "The water is safe to drink."),
    ("We had dinner with the mayor. He did not come.", "They had dinner with the mayor."),
    ("We had dinner with the mayor. He never showed up.", "They had dinner with the mayor."),
    ("I quit the choir in May. I did not really quit.", "Ann quit the choir in May."),
    ("I sold the van. I didn't in the end.", "Ann sold the van."),
    ("I sold the van. I didn't get rid of the van.", "Ann sold the van."),
    ("I sold the van last year. I did not sell the van.", "Ann sold the van last year."),
    (
        "I play the violin at weddings. I haven't played since the accident.",
        "Ann plays the violin at weddings.",
    ),
    ("I win the lottery, I buy a boat.", "Ann wins the lottery."),
    ("I win the lottery, I buy a boat.", "Ann buys a boat."),
    ("I dreamed of a house, I owned a garden.", "Ann owned a garden."),
    ("I was six, I hated the dentist.", "Ann hated the dentist."),
    ("I won the race, they told me.", "Ann won the race."),
    ("I won the race, I was dreaming.", "Ann won the race."),
    ("I won the race, we pretended.", "Ann won the race."),
    ("I sold the farm, I bought it back.", "Ann sold the farm."),
    ("I lost my job, I found it again.", "Ann lost her job."),
    ("The shop was closed, he claimed, I opened the door.", "The shop was closed."),
    ("He asked me, I sold the farm.", "Ann sold the farm."),
    ("We played a game, I killed the king.", "Ann killed the king."),
    ("I had an alibi, I was at the bank, I told the police.", "Ann was at the bank."),
    ("Everybody signed the letter, my boss refused.", "Everybody signed the letter."),
    ("He said the shop is closed. It opens on Monday morning.", "It opens on Monday morning."),
    ("My uncle told me a lie. I owned half of the farm.", "Ann owned half of the farm."),
    ("I told him a story. I was a sailor in the navy.", "Ann was a sailor in the navy."),
    ("I said to them, imagine. I owned half of the farm.", "Ann owned half of the farm."),
    ("It was like a dream. I owned half of the farm.", "Ann owned half of the farm."),
    ("If I were rich. I own half of the farm.", "Ann owns half of the farm."),
    ("If I were rich, I would sail. I own a big boat.", "Ann owns a big boat."),
    ("If I were rich, I would sail. I own a big boat. I sail to Spain.", "Ann sails to Spain."),
    ("He goes, I own half of the farm.", "Ann owns half of the farm."),
    ("He went, I own half of the farm.", "Ann owns half of the farm."),
    ('My boss was like, "I own the street. I run this town."', "Ann runs this town."),
    ('My boss was like, "I own the street." He said "I run this town."', "Ann runs this town."),
    ("She told me, I have a big house.", "Ann has a big house."),
    ("She told me, I have a big house.", "She told her, she has a big house."),
    ('She told me "I have a big house".', "She told Ann she has a big house."),
    ("She asked us, I need a new car.", "Ann needs a new car."),
    ("Suppose it is like this. I run the bank and he sells bread.", "Ann runs the bank."),
    ("They sold the farm to a bank.", "Ann said that they sold the farm to a bank."),
    ("He sold the farm to a bank.", "Ann said that he sold the farm to a bank."),
    ("I sold the farm to a bank.", "She said that they sold the farm to a bank."),
    (
        "My brother came and he sold the farm to my aunt.",
        "Ann said that her brother came and they sold the farm to her aunt.",
    ),
    (
        "My sister is here and she sold my boat.",
        "She said that her sister is here and she sold her boat.",
    ),
    (
        "My mother drove the truck and I sold the eggs.",
        "Ann's mother drove the truck and sold the eggs.",
    ),
    (
        "I know the man who drove the truck, I sold the eggs.",
        "Ann knows the man who drove the truck and sold the eggs.",
    ),
    (
        "I had the teacher, my sister and the nurse.",
        "Ann had the teacher and her sister and the nurse.",
    ),
    ("The teacher, my sister, left the room.", "The teacher and Ann's sister left the room."),
    ("I drove the truck if I sold the eggs.", "Ann drove the truck and sold the eggs."),
    ("I drove the truck, or I sold the eggs.", "Ann drove the truck and sold the eggs."),
    ("I almost drove the truck, I sold the eggs.", "Ann drove the truck and sold the eggs."),
    ("I drove the truck, I would have sold the eggs.", "Ann drove the truck and sold the eggs."),
    ("I drove the truck, I never sold the eggs.", "Ann drove the truck and sold the eggs."),
    ("I drove the truck and we sold the eggs.", "Ann drove the truck and sold the eggs."),
    (
        "I wanted to drive the truck, I sold the eggs.",
        "Ann wanted to drive the truck and sell the eggs.",
    ),
    (
        "I painted the big house, I painted the small house.",
        "Ann painted the big house but painted the small house.",
    ),
    ("I used to smoke two packs daily.", "Ann said that she smoked two packs daily."),
    ("I smoke two packs daily.", "Ann smoked two packs daily."),
    ("I smoke two packs daily.", "She smoked two packs daily, Ann said."),
    ("I smoke two packs daily.", "Ann says that she smoked two packs daily."),
    ("I will sell the old house.", "Ann said that she sold the old house."),
    ("I sell the old house.", "Ann said that she had sold the old house."),
    ("I can swim across the lake.", "Ann said that she swam across the lake."),
    ("I can swim across the lake.", "Ann could swim across the lake."),
    ("I need a bigger house.", "Ann said that she needled a bigger house."),
    ("My friend sells the old house.", "Ann said that her friend sold the house."),
    ("I have to sell the old house.", "Ann had to sell the old house."),
    ("I have hired the new cook.", "Ann is hired the new cook."),
    ("My brother's hired to cook for them.", "Ann's brother has hired to cook for them."),
    ("My brother has fired the cook.", "Ann's brother's fired by the cook."),
    ("The kids have eaten the soup.", "The kid's eaten the soup."),
    (
        "If the shops they want to close are ours, we lose.",
        "If the shops want to close are ours, they lose.",
    ),
    (
        "It works only if the users they trust pay for it.",
        "It works only if the users trust pay for it.",
    ),
    (
        "It's useful because the people they hire work hard.",
        "It's useful because the people hire work hard.",
    ),
    (
        "It is good that the boys she teaches like sport.",
        "It is good that the boys teach like sport.",
    ),
    ("I paid €40 for the lunch there.", "Ann paid 40 dollars for the lunch there."),
    ("I paid £40 for the lunch there.", "Ann paid €40 for the lunch there."),
    ("They found the cause. They fixed the pump.", "They fixed the pump because they found it."),
    ("I love this town. It's great. Not.", "Ann loves this town."),
    ("I sold the van in May. My wife drove. No, it was June.", "Ann sold the van in May."),
    ("I sold the van in May. I bought a bike. I did not, sorry.", "Ann sold the van in May."),
]


@pytest.mark.parametrize(("said", "statement"), NOT_SHOWN)
def test_no_rule_for_tidied_quotes_lets_a_changed_one_through(said: str, statement: str) -> None:
    found = determine(make_talk(f"{ASKS}: And then?\nAnn: {said}"), statement)

    assert found.standing is Standing.UNPROVEN


NOT_SHOWN += [
    ("I tried the flute once. That didn't work out.", "Ann tried the flute once."),
    ("I tried the flute. No, sorry, it was a horn.", "Ann tried the flute, and it was a horn."),
    ("Maybe the roof leaks and the pump is broken.", "The roof leaks and the pump is broken."),
    ("I like all rooms except the old kitchen.", "Ann likes all rooms and the old kitchen."),
    ("I stay home when the big dog barks.", "Ann stays home, and the big dog barks."),
    ("Everyone voted. My aunt did not.", "Everyone voted, and Ann's aunt did."),
    ("I ate soup or I ate old bread.", "Ann ate soup and ate old bread."),
    ("Few people came to the fair.", "A few people came to the fair."),
    ("I have little money for food.", "Ann has a little money for food."),
    ("He was all, I own the street.", "Ann owns the street."),
    ("The man I know sold the farm.", "Ann sold the farm."),
    ("I'm the oldest girl of the house.", "She was the oldest girl of the house, Ann said."),
    ("I work at the bank in town.", "Ann says that she worked at the bank in town."),
    ("I lie down for like half an hour.", "Ann lies down for half an hour."),
    ("I lie down for like an hour.", "Ann lies down for an hour."),
    ("I can swim across the lake.", "She could swim across the lake, Ann said."),
    ("I go hungry. I swear I would.", "Ann goes hungry."),
]

DENIED = [
    ("Ann: The pad feels so good.\nBen: It feels good when I stop.", "The pad feels so good."),
    ("Ann: The county paid for the bridge.\nBen: Half of it.", "The county paid for the bridge."),
    ("Ann: The lift works every day.\nBen: Almost every day.", "The lift works every day."),
]


@pytest.mark.parametrize(("text", "statement"), DENIED)
def test_an_answer_that_limits_leaves_a_statement_unproven(text: str, statement: str) -> None:
    assert determine(make_talk(text), statement).standing is Standing.UNPROVEN
