from pathlib import Path

import pytest

from evaluation.errors import InputError
from evaluation.inputs import read_interviews


def test_transcripts_of_one_name_are_all_read(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "talk.txt").write_text("Ann: We pay 40 dollars.\n")
    (tmp_path / "talk.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>We pay.\n")
    (tmp_path / "again" / "talk.txt").write_text("Ann: We pay less.\n")
    (tmp_path / "study.yaml").write_text("study_id: x\n")
    (tmp_path / "notes.txt").write_text("nobody says this\n")

    read = read_interviews(tmp_path)

    assert {name: segments[0].text for name, segments in read.interviews.items()} == {
        "again/talk": "We pay less.",
        "talk": "We pay 40 dollars.",
        "talk.vtt": "We pay.",
    }
    assert read.skipped == [Path("notes.txt")]


def test_a_folder_without_transcripts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no transcript"):
        read_interviews(tmp_path)
