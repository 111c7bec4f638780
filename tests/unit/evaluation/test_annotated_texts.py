from __future__ import annotations

import pytest

from evaluation.personal_data.annotated_texts import (
    WEAK_KINDS,
    AnnotatedText,
    ScanResult,
    count_by_kind,
    count_detections,
    list_commonest_errors,
    parse_annotated_texts,
    scan_texts,
)
from personal_data import (
    DetectionMode,
    PersonalDataKind,
    PersonalDataSpan,
    get_default_detection_mode,
)
from support.made_up_people import marked_texts

MODES = [
    DetectionMode.LIGHT,
    *([DetectionMode.HEAVY] if get_default_detection_mode() is DetectionMode.HEAVY else []),
]

_TEXT = "Ann Lee of Acme, Ann"
_RESULT = ScanResult(
    annotated=AnnotatedText(
        text=_TEXT,
        spans=(
            PersonalDataSpan(0, 7, PersonalDataKind.PERSON, 1),
            PersonalDataSpan(11, 15, PersonalDataKind.ORGANIZATION, 1),
        ),
        template="1",
    ),
    findings=(
        PersonalDataSpan(0, 3, PersonalDataKind.GPE, 0.5),
        PersonalDataSpan(17, 20, PersonalDataKind.PERSON, 0.5),
    ),
    milliseconds=1,
)


def test_a_span_is_found_by_what_overlaps_it_and_by_its_characters() -> None:
    counted = count_detections([_RESULT])
    assert (counted.recall, counted.precision) == (1 / 2, 1 / 2)
    assert counted.recall_of_kind == 0
    assert counted.covered == 3 / 10


def test_kinds_that_tell_little_can_be_left_out() -> None:
    assert count_detections([_RESULT], WEAK_KINDS).recall == 1


def test_counts_each_kind() -> None:
    counts = count_by_kind([_RESULT])
    assert counts[PersonalDataKind.PERSON] == {
        "spans": 1,
        "found": 1,
        "of kind": 0,
        "findings": 1,
        "right": 0,
    }


def test_lists_the_commonest_errors_with_an_example() -> None:
    assert list_commonest_errors([_RESULT]) == [
        "ORGANIZATION not found: 1, such as “…Ann Lee of ⟦Acme⟧, Ann…”",
        "found as PERSON, but nothing is marked there: 1, such as “…Ann Lee of Acme, ⟦Ann⟧…”",
    ]


def test_reads_kinds_of_other_names_and_unknown_ones() -> None:
    spans = (
        '{"entity_type": "LOCATION", "start_position": 0, "end_position": 1},'
        '{"entity_type": "MEDICAL_LICENSE", "start_position": 2, "end_position": 3}'
    )
    [sample] = parse_annotated_texts(
        f'[{{"full_text": "a b", "spans": [{spans}], "template_id": null}}]'
    )
    assert [one.kind for one in sample.spans] == [PersonalDataKind.GPE, PersonalDataKind.ID_NUMBER]
    assert sample.template == "a b"


@pytest.mark.parametrize("wanted", MODES)
def test_most_of_what_is_personal_is_found_in_interviews_with_made_up_people(
    wanted: DetectionMode,
) -> None:
    counted = count_detections(scan_texts(list(marked_texts(400, seed=7)), wanted))
    assert counted.recall >= 0.95
    assert counted.precision >= 0.95
    assert counted.covered >= 0.9
