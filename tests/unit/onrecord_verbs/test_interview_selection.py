from pathlib import Path

import pytest

from contracts.transcript import Role
from onrecord.errors import UsageError
from onrecord.submit.interview_files import SUFFIXES, select_interviews


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.vtt", "a.TXT", "readme.md", "study.yaml"):
        (tmp_path / name).touch()
    return tmp_path


def write_manifest(folder: Path, text: str) -> Path:
    file = folder / "manifest.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_folder_stands_for_all_its_transcripts_and_its_study(folder: Path) -> None:
    chosen = select_interviews([folder])
    assert [one.path.name for one in chosen.interviews] == ["a.TXT", "b.vtt"]
    assert [one.title for one in chosen.interviews] == ["a", "b"]
    assert chosen.study_file == folder / "study.yaml"


def test_other_files_of_a_folder_are_named_and_not_passed_over_in_silence(folder: Path) -> None:
    for name in ("talk.docx", "talk.mp3", "notes", ".hidden.txt", "readme.txt"):
        (folder / name).touch()
    chosen = select_interviews([folder])
    found = [one.path.name for one in chosen.interviews]
    assert found == ["a.TXT", "b.vtt", "readme.txt", "talk.docx"]
    assert [path.name for path in chosen.left_out] == ["notes", "talk.mp3"]
    write_manifest(folder, "- file: b.vtt\n")
    left_out = [path.name for path in select_interviews([folder]).left_out]
    assert left_out == ["a.TXT", "notes", "readme.txt", "talk.docx", "talk.mp3"]


def test_a_pattern_that_no_shell_expanded_stands_for_the_files_that_fit(folder: Path) -> None:
    (folder / "c.vtt").touch()
    found = select_interviews([folder / "*.vtt"]).interviews
    assert [one.path.name for one in found] == ["b.vtt", "c.vtt"]
    (folder / "[x].vtt").touch()  # a name may look like a pattern
    assert [one.title for one in select_interviews([folder / "[x].vtt"]).interviews] == ["[x]"]
    with pytest.raises(UsageError, match="no file fits"):
        select_interviews([folder / "*.srt"])


def test_every_format_that_has_a_file_extension_is_found_in_a_folder() -> None:
    """What readers and word processors write: a folder of them is not half submitted."""
    for extension in (
        "vtt",
        "srt",
        "sbv",
        "ttml",
        "ass",
        "json",
        "csv",
        "docx",
        "odt",
        "rtf",
        "pdf",
    ):
        assert f".{extension}" in SUFFIXES


def test_a_folder_with_a_manifest_stands_for_what_it_lists(folder: Path) -> None:
    write_manifest(
        folder,
        "- file: b.vtt\n  title: Second\n  recorded_at: 2025-03-11T14:02:00-05:00\n"
        "  speakers: [{label: Ann, role: interviewer}]\n",
    )
    (only,) = select_interviews([folder]).interviews
    assert (only.path, only.title) == (folder / "b.vtt", "Second")
    assert only.recorded_at is not None
    assert only.recorded_at.isoformat() == "2025-03-11T14:02:00-05:00"
    assert only.speakers[0].role is Role.INTERVIEWER


def test_a_manifest_tells_more_about_files_that_are_named(folder: Path) -> None:
    manifest = write_manifest(folder, "- {file: b.vtt, title: Second}\n- {file: a.TXT}\n")
    named = select_interviews([folder / "b.vtt"], manifest)
    assert [one.title for one in named.interviews] == ["Second"]
    assert [one.title for one in select_interviews([], manifest).interviews] == ["Second", "a"]
    assert select_interviews([], manifest).study_file == folder / "study.yaml"


def test_a_file_named_twice_is_one_interview(folder: Path) -> None:
    assert len(select_interviews([folder / "b.vtt", folder]).interviews) == 2


def test_files_that_share_a_name_would_be_one_interview(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "b.vtt").touch()
    with pytest.raises(UsageError, match="share a name"):
        select_interviews([folder / "b.vtt", folder / "deep"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {title: no file}\n", r"1\.file: is missing"),
        ("- {file: a.TXT, speakers: [{label: A, role: boss}]}\n", r"1\.speakers\.1\.role"),
        ("- {file: a.TXT, tilte: typo}\n", r"1\.tilte"),
        ("file: a.TXT\n", "not a manifest"),
        ("", "lists no interview"),
    ],
)
def test_names_what_is_wrong_with_a_manifest(folder: Path, text: str, message: str) -> None:
    write_manifest(folder, text)
    with pytest.raises(UsageError, match=message):
        select_interviews([folder])


def test_a_folder_without_transcripts_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no transcript in this folder"):
        select_interviews([tmp_path])
