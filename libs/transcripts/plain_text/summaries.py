"""Summaries and lists of tasks that tools and people put above or below the talk."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from transcripts.notices import Notices, Repair
from transcripts.plain_text.label_rows import Row
from transcripts.plain_text.stamps import parse_leading_timestamp
from transcripts.speakers.candidates import parse_label_line
from transcripts.speakers.line_labels import find_label_candidates

_HEADING_WORDS: Final = (
    r"(?:(?:executive|meeting|call|ai|quick|short|detailed|general) )?summary|recap|tl;?dr"
    r"|(?:key|main) (?:takeaways?|points?|insights?|learnings?|decisions?|topics?|moments?)"
    r"|takeaways|highlights|decisions(?: made)?|action(?: ?items?| points?|s)|next steps"
    r"|to-?dos?|todo list|follow[- ]?ups?(?: tasks?)?|tasks|(?:summary )?keywords|outline"
    r"|(?:chapters|meeting notes|ai notes)(?: & \w+)?"
    r"|attendees|attendance|(?:zoom )?chat(?: log| highlights)?|next meeting(?: details)?"
    r"|show ?notes|resources|references|links?(?: mentioned| discussed)?|further reading"
    r"|zusammenfassung|kernaussagen|kernpunkte|nächste schritte|aufgaben|maßnahmen"
    r"|résumé|points (?:clés|principaux)|prochaines étapes|actions à mener"
    r"|resumen|puntos (?:clave|principales)|próximos pasos|tareas|riassunto|punti chiave"
    r"|prossimi passi|samenvatting|actiepunten|volgende stappen|resumo|pontos principais"
    r"|próximos passos|podsumowanie|следующие шаги|итоги|резюме"
)
_HEADING: Final = re.compile(rf"(?:\d{{1,2}}[.)] )?(?:{_HEADING_WORDS})", re.IGNORECASE)
_TRANSCRIPT: Final = re.compile(
    r"(?:full |meeting |interview )?transcript(?:ion)?|transkript(?:ion)?|transcripción"
    r"|trascrizione|transcrição|transcriptie|стенограмма",
    re.IGNORECASE,
)
_AROUND: Final = " \t\u00a0#*_:\uff1a="
_SET_OFF: Final = ("#", "**", "__")
_LIST_ITEM: Final = re.compile(r"\s*(?:[-*•‣◦·☐☑✓]|\[[ xX]?\]|\d{1,2}[.)])\s")
_LONGEST: Final = 60
_TWICE: Final = 2


def is_summary_heading(line: str) -> bool:
    """Return whether a line is the heading of a summary or of a task list."""
    return len(line) <= _LONGEST and _HEADING.fullmatch(line.strip(_AROUND)) is not None


def remove_summaries(rows: list[Row], notices: Notices) -> list[Row]:
    """Remove a summary before or after the transcript itself from a text's rows.

    Where a turn of a speaker who recurs follows, the heading may have been said, and stays.

    Args:
        rows: a file's lines with their numbers.
        notices: takes how many lines were dropped, and where.
    """
    headings = [at for at, (_, row) in enumerate(rows) if _heads(rows, at, row)]
    if not headings:
        return rows
    labels = [_label_key(row) for _, row in rows]
    dropped: set[int] = set()
    title = next(
        (
            at
            for at, (_, row) in enumerate(rows)
            if at > headings[0]
            and len(row) <= _LONGEST
            and _TRANSCRIPT.fullmatch(row.strip(_AROUND))
        ),
        None,
    )
    if title is not None and _recurring(labels[title:]) and not _recurring(labels[: headings[0]]):
        dropped |= set(range(headings[0], title))
    for heading in headings:
        if heading in dropped:
            continue
        speakers = _recurring(labels[:heading])
        if speakers and not speakers.intersection(labels[heading:]):
            dropped |= set(range(heading, len(rows)))
            break
    filled = [rows[at][0] for at in sorted(dropped) if rows[at][1].strip()]
    if filled:
        notices.add(Repair.SUMMARY, len(filled), line=filled[0])
    return [row for at, row in enumerate(rows) if at not in dropped]


def _heads(rows: list[Row], at: int, row: str) -> bool:
    """Whether a row is such a heading and is set off from what stands above it."""
    if not is_summary_heading(row):
        return False
    return at == 0 or not rows[at - 1][1].strip() or row.lstrip().startswith(_SET_OFF)


def _label_key(row: str) -> str:
    """What recurs at the beginning of turns: a label, if it need be behind a time."""
    line = row.strip()
    if not line or _LIST_ITEM.match(row):
        return ""
    stamp = parse_leading_timestamp(line)
    rest = line if stamp is None else stamp.rest
    one = next(iter(find_label_candidates(rest)), None)
    if one is None and stamp is not None:
        one = parse_label_line(rest)
    return "" if one is None else one.key


def _recurring(labels: list[str]) -> set[str]:
    return {key for key, count in Counter(labels).items() if key and count >= _TWICE}
