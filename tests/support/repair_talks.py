"""Small interviews about the price of a repair, which differ by an amount and a place."""

from __future__ import annotations

from typing import Final

from contracts.study import Study, Theme

TALK: Final = (
    "Interviewer: What did you pay?\n\n"
    "Participant: I paid {} dollars for the repair of my bicycle in {}, no more than that.\n"
)
"""An interview; takes an amount and a place, by which rules of the simulator find it."""


def build_study(study_id: str) -> Study:
    """Build the study that they belong to."""
    return Study(
        study_id=study_id,
        name="Paying for repairs",
        themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
    )
