"""Who asks and who answers, as far as labels, notes and declarations tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from contracts.transcript import Role, Speaker
from transcripts.text import clean_text

UNNAMED = "Speaker"
"""The label of words whose speaker the source does not name."""

_INTERVIEWERS = (
    "interviewer|moderator|researcher|facilitator|host|interviewers|moderators|int|mod|i|q"
)
_PARTICIPANTS = (
    "interviewee|participant|respondent|guest|informant|interviewees|participants|respondents"
    "|p|r|resp"
)
# The whole label, or a part in brackets: `Interviewer`, `P 12`, `INT:`, `Anna (moderator)`.
_INTERVIEWER = re.compile(rf"(?:{_INTERVIEWERS})[ _-]?#?\d{{0,4}}[.:]?")
_PARTICIPANT = re.compile(rf"(?:{_PARTICIPANTS})[ _-]?#?\d{{0,4}}[.:]?")
# A corpus's code for a speaker, with a part that tells the role: `ATL_int_01`.
_CODE = re.compile(r"[^\W_]+(?:_[^\W_]+)+")
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]{1,40})[)\]]")
_A_PAIR = 2


def infer_role(label: str) -> Role:
    """Infer a speaker's role from the label, such as ``Interviewer``; else UNKNOWN."""
    whole = label.strip().casefold()
    # Single letters of a code, such as sex ("m", "f"), are no roles.
    parts = [one for one in whole.split("_") if len(one) > 1] if _CODE.fullmatch(whole) else []
    for candidate in (whole, *(part.strip() for part in _IN_BRACKETS.findall(whole)), *parts):
        if _INTERVIEWER.fullmatch(candidate):
            return Role.INTERVIEWER
        if _PARTICIPANT.fullmatch(candidate):
            return Role.PARTICIPANT
    return Role.UNKNOWN


def assign_roles(
    labels: Collection[str], declared: Sequence[Speaker], notes: Mapping[str, str]
) -> dict[str, Role]:
    """Return each speaker's role: as the producer declares, else by label, else by the file.

    Args:
        labels: the labels of all who speak.
        declared: roles the producer gave; matched exactly, else without regard to case.
        notes: the vendor's note on a speaker, by label.

    Returns:
        A role for every label. In a talk of two, the role of one settles the other's.
    """
    exact = {clean_text(speaker.label): speaker.role for speaker in declared}
    folded = {clean_text(speaker.label).casefold(): speaker.role for speaker in declared}
    settled: dict[str, Role] = {}
    roles: dict[str, Role] = {}
    for label in labels:
        given = exact.get(label, folded.get(label.casefold()))
        if given is not None:
            settled[label] = given
        roles[label] = given or _told(label, notes.get(label, ""))
    _settle_the_other(roles, settled)
    return roles


def _told(label: str, note: str) -> Role:
    by_label = infer_role(label)
    return infer_role(note) if by_label is Role.UNKNOWN else by_label


def _settle_the_other(roles: dict[str, Role], settled: Mapping[str, Role]) -> None:
    open_labels = [label for label, role in roles.items() if role is Role.UNKNOWN]
    if len(roles) != _A_PAIR or len(open_labels) != 1:
        return
    label = open_labels[0]
    # Unnamed words may be anybody's, and a role declared unknown is meant so.
    if label == UNNAMED or label in settled:
        return
    known = next(role for role in roles.values() if role is not Role.UNKNOWN)
    roles[label] = Role.PARTICIPANT if known is Role.INTERVIEWER else Role.INTERVIEWER
