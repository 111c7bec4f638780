"""Ids never change: what was derived yesterday is found again tomorrow."""

from __future__ import annotations

from uuid import UUID

from contracts import ids
from contracts.events import TranscriptSubmitted
from contracts.study import Study, Theme

TRANSCRIPT = UUID("43e31524-e326-5d36-9240-1c7387412204")


def test_the_namespace_is_what_it_always_was() -> None:
    assert str(ids.NAMESPACE) == "5a8ff6a1-0a66-5d0a-9f6e-6f6e72656301"


def test_the_id_of_a_transcript_is_what_it_always_was() -> None:
    assert ids.derive_transcript_id("allotment-water", "tom-brandt.vtt") == TRANSCRIPT


def test_the_id_of_a_chunk_is_what_it_always_was() -> None:
    assert ids.derive_chunk_id(TRANSCRIPT, 2, "ab" * 32, 1) == UUID(
        "90248871-630c-5b8d-8c41-5bdc27a3c114"
    )


def test_the_hash_of_a_submission_is_what_it_always_was() -> None:
    study = Study(study_id="s", name="S", themes=(Theme(id="t", name="T"),))
    submitted = TranscriptSubmitted(
        transcript_id=TRANSCRIPT, title="One", study=study, content="A: yes."
    )

    assert submitted.content_sha256 == (
        "d8a828d6f30b1620c34f74336b2426613174bbabd7de2db86682bb913bf863b1"
    )


def test_the_hash_of_a_submission_is_blind_to_its_title() -> None:
    study = Study(study_id="s", name="S", themes=(Theme(id="t", name="T"),))
    one = TranscriptSubmitted(transcript_id=TRANSCRIPT, title="One", study=study, content="A: b")
    two = one.model_copy(update={"title": "Two"})

    assert one.content_sha256 == two.content_sha256


def test_ids_are_of_version_5() -> None:
    assert ids.derive_id("anything", 1, "two").version == 5


def test_another_kind_or_another_cut_between_the_parts_is_another_id() -> None:
    derived = {ids.derive_id("a", "bc"), ids.derive_id("ab", "c"), ids.derive_id("a", "b", "c")}

    assert len(derived) == 3
