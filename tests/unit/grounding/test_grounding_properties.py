"""What holds for every draft: exact quotes, and a verdict instead of an error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote, Note
from contracts.transcript import Role, Segment
from grounding import INJECTION_CHECK_NAMES, assess_note
from grounding.evidence import find_passage
from unit.grounding.drafts import chunk, failed_beyond_form

_WORDS = """
    not n't don't never no one two twenty five hundred thousand and a half third $40 40% 3:30 1,2,3
    1.2.3 ½ '98 1990s a an the couple of dozen point minus - — … “ ” [ ] ( ) I'd we pay it uh, um.
    nineteen ninety-eight per cent am p.m. twice hours é e\u0301 \u2019 \u2013 ' - -- 🙂 \u200b
"""
_FRAGMENTS = st.sampled_from(_WORDS.split())
_TEXTS = st.one_of(
    st.lists(_FRAGMENTS, min_size=1, max_size=30).map(" ".join),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60
    ),
)
_STATEMENTS = _TEXTS.filter(lambda text: bool(text.strip()))


@st.composite
def chunks(draw: st.DrawFn) -> ChunkReady:
    texts = draw(st.lists(_TEXTS, min_size=1, max_size=4))
    return chunk(
        *(
            Segment(number=number, speaker="S", role=draw(st.sampled_from(Role)), text=text)
            for number, text in enumerate(texts, start=1)
        )
    )


_EVIDENCE = st.builds(
    DraftEvidence,
    segment=st.integers(-1, 6) | st.integers(1 - 2**53, 2**53 - 1),
    first_words=st.just("") | _TEXTS,
    last_words=st.just("") | _TEXTS,
)
_DRAFTS = st.builds(
    DraftNote,
    statement=_STATEMENTS,
    evidence=st.lists(_EVIDENCE, max_size=4).map(tuple),
    themes=st.lists(st.sampled_from(["price", "trust", "x", ""]), max_size=3).map(tuple),
    questions=st.lists(st.sampled_from(["q1", "q2"]), max_size=2).map(tuple),
)


@given(_DRAFTS, chunks())
def test_every_draft_gets_a_verdict_and_every_quote_is_exact(
    draft: DraftNote, there: ChunkReady
) -> None:
    verdict = assess_note(draft, there)
    assert verdict == assess_note(draft, there)
    if isinstance(verdict, Note):
        texts = {one.number: one.text for one in there.segments}
        for one in verdict.evidence:
            assert texts[one.segment][one.start : one.start + one.length] == one.quote
        assert any(one.role is not Role.INTERVIEWER for one in verdict.evidence)
    else:
        assert all(failure.reason for failure in verdict.failures)


@given(_STATEMENTS)
def test_a_whole_segment_supports_its_own_words(text: str) -> None:
    there = chunk(Segment(number=1, speaker="S", text=text))
    note = DraftNote(statement=text, evidence=(DraftEvidence(segment=1),), themes=("price",))
    if find_passage(text, "", "") is not None:
        # Being said makes an order, a link or code no statement.
        assert not {*failed_beyond_form(assess_note(note, there))} - INJECTION_CHECK_NAMES


@given(_TEXTS, st.data())
def test_any_two_words_of_a_text_name_a_passage_of_it(text: str, data: st.DataObject) -> None:
    words = text.split()
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    found = find_passage(text, " ".join(words[first : last + 1]), words[last])
    assert found is None or 0 <= found[0] < found[1] <= len(text)
