"""Who is taken for an interviewer, who for a participant."""

from __future__ import annotations

import pytest

from contracts.transcript import Role, Speaker
from transcripts import read_transcript
from transcripts.speakers.roles import assign_roles, infer_role

INTERVIEWER, PARTICIPANT, UNKNOWN = Role.INTERVIEWER, Role.PARTICIPANT, Role.UNKNOWN


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("Interviewer", INTERVIEWER),
        ("INT", INTERVIEWER),
        ("int 2", INTERVIEWER),
        ("Moderator 1", INTERVIEWER),
        ("Ann (facilitator)", INTERVIEWER),
        ("Host", INTERVIEWER),
        ("interviewee", PARTICIPANT),
        ("Respondent", PARTICIPANT),
        ("P1", PARTICIPANT),
        ("P 07", PARTICIPANT),
        ("Participant #3", PARTICIPANT),
        ("Guest", PARTICIPANT),
        ("Speaker 1", UNKNOWN),
        ("Paul", UNKNOWN),
        ("Hosta Interviewerson", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_labels_tell_roles(label: str, role: Role) -> None:
    assert infer_role(label) is role


def test_a_declared_role_wins_over_the_label_and_the_label_over_the_note() -> None:
    roles = assign_roles(
        ["Interviewer", "guest", "Ann", "Ben"],
        [Speaker(label="Interviewer", role=PARTICIPANT)],
        {"guest": "INT", "Ann": "interviewer", "Interviewer": "INT"},
    )
    assert roles == {
        "Interviewer": PARTICIPANT,
        "guest": PARTICIPANT,
        "Ann": INTERVIEWER,
        "Ben": UNKNOWN,
    }


def test_declared_labels_match_exactly_before_they_match_without_case() -> None:
    declared = [Speaker(label="ANN", role=INTERVIEWER), Speaker(label="Ann", role=PARTICIPANT)]
    assert assign_roles(["Ann", "Ben", "Cy"], declared, {})["Ann"] is PARTICIPANT
    assert assign_roles(["ann", "Ben", "Cy"], declared[:1], {})["ann"] is INTERVIEWER


@pytest.mark.parametrize(
    ("known", "other"), [("Interviewer", PARTICIPANT), ("P1", INTERVIEWER), ("Ann", UNKNOWN)]
)
def test_in_a_talk_of_two_one_role_settles_the_other(known: str, other: Role) -> None:
    assert assign_roles([known, "Ben"], [], {})["Ben"] is other


def test_in_a_talk_of_three_one_role_settles_nothing() -> None:
    assert assign_roles(["Interviewer", "Ben", "Cy"], [], {})["Ben"] is UNKNOWN


def test_unnamed_words_and_declared_unknowns_are_never_settled() -> None:
    assert assign_roles(["Interviewer", "Speaker"], [], {})["Speaker"] is UNKNOWN
    declared = [Speaker(label="Ben", role=UNKNOWN)]
    assert assign_roles(["Interviewer", "Ben"], declared, {})["Ben"] is UNKNOWN


def test_declared_roles_reach_the_segments() -> None:
    reading = read_transcript(
        "Ann: Why?\nBen: Because.\n", speakers=[Speaker(label="ann", role=INTERVIEWER)]
    )
    assert [segment.role for segment in reading.segments] == [INTERVIEWER, PARTICIPANT]


def test_a_declared_label_is_believed_where_it_would_not_pass_for_a_name() -> None:
    reading = read_transcript(
        "ann from the shop: Why?\nBen: Because.\n",
        speakers=[Speaker(label="Ann from the shop", role=INTERVIEWER)],
    )
    assert [segment.speaker for segment in reading.segments] == ["ann from the shop", "Ben"]


def test_real_names_tell_no_roles() -> None:
    reading = read_transcript("Ann Lee: Why?\nBen Okri: Because.\n")
    assert {segment.role for segment in reading.segments} == {UNKNOWN}
