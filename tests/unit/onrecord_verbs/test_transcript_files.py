from pathlib import Path

import pytest

from contracts.study import StatementPolicy
from onrecord.errors import UsageError
from onrecord.submit.files import read_study_file, read_transcript_text

WORDS = "Ann: caf\u00e9 costs 3 \u20ac \U0001f642\r\nBob: yes"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_reads_text_of_any_encoding_that_says_which_it_is(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "talk.txt"
    file.write_bytes(WORDS.encode(encoding))
    assert read_transcript_text(file) == WORDS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Ann: caf\xc3", "breaks off within a character at byte 8"),
        (b"\xef\xbb\xbfAnn: \xff", "not valid UTF-8 at byte 8"),
        (b"\xff\xfeA\x00\x00\xd8A\x00", "not valid UTF-16 at byte 4"),
        (b"ID3\x04\x00", "an MP3 recording: transcribe it first"),
        (b"", "the file is empty"),
    ],
)
def test_names_the_file_and_the_byte_that_cannot_be_read(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "talk.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message) as raised:
        read_transcript_text(file)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("letter", ["a", "\u20ac"])
def test_counts_the_limit_in_bytes_of_utf8(tmp_path: Path, letter: str) -> None:
    size = len(letter.encode())
    file = tmp_path / "talk.txt"
    file.write_text(letter * 100, encoding="utf-16")
    assert len(read_transcript_text(file, max_bytes=100 * size)) == 100
    with pytest.raises(UsageError, match="split the interview"):
        read_transcript_text(file, max_bytes=100 * size - 1)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "talk.txt"
    with file.open("wb") as sparse:
        sparse.truncate(100 * 1024 * 1024)
    with pytest.raises(UsageError, match=r"100\.0 MiB of text; an interview may have 20 MiB"):
        read_transcript_text(file)


def test_a_folder_and_a_missing_file_are_no_transcript(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a file"):
        read_transcript_text(tmp_path)
    with pytest.raises(UsageError, match="there is no such file"):
        read_transcript_text(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("study_id: pilot\nname: Pilot\n", "themes: is missing"),
        ("study_id: pilot\nname: Pilot\nthemes: []\n", "themes: "),
        ("study_id: pilot\nthemes: [{id: a}]\n", r"name: is missing; themes\.1\.name: is missing"),
        ("a: [1\n", "not valid YAML: line 2, column 1"),
        ("- one\n", "not a study"),
        ("personal-data: mask\nstudy_id: a\nname: A\nthemes: []\n", "there is no .personal-data."),
        ("", "not a study"),
        (
            "study_id: s\nname: S\nthemes: [{id: a, name: A}, {id: a, name: B}]\n",
            "themes 1 and 2 have the same id",
        ),
    ],
)
def test_names_the_fields_that_keep_a_file_from_being_a_study(
    tmp_path: Path, yaml: str, message: str
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(yaml, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_study_file(file)


STUDY = "study_id: s\nname: S\nthemes: [{id: t, name: T}]\n"


@pytest.mark.parametrize("policy", StatementPolicy)
def test_a_study_says_which_statements_are_shown_as_findings(
    tmp_path: Path, policy: StatementPolicy
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(f"{STUDY}statements: {policy}\n", encoding="utf-8")
    assert read_study_file(file).statements is policy
    file.write_text(STUDY, encoding="utf-8")
    assert read_study_file(file).statements is StatementPolicy.PROVEN


@pytest.mark.parametrize("wrong", ["some", "no", "[all]", "PROVEN", "3"])
def test_a_policy_for_statements_that_there_is_not_is_named(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(f"{STUDY}statements: {wrong}\n", encoding="utf-8")
    message = "statements: has to be 'proven', 'confirmed', 'all' or 'quotes'"
    with pytest.raises(UsageError, match=message):
        read_study_file(file)


def test_reads_the_study_of_the_samples() -> None:
    study = read_study_file(Path(__file__).parents[3] / "samples" / "study.yaml")
    assert study.study_id == "small-repair-shops"
