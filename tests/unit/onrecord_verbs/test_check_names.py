from guardrail.policy import CHECK_NAMES
from onrecord.pages import check_names

OF_JUDGES = {"judges_disagree", "not_judged"}
"""Flags that say how judges voted; no policy is asked about them."""


def test_every_check_of_the_guardrail_has_words() -> None:
    assert set(check_names.CHECKS) == set(CHECK_NAMES) | OF_JUDGES
