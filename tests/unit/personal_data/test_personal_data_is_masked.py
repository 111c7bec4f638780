from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personal_data import (
    DetectionMode,
    PersonalDataKind,
    PersonalDataSpan,
    find_personal_data,
    get_default_detection_mode,
    mask_text,
)
from support.choice_of_tests import keep_one_in
from support.made_up_people import marked_texts

MODES = [
    DetectionMode.LIGHT,
    *([DetectionMode.HEAVY] if get_default_detection_mode() is DetectionMode.HEAVY else []),
]
_LONG = 12_000

_pieces = st.one_of(
    st.text(max_size=20),
    st.sampled_from([one.text for one in marked_texts(60, seed=3)]),
    st.sampled_from(["👩🏽‍⚕️", "12 ", "Anna", " de ", "İstanbul", "ß", "\u2028", "1 A ", "@", "::"]),
)
_texts = st.lists(_pieces, max_size=8).map("".join)


@pytest.mark.parametrize("wanted", MODES)
@given(text=_texts, names=st.lists(st.text(max_size=8), max_size=3))
@settings(max_examples=settings().max_examples // 2)
def test_findings_are_in_order_and_never_overlap(
    wanted: DetectionMode, text: str, names: list[str]
) -> None:
    findings = find_personal_data(text, mode=wanted, known_names=names)
    assert all(0 <= one.start < one.end <= len(text) for one in findings)
    assert all(0 < one.score <= 1 for one in findings)
    assert all(one.end <= following.start for one, following in pairwise(findings))


@given(text=_texts)
@settings(max_examples=settings().max_examples // 2)
def test_a_mask_replaces_every_found_value_at_its_place_and_nothing_else(text: str) -> None:
    findings = find_personal_data(text, mode=DetectionMode.LIGHT)
    rest = mask_text(text, findings)
    end = 0
    for one in findings:
        kept = text[end : one.start]
        assert rest.startswith(f"{kept}[{one.kind.label}")
        rest = rest[rest.index("]", len(kept)) + 1 :]
        end = one.end
    assert rest == text[end:]


def test_a_text_without_findings_stays_as_it_is() -> None:
    assert mask_text("nothing here", ()) == "nothing here"


def test_a_lone_value_has_no_number() -> None:
    text = "I asked Szabina."
    assert (
        mask_text(text, find_personal_data(text, mode=DetectionMode.LIGHT)) == "I asked [PERSON]."
    )


def test_the_same_value_has_the_same_number() -> None:
    text = "Szabina met Krisztián, and Szabina left."
    expected = "[PERSON 1] met [PERSON 2], and [PERSON 1] left."
    assert mask_text(text, find_personal_data(text, mode=DetectionMode.LIGHT)) == expected


def test_kinds_are_shown_in_a_readers_words() -> None:
    text = "a@b.org"
    assert (
        mask_text(text, [PersonalDataSpan(0, 7, PersonalDataKind.EMAIL_ADDRESS, 1.0)]) == "[EMAIL]"
    )


@pytest.mark.parametrize("wanted", MODES)
@pytest.mark.parametrize(
    "piece", keep_one_in(4, ["1 A ", "A1-", "Anna de ", "12.", "x", "9", "🙂", "a@", "1, "])
)
def test_a_long_text_of_one_repeated_thing_is_read(wanted: DetectionMode, piece: str) -> None:
    text = (piece * _LONG)[:_LONG]
    findings = find_personal_data(text, mode=wanted)
    assert all(one.end <= following.start for one, following in pairwise(findings))
