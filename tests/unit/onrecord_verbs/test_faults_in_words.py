from typing import Any

import pytest
from pydantic import ValidationError

from contracts.study import Study
from onrecord.submit.document_errors import format_document_errors

GOOD: dict[str, Any] = {
    "study_id": "pilot",
    "name": "Pilot",
    "themes": [{"id": "price", "name": "Price"}],
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"themes": []}, "themes: at least one is needed"),
        ({"themes": "price"}, "themes: has to be a list"),
        ({"themes": [{"id": "price"}]}, "themes.1.name: is missing"),
        ({"themes": [GOOD["themes"][0], "x"]}, "themes.2: has to have fields of its own"),
        ({"themes": [GOOD["themes"][0]] * 2}, "themes 1 and 2 have the same id"),
        ({"name": " "}, "name: may not be empty"),
        ({"name": 7}, "name: has to be text; put it in quotes"),
        ({"name": "x" * 3_000}, "name: at most 2,000 characters are allowed"),
        ({"study_id": "a b"}, "study_id: may have letters, digits, '.', '_' and '-'"),
        ({"language": "English"}, "language: is a language code"),
    ],
)
def test_says_what_is_wrong_with_a_study_in_plain_words(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        Study.model_validate(GOOD | changes)
    text = format_document_errors(raised.value)
    assert text.startswith(message)
    assert "Tuple" not in text
    assert text.count("; ") <= message.count("; ") + 1
