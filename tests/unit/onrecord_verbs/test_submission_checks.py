import random
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts import ids
from contracts.study import DoubtfulSpeakers, Study, Theme
from contracts.transcript import Role, Speaker
from messaging import KafkaSettings
from onrecord.client import build_submission
from onrecord.errors import UsageError
from onrecord.submit.document_errors import format_document_errors
from onrecord.submit.interview_files import InterviewFile
from onrecord.submit.preparation import SubmissionOptions, declare_roles, prepare_submissions

STUDY = Study(study_id="pilot", name="Pilot", themes=(Theme(id="price", name="Price"),))
KAFKA = KafkaSettings()
TALK = "Ann: What do you pay?\nBob: We pay 40 dollars.\n"


@pytest.fixture
def talk(tmp_path: Path) -> InterviewFile:
    path = tmp_path / "talk.txt"
    path.write_text(TALK, encoding="utf-8")
    return InterviewFile(path, "Talk", speakers=(Speaker(label="Ann", role=Role.INTERVIEWER),))


def test_makes_the_event_from_file_study_and_options(talk: InterviewFile) -> None:
    (ready,) = prepare_submissions([talk], STUDY, SubmissionOptions(revision=2), KAFKA)
    assert ready.event.transcript_id == ids.derive_transcript_id("pilot", "talk.txt")
    assert (ready.event.title, ready.event.content, ready.event.revision) == ("Talk", TALK, 2)
    assert ready.reading is not None
    assert [turn.role for turn in ready.reading.segments] == [Role.INTERVIEWER, Role.PARTICIPANT]
    assert ready.notices == ()


def test_the_command_lines_roles_come_before_the_manifests(talk: InterviewFile) -> None:
    (ready,) = prepare_submissions(
        [talk], STUDY, SubmissionOptions(speakers=declare_roles(["Bob"], ["Ann"])), KAFKA
    )
    assert {one.label: one.role for one in ready.event.speakers} == {
        "Ann": Role.PARTICIPANT,
        "Bob": Role.INTERVIEWER,
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "a\0b"}, "title"),
        ({"title": "a\ud800"}, "title"),
        ({"source": "a\ud800"}, "source"),
        ({"source": "a\0b"}, "source"),
        ({"recorded_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "recorded_at"),
        ({"recorded_at": datetime.max.replace(tzinfo=UTC)}, "recorded_at"),
        ({"recorded_at": datetime(2026, 1, 5, 14, 30)}, "recorded_at"),  # noqa: DTZ001 - it is what is refused
        ({"content": "a\ud800"}, "content"),
    ],
)
def test_what_the_database_cannot_store_is_refused_before_it_is_sent(
    wrong: dict[str, Any], field: str
) -> None:
    fields = {"content": "A: b", "title": "T", "study": STUDY, "source": "s", **wrong}
    with pytest.raises(ValidationError) as refusal:
        build_submission(**fields)
    (error,) = refusal.value.errors()
    assert error["loc"] == (field,)
    assert "should" not in format_document_errors(refusal.value)


def test_says_whose_role_nobody_knows(talk: InterviewFile) -> None:
    (ready,) = prepare_submissions(
        [InterviewFile(talk.path, "Talk")], STUDY, SubmissionOptions(), KAFKA
    )
    (notice,) = ready.notices
    assert notice.startswith("nobody says whether these ask or answer: Ann, Bob (")


def test_a_name_that_nobody_has_is_a_mistake(talk: InterviewFile) -> None:
    with pytest.raises(UsageError, match="nobody is called 'Bert'; the speakers are Ann, Bob"):
        prepare_submissions(
            [talk], STUDY, SubmissionOptions(speakers=declare_roles(["Bert"], [])), KAFKA
        )


def test_one_name_has_one_role() -> None:
    with pytest.raises(UsageError, match="'Ann' is named as interviewer and as participant"):
        declare_roles(["Ann"], ["Ann"])


def test_names_every_file_that_cannot_be_submitted(talk: InterviewFile, tmp_path: Path) -> None:
    bad = tmp_path / "vendor.json"
    bad.write_text('{"results": []}', encoding="utf-8")
    files = [talk, InterviewFile(bad, "Bad"), InterviewFile(tmp_path / "none.vtt", "None")]
    with pytest.raises(UsageError, match="2 of 3 files cannot be submitted") as raised:
        prepare_submissions(files, STUDY, SubmissionOptions(), KAFKA)
    assert "JSON of an unknown vendor" in raised.value.details[0]
    assert "there is no such file" in raised.value.details[1]


def test_a_transcript_in_doubt_is_refused_unless_its_study_accepts_it(
    tmp_path: Path,
) -> None:
    file, long = tmp_path / "talk.txt", "and then we carried the ladder home again " * 30
    file.write_text(
        f"Ann: How?\nBen: {long}\nTrappe: Where {long}\nAnn: And?\nBen: Fine.\n", "utf-8"
    )
    talk = [InterviewFile(file, "Talk")]
    with pytest.raises(UsageError, match="--accept"):
        prepare_submissions(talk, STUDY, SubmissionOptions(), KAFKA)
    accepting = STUDY.model_copy(update={"doubtful_speakers": DoubtfulSpeakers.ACCEPT})
    for study, accept in ((STUDY, True), (accepting, False)):
        (ready,) = prepare_submissions(talk, study, SubmissionOptions(accept=accept), KAFKA)
        assert any("Trappe" in notice for notice in ready.notices)


def test_without_a_check_anything_that_is_text_goes(tmp_path: Path) -> None:
    odd = tmp_path / "vendor.json"
    odd.write_text('{"results": []}', encoding="utf-8")
    (ready,) = prepare_submissions(
        [InterviewFile(odd, "Odd")], STUDY, SubmissionOptions(check=False), KAFKA
    )
    assert ready.reading is None


def test_what_compresses_well_may_be_larger_than_the_topics_messages(tmp_path: Path) -> None:
    file = tmp_path / "long.vtt"
    note = "NOTE " + "hello world " * 800_000
    cue = "00:01.000 --> 00:02.000\nAnn: hello"
    file.write_text(f"WEBVTT\n\n{note}\n\n{cue}\n", encoding="utf-8")
    assert prepare_submissions([InterviewFile(file, "Long")], STUDY, SubmissionOptions(), KAFKA)


def test_what_is_too_large_for_the_topic_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "noise.txt"
    noise = random.Random(7).randbytes(6 * 1024 * 1024).hex()
    file.write_text("Ann: " + noise, encoding="ascii")
    plain = KafkaSettings(compression="none")
    with pytest.raises(UsageError, match="20 MiB of text, and 8 MiB as a compressed message"):
        prepare_submissions(
            [InterviewFile(file, "Noise")], STUDY, SubmissionOptions(check=False), plain
        )
