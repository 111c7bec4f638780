"""Statements that differ by an opposite, a negation or a number, and may both be true."""

from __future__ import annotations

import pytest

from grounding.opposition import Opposition, find_opposition


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Nothing that differs is an opposite.
        ("The landlord raised the rent.", "The tenant fears that the landlord raises the rent."),
        ("He repairs old bikes.", "He repairs old bikes and sells new bikes."),
        (
            "Customers buy cheap bikes online.",
            "Customers buy cheap bikes online and bring expensive bikes to the shop.",
        ),
        # Two things are turned round: a condition and what follows from it.
        ("Customers leave when prices rise.", "Customers stay when prices fall."),
        (
            "Customers come back when the repair is good.",
            "Customers do not come back when the repair is bad.",
        ),
        ("Without the app they would lose customers.", "With the app they win customers."),
        ("They stay unless prices rise.", "They leave if prices rise."),
        ("Waiting was shorter after the move.", "Waiting was longer before the move."),
        # A comparison from the other side.
        (
            "Fewer customers come in winter than in summer.",
            "More customers come in summer than in winter.",
        ),
        ("Repairs are cheaper than new bikes.", "New bikes are more expensive than repairs."),
        ("He did not raise prices until 2022.", "He raised prices in 2022."),
        ("The shop was open until 2022.", "The shop is closed."),
        # Others are spoken of.
        ("Older customers pay in cash.", "Younger customers pay in cash."),
        ("Older customers like the app.", "Younger customers dislike the app."),
        ("Small shops raised their prices.", "Large shops lowered their prices."),
        ("Many rural patients like video calls.", "Many urban patients like video calls."),
        ("Landlords pay for the heating.", "Tenants pay for the heating."),
        ("Teachers like the new timetable.", "Students do not like the new timetable."),
        ("Sales rose in summer.", "Sales fell in winter."),
        # Parts of the same people.
        ("Not all customers trust the app.", "Some customers trust the app."),
        ("Some customers trust the app.", "Some customers do not trust the app."),
        ("Some customers trust the app.", "Other customers distrust the app."),
        ("Most customers trust the app.", "Some customers do not trust the app."),
        ("Many customers trust the app.", "A few customers do not trust the app."),
        ("Customers trust the app.", "Other customers do not trust the app."),
        # What denies nothing, and what nearly denies.
        ("He sells and repairs bikes.", "He not only repairs bikes but also sells bikes."),
        ("Nobody but the owner repairs bikes.", "The owner repairs bikes."),
        ("Customers rarely trust the app.", "Customers do not trust the app."),
        ("They struggle to find spare parts.", "They cannot find spare parts."),
        ("The app fails to send reminders.", "The app sends no reminders."),
        # Numbers that hold each other, or follow from each other.
        ("Between 10 and 20 customers come a day.", "15 customers come a day."),
        ("A repair takes 3 to 10 days.", "A repair takes 5 days."),
        ("A repair takes 3 or 4 days.", "A repair takes 4 days."),
        ("More than 10 customers come a day.", "15 customers come a day."),
        ("Prices rose from 40 to 60 dollars.", "Prices rose by 20 dollars."),
        # Nobody knows whether they are the same people.
        ("[PERSON] raised the prices of repairs.", "[PERSON] lowered the prices of repairs."),
        ("[PERSON 1] told [PERSON 2] the truth.", "[PERSON 1] did not tell [PERSON 2] the truth."),
    ],
)
def test_what_may_both_be_true_is_no_opposition(one: str, other: str) -> None:
    assert find_opposition(one, other) is None
    assert find_opposition(other, one) is None


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("Customers leave when prices rise.", "Customers stay when prices rise.", "opposite"),
        ("Customers leave when prices rise.", "Customers leave when prices fall.", "opposite"),
        ("They win with good prices.", "They lose with good prices.", "opposite"),
        ("The new repair app is easy.", "The new repair app is difficult.", "opposite"),
        ("He says the app is easy, cheap.", "He says the app is hard, costly.", "opposite"),
        ("Repairs are cheaper than bikes.", "Repairs are more expensive than bikes.", "opposite"),
        ("More come in summer than in winter.", "Fewer come in summer than in winter.", "opposite"),
        ("The software is new.", "The software is old.", "opposite"),
        ("The landlord raised the rent.", "The landlord lowered the rent.", "opposite"),
        ("Older customers trust the app.", "Older customers distrust the app.", "opposite"),
        ("All customers trust the app.", "Not all customers trust the app.", "negation"),
        ("Most customers trust the app.", "Most customers do not trust the app.", "negation"),
        ("Some customers trust the app.", "No customers trust the app.", "negation"),
        ("He raised prices until 2022.", "He did not raise prices until 2022.", "negation"),
        ("Prices were low until 2022.", "Prices were high until 2022.", "opposite"),
        ("Nobody but the owner repairs bikes.", "The owner does not repair bikes.", "negation"),
        ("They struggle to find parts.", "They do not struggle to find parts.", "negation"),
        ("Between 10 and 20 customers come a day.", "25 customers come a day.", "number"),
        ("More than 10 customers come a day.", "5 customers come a day.", "number"),
        ("Prices rose from 40 to 60 dollars.", "Prices rose by 30 dollars.", "number"),
    ],
)
def test_what_cannot_both_be_true_still_is_one(one: str, other: str, kind: str) -> None:
    assert find_opposition(one, other) is Opposition(kind)
    assert find_opposition(other, one) is Opposition(kind)
