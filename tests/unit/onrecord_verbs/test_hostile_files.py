"""Whatever somebody hands in, it is read or refused in words that name it: never a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from onrecord import cli
from onrecord.errors import UsageError
from onrecord.submit.files import read_study_file
from onrecord.submit.interview_files import select_interviews

SAMPLES = Path(__file__).parents[3] / "samples"
GOOD = SAMPLES / "bike-shop.vtt"
LAUGHS = "\n".join(
    [
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)),
    ]
)
ODD_YAML = {
    "deep lists": "[" * 20_000,
    "deep mappings": "".join(f"{' ' * level}a:\n" for level in range(1_000)),
    "deep and closed": "[" * 500 + "]" * 500,
    "aliases that multiply": LAUGHS,
    "an alias of itself": "a: &a [*a]",
    "aliases of each other": "a: &a {b: &b [*a]}",
    "an unknown alias": "a: *b",
    "a thirteenth month": "name: 2026-13-45",
    "a huge number": "name: " + "9" * 5_000,
    "a number in base 60": "name: " + ":".join(["59"] * 400),
    "nul": "name: a\0b",
    "an escaped nul": 'study_id: a\nname: "a\\0b"\nthemes: [{id: a, name: b}]\nquestion: x',
    "half a surrogate pair": '{study_id: a, name: "\\uD800", themes: [{id: a, name: b}]}',
    "a tag of Python": "!!python/object/apply:os.system ['true']",
    "an unknown tag": "a: !x y",
    "two documents": "a: 1\n---\nb: 2",
    "a key twice": "study_id: a\nstudy_id: b\n",
    "a list as key": "? [a]\n: b",
    "a number as key": "1: 2",
    "nothing": "",
    "a tab": "\ta: b",
    "a word": "hello",
    "not even text": "%",
}


@pytest.mark.parametrize("text", ODD_YAML.values(), ids=list(ODD_YAML))
def test_odd_yaml_is_no_study_and_no_manifest(tmp_path: Path, text: str) -> None:
    study, manifest = tmp_path / "study.yaml", tmp_path / "manifest.yaml"
    study.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_study_file(study)
    output = str(raised.value)
    assert output.startswith(f"{study}: ")
    assert "\n" not in output
    assert len(output) < len(str(study)) + 400
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"manifest\.yaml: "):
        select_interviews([tmp_path])


def test_an_alias_that_is_used_now_and_then_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.txt").touch()
    (tmp_path / "manifest.yaml").write_text(
        "- {file: a.txt, speakers: &who [{label: Ann, role: interviewer}]}\n"
        "- {file: b.txt, speakers: *who}\n"
    )
    first, second = select_interviews([tmp_path]).interviews
    assert first.speakers == second.speakers


def test_yaml_of_many_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    with study.open("wb") as sparse:
        sparse.truncate(100 * 1024 * 1024)
    with pytest.raises(UsageError, match=r"100\.0 MiB of YAML; it may have 1 MiB"):
        read_study_file(study)


def _link(folder: Path, name: str, to: Path) -> None:
    (folder / name).symlink_to(to)


def _manifest(entry: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "manifest.yaml").write_text(f"- file: {entry}\n", encoding="utf-8")

    return write


def _linked_manifest(name: str, to: str, entry: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        _link(folder, name, folder.parent / to)
        _manifest(entry)(folder)

    return write


OUTSIDE: dict[str, Callable[[Path], None]] = {
    "dots in a manifest": _manifest("../secret.txt"),
    "dots behind a folder": _manifest("deep/../../secret.txt"),
    "an absolute path": _manifest("/etc/hostname"),
    "a linked file in a manifest": _linked_manifest("talk.txt", "secret.txt", "talk.txt"),
    "a linked folder in a manifest": _linked_manifest("there", ".", "there/secret.txt"),
    "a linked file": lambda folder: _link(folder, "talk.txt", folder.parent / "secret.txt"),
}


@pytest.mark.parametrize("prepare", OUTSIDE.values(), ids=list(OUTSIDE))
def test_a_folder_reaches_no_file_outside_it(
    tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    (tmp_path / "secret.txt").write_text("Ann: a secret")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    prepare(folder)
    with pytest.raises(UsageError, match="outside the folder"):
        select_interviews([folder])


def test_a_link_within_the_folder_and_one_that_is_named_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "talk.txt").write_text("Ann: hello")
    _link(folder, "again.txt", folder / "talk.txt")
    assert len(select_interviews([folder]).interviews) == 2
    _link(tmp_path, "named.txt", folder / "talk.txt")
    assert len(select_interviews([tmp_path / "named.txt"]).interviews) == 1


ODD_ENTRIES = {
    "nul": '"a\\0b.txt"',
    "too long": "x" * 5_000,
    "a circle of links": "circle.txt",
    "a folder": "deep",
    "a pipe": "pipe.txt",
}


@pytest.mark.parametrize("entry", ODD_ENTRIES.values(), ids=list(ODD_ENTRIES))
def test_an_entry_that_is_no_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: str
) -> None:
    (tmp_path / "deep").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    _link(tmp_path, "circle.txt", tmp_path / "circle.txt")
    _manifest(entry)(tmp_path)
    study = str(SAMPLES / "study.yaml")
    assert cli.run_command(["submit", str(tmp_path), "--study", study]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_whose_name_is_not_utf8_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(name, "wb") as file:  # noqa: PTH123 - of a name in bytes
        file.write(b"Ann: hello")
    study = str(SAMPLES / "study.yaml")
    for words in (["submit", str(tmp_path), "--study", study], ["parse", os.fsdecode(name)]):
        assert cli.run_command(words) == 2
        printed = capsys.readouterr()
        assert "UTF-8" in printed.err
        assert printed.err.count("\n") == 1


@pytest.mark.parametrize("word", ["\udcff", "a\0b"])
@pytest.mark.parametrize(
    "verb", ["notes --speaker", "notes --study", "dlq list --subject", "dlq show", "explain"]
)
def test_words_that_are_no_text_are_refused(
    capsys: pytest.CaptureFixture[str], verb: str, word: str
) -> None:
    assert cli.run_command([*verb.split(), word]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        "audit --timeout nan",
        "audit --timeout inf",
        "audit --timeout -1",
        "submit x --wait --timeout nan",
        "submit x --revision 0",
        "submit x --revision 2147483648",
        f"submit x --revision {'9' * 5_000}",
        "notes --limit -1",
        f"notes --limit {'9' * 30}",
        f"dlq list --limit {'9' * 5_000}",
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(
    capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert cli.run_command(words.split()) == 2
    assert capsys.readouterr().err.count("\n") == 1


ODD_TRANSCRIPTS = {
    "deep JSON": b"[" * 200_000,
    "deep and closed JSON": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge number": b'{"segments": [{"start": ' + b"9" * 5_000 + b"}]}",
    "not a number": b'{"segments": [{"start": NaN, "end": Infinity, "text": "x"}]}',
    "half a surrogate pair": b'{"segments": [{"start": 0, "end": 1, "text": "\\ud800"}]}',
    "nul": b"Ann: a\0b",
    "nothing": b"",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("content", ODD_TRANSCRIPTS.values(), ids=list(ODD_TRANSCRIPTS))
def test_parse_reads_an_odd_transcript_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "talk.json"
    file.write_bytes(content)
    assert cli.run_command(["parse", str(file)]) in (0, 2)
    assert capsys.readouterr().err.count("\n") <= 1


def test_a_benchmark_of_deep_json_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deep.json"
    file.write_bytes(b"[" * 200_000)
    assert cli.run_command(["eval", "grounding", str(file)]) == 2
    assert "inside one another" in capsys.readouterr().err


def test_parse_shows_good_files_and_names_all_bad_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"Ann: caf\xe9")
    missing = tmp_path / "none.vtt"
    assert cli.run_command(["parse", str(bad), str(GOOD), str(missing)]) == 2
    printed = capsys.readouterr()
    assert "144 segments" in printed.out
    assert "2 of 3 files cannot be read" in printed.err
    assert f"{bad}: the file breaks off" in printed.err
    assert f"{missing}: there is no such file" in printed.err


def test_submit_says_which_files_a_manifest_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for name in ("a.txt", "b.txt", "c.vtt", "notes.md"):
        (tmp_path / name).write_text("Ann: hello\nBob: yes\n")
    _manifest("a.txt")(tmp_path)
    study = ["--study", str(SAMPLES / "study.yaml")]
    left_out = "not submitted, as the manifest does not list them: b.txt, c.vtt"
    for chosen in ([str(tmp_path)], ["--manifest", str(tmp_path / "manifest.yaml")]):
        assert cli.run_command(["submit", *chosen, *study]) == 3
        assert left_out in capsys.readouterr().err
    assert cli.run_command(["submit", str(tmp_path / "a.txt"), *study]) == 3
    assert "does not list" not in capsys.readouterr().err


def test_a_time_without_an_offset_is_refused_in_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "manifest.yaml").write_text("- {file: a.txt, recorded_at: 2026-01-05T14:30:00}\n")
    with pytest.raises(UsageError, match=r"1\.recorded_at: needs an offset from UTC"):
        select_interviews([tmp_path])
