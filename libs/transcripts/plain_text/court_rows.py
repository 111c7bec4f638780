"""Lines of a court's minutes that nobody says: who examines from here on, and who is sworn."""

from __future__ import annotations

import re
from typing import Final

from transcripts.plain_text.label_rows import Row

# Who asks from here on, in the minutes of a court, whose questions stand behind `Q.`.
_EXAMINER: Final = re.compile(r"BY (?:MR|MS|MRS|MISS|DR|MX)\.? [A-Z][A-Z'\u2019 -]{1,40}:")
_EXAMINATION: Final = re.compile(
    r"(?:(?:FURTHER )?(?:DIRECT|CROSS|REDIRECT|RECROSS|VOIR DIRE)[ -]{0,3})?EXAMINATION"
    r"(?: \([A-Z'.,]{4,12}\))?(?: BY [A-Z. ]{3,40})?"
)
_NOTE: Final = re.compile(
    r"\(\d{1,2}[.:]\d{2} ?[ap]\.?m\.?\)"
    r"|\((?:A|The) (?:short|brief|luncheon|lunch|morning|afternoon) (?:break|adjournment|recess)\)"
    r"|(?:MR|MS|MRS|MISS|DR|SIR|LORD|LADY|DAME|PROFESSOR)\.? [A-Z][A-Z .'\u2019-]{2,60}"
    r" \((?:sworn|affirmed|recalled|continued)\)"
    r"|[A-Z][A-Z .'\u2019-]{2,60}, (?:SWORN|AFFIRMED|RECALLED)(?: IN)?\.?"
    r"|(?:(?:Further |Cross-|Re-)?(?:Questions|Questioned|Examination|Examined|Cross-examination)"
    r"|Questions|(?:CROSS-|RE-|FURTHER )?EXAMINED) (?:by|from|BY|FROM)"
    r" (?:MR|MS|MRS|MISS|DR|THE|SIR|LORD|LADY)\.? [A-Z .'\u2019-]{2,40}",
)
_QUESTION: Final = re.compile(r"\s{0,12}(?:\d{1,2}\s+)?Q[.:]?\s")
_SWORN: Final = re.compile(
    r"(?:.{1,80}, )?(?:having|being|was|after having)\b.{0,30}"
    r"\bduly (?:sworn|affirmed|cautioned).*",
    re.IGNORECASE,
)
_WITNESS: Final = re.compile(r"[A-Z][A-Z .,'\u2019-]{3,60},?")
_NUMBERS: Final = " \t0123456789"
_MOST_LINES: Final = 4
_ENDS: Final = (".", ":")


def remove_court_notes(rows: list[Row]) -> list[Row]:
    """Remove rows of court transcripts that are not speech, such as `DIRECT EXAMINATION`.

    Only where questions stand behind `Q.` or `Q`, as in minutes of a court.
    """
    if not any(_QUESTION.match(row) for _, row in rows):
        return rows
    dropped = {
        at
        for at, (_, row) in enumerate(rows)
        if _EXAMINER.fullmatch(bare := row.strip(_NUMBERS))
        or _EXAMINATION.fullmatch(bare)
        or _NOTE.fullmatch(bare)
    }
    for at, (_, row) in enumerate(rows):
        if _SWORN.fullmatch(row.strip(_NUMBERS)):
            dropped |= _note_of_oath(rows, at)
    return [row for at, row in enumerate(rows) if at not in dropped]


def _note_of_oath(rows: list[Row], sworn: int) -> set[int]:
    """The lines of `JONAS BERG, having been duly sworn, testified as follows:`."""
    note = {sworn}
    if sworn and _WITNESS.fullmatch(rows[sworn - 1][1].strip(_NUMBERS)):
        note.add(sworn - 1)
    for at in range(sworn, min(sworn + _MOST_LINES, len(rows))):
        if not rows[at][1].strip() or _QUESTION.match(rows[at][1]):
            break
        note.add(at)
        if rows[at][1].rstrip().endswith(_ENDS):
            break
    return note
