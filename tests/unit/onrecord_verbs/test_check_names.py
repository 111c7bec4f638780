from grounding import CHECKS as ALL_CHECKS
from onrecord import check_names


def test_every_check_of_the_guardrail_has_words() -> None:
    assert set(check_names.CHECKS) == {check.name for check in ALL_CHECKS}
