"""A statement is the speaker's whose words it has; a few shared words exonerate nobody."""

from __future__ import annotations

import pytest

from contracts.transcript import Role, Segment
from grounding import assess_note
from grounding.checks import DOUBT_NAMES
from unit.grounding.drafts import chunk, draft, failed
from unit.grounding.test_checks import _cites

ANNA = "I think the heating in the hall is broken, and the landlord knows about it."
BEN = "The heating works fine for me. I would rather paint the kitchen this summer."


def _talk(*turns: tuple[str, str]) -> tuple[Segment, ...]:
    return tuple(
        Segment(number=at, speaker=who, role=Role.PARTICIPANT, text=text)
        for at, (who, text) in enumerate(turns, start=1)
    )


@pytest.mark.parametrize(
    "statement",
    [
        "Ben said the heating in the hall is broken and the landlord knows it.",
        "Anna said she would rather paint the kitchen this summer.",
    ],
)
def test_refuses_a_statement_that_is_nearly_all_anothers(statement: str) -> None:
    talk = chunk(*_talk(("Anna", ANNA), ("Ben", BEN)))
    assert "said_by_another" in failed(assess_note(draft(statement, *_cites(1, 2)), talk))


@pytest.mark.parametrize(
    ("statement", "turns"),
    [
        ("Anna said the heating in the hall is broken.", (("Anna", ANNA), ("Ben", BEN))),
        ("Ben said he would rather paint the kitchen.", (("Anna", ANNA), ("Ben", BEN))),
        # Who agrees says it too.
        (
            "Ben said the heating in the hall is broken and the landlord knows it.",
            (("Anna", ANNA), ("Ben", "Yes, the heating is a scandal.")),
        ),
        # So does who answers a question.
        (
            "Ben said the heating in the hall is broken since the storm in May.",
            (
                ("Anna", "Is the heating in the hall broken since the storm in May?"),
                ("Ben", "It is, the heating is out since then."),
            ),
        ),
        # Others' opinions on something else are not this one.
        (
            "She finds boys easier, and says periods come with girls.",
            (
                ("Anna", "A lot of women say they would rather have a boy than a girl."),
                ("Ben", "Boys are easy. Girls, you have the periods and all that."),
            ),
        ),
    ],
)
def test_does_not_refuse_whose_words_they_are(
    statement: str, turns: tuple[tuple[str, str], ...]
) -> None:
    failures = failed(assess_note(draft(statement, *_cites(1, 2)), chunk(*_talk(*turns))))
    assert not [one for one in failures if one not in DOUBT_NAMES]
