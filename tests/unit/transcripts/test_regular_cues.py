"""What is read in one pass has the same cues as what is read line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.captions.cue_lines import parse_cue_lines, parse_cue_lines_slowly
from transcripts.captions.cue_order import Cue
from transcripts.captions.regular_cues import parse_regular_cues
from transcripts.captions.srt import iter_srt_cues as read_srt_cues
from transcripts.captions.webvtt import iter_webvtt_cues as read_webvtt_cues
from transcripts.errors import MalformedTranscriptError
from transcripts.notices import Notices
from unit.transcripts.reading_support import SHARED

LINES = st.sampled_from(
    [
        "", "", " ", "1", "2", "42", "WEBVTT", "NOTE x", "a/1-0", "<v Ann>Well.</v>", "Ann: Hi",
        "00:01.000 --> 00:02.000", "00:00:03.000 --> 00:00:04.500 align:start",
        "00:00:05,000 --> 00:00:06,000", "00:61.000 --> 00:62.000", "00:07.000-->00:08.000",
        "a -> b", "x --> y", "---", "0:09 --> 0:10", "à 1.5 à 2.5", "Kind: captions",
    ]
)  # fmt: skip
FILES = sorted(
    path for path in SHARED.rglob("*") if path.suffix in {".vtt", ".srt"} and path.is_file()
)


def bare(cues: list[Cue]) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, cue.payload.strip()) for cue in cues]


def assert_the_same(content: str, *, webvtt: bool) -> bool:
    quick = parse_regular_cues(content, any_id=webvtt)
    if quick is None:
        return False
    slow = list((read_webvtt_cues if webvtt else read_srt_cues)(content, Notices()))
    assert bare(quick) == bare(slow)
    if webvtt:
        assert [cue.id for cue in quick] == [cue.id for cue in slow]
    return True


@given(st.lists(LINES, max_size=20), st.booleans())
def test_any_file_that_is_regular_has_the_same_cues(lines: list[str], webvtt: bool) -> None:  # noqa: FBT001
    content = "\n".join(["WEBVTT", "", *lines] if webvtt else lines)
    assert_the_same(content, webvtt=webvtt)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_have_the_same_cues_either_way(path: object) -> None:
    content = path.read_text(encoding="utf-8", errors="replace")  # type: ignore[attr-defined]
    try:
        assert_the_same(content, webvtt=content.startswith("WEBVTT"))
    except MalformedTranscriptError:
        pytest.fail("the one way reads what the other refuses")


def test_the_usual_exports_are_regular() -> None:
    zoom = (
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nAnn: Hi\n\n"
        "2\n00:00:03.000 --> 00:00:04.000\nTom: Ho\n"
    )
    assert assert_the_same(zoom, webvtt=True)
    srt = zoom.removeprefix("WEBVTT\n\n").replace(".000", ",000")
    assert assert_the_same(srt, webvtt=False)
    teams = zoom.replace("\n1\n", "\nab-1/7-0\n").replace("\n2\n", "\nab-1/8-0\n")
    assert assert_the_same(teams, webvtt=True)


PIECES = st.sampled_from(
    [
        "Ann", ": ", ":", " ", "  ", "\n", ". ", "Q.", "A. ", " - ", "-", "--", " /", "(x) ", "[",
        "]", "<v Ann>", "<v - >", "</v>", "<i>", "&amp;", "{", ">> ", ">", "`", "NOTE x", "NOTE",
        "well", "of", "Mme Roy. ", "M. ", "HAAS--", "é", "\u200f", "\u00a0", "1", "?", "…", "_",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_cues_read_the_short_way_have_the_same_lines(payload: str) -> None:
    assert parse_cue_lines(payload) == parse_cue_lines_slowly(payload)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "07", "x", "a/1-0", "", " "]),
            st.sampled_from(["00:00:01,000", "01:02:03.500", "00:61:00.000", "0:00:01.000"]),
            st.sampled_from([" --> ", "-->", " -> ", " --> \t"]),
            st.sampled_from(["00:00:02,000", "99:00:03.500", "00:02.000", "00:00:02,0000"]),
            st.sampled_from(["Hi", "Ann: Hi\nBo", "", "\nHi", "Hi\n", "1\n2", "a -> b"]),
        ),
        max_size=4,
    ),
    st.booleans(),
)  # fmt: skip
def test_blocks_with_numbers_have_the_same_cues(
    blocks: list[tuple[str, str, str, str, str]],
    webvtt: bool,  # noqa: FBT001
) -> None:
    content = "".join(f"{one}\n{a}{arrow}{b}\n{said}\n\n" for one, a, arrow, b, said in blocks)
    try:
        assert_the_same(f"WEBVTT\n\n{content}" if webvtt else content, webvtt=webvtt)
    except MalformedTranscriptError:
        pytest.fail("the one way reads what the other refuses")
