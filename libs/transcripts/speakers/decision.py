"""Which possible labels of a file name its speakers: decided over the whole file.

A label is believed for several reasons together: the producer declared it, it tells a role, it
recurs, its words look like a name, it is written like the others, most lines begin with one. What
an answer holds before a colon (``Price: nothing at all``) fails them: it is an ordinary word, it
stands once, and it is not written as the speakers are.

Forms that set a label off weakly, such as a line of its own, count only where they explain more
of the file than labels with a colon do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from contracts.transcript import Speaker
from transcripts.segments.turns import normalize_label
from transcripts.speakers.candidates import LabelMarking
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.labels import STRONG_MARKINGS, TWICE, LineLabels, SpeakerLabels
from transcripts.speakers.languages import find_language_labels
from transcripts.speakers.strong_labels import StrongLabelDecision
from transcripts.speakers.weak_labels import WEAK_MARKINGS, decide_weak_labels


def find_speaker_labels(
    places: Sequence[LineLabels], declared: Sequence[Speaker] = ()
) -> SpeakerLabels:
    """Decide which possible labels in a file name speakers, by the evidence of all lines.

    Args:
        places: all lines of the file that have candidates, in order; also those without any,
            so that shares can be told.
        declared: speakers the producer names; their labels are believed.
    """
    known = {normalize_label(speaker.label).casefold() for speaker in declared}
    starts = [place.candidates for place in places if place.candidates]
    languages = find_language_labels(starts) - known
    if languages:
        kept = [
            _without(place, languages) for place in places if not _is_translation(place, languages)
        ]
        found = _find(kept, known)
        if found:
            return found
    return replace(_find(places, known), languages=languages)


def _is_translation(place: LineLabels, languages: Collection[str]) -> bool:
    return any(one.key in languages for one in place.candidates)


def _without(place: LineLabels, keys: Collection[str]) -> LineLabels:
    kept = tuple(one for one in place.candidates if one.key not in keys)
    return place._replace(candidates=kept)


def _find(places: Sequence[LineLabels], known: Collection[str]) -> SpeakerLabels:
    strong = StrongLabelDecision(places, STRONG_MARKINGS, known).decide()
    best, most = strong, _mass(places, strong, STRONG_MARKINGS)
    present = {one.form for place in places if place.candidates for one in place.candidates}
    for form in WEAK_MARKINGS:
        if form not in present:
            continue
        weak = decide_weak_labels(places, form, known)
        if not weak:
            continue
        mass = _mass(places, weak, {form})
        if mass > most or not best:
            # `THE COURT: ...` between the `Q.` and `A.` of a deposition.
            sure = _beside(strong, form)
            best, most = replace(weak, forms=sure | weak.forms), mass
    return best


def _beside(strong: SpeakerLabels, form: LabelMarking) -> dict[str, frozenset[LabelMarking]]:
    """Labels with a colon that stand beside those set off weakly: of names, in columns."""
    if form is LabelMarking.DOT:
        return strong.forms
    if form is not LabelMarking.TABBED:
        return {}
    naming = {LabelKind.NAME, LabelKind.ROLE}
    return {key: forms for key, forms in strong.forms.items() if classify_label(key) in naming}


def _mass(
    places: Sequence[LineLabels], speakers: SpeakerLabels, forms: Collection[LabelMarking]
) -> int:
    """How many lines begin with a label that recurs or tells a role."""
    if not speakers:
        return 0
    chosen = [speakers.choose(place.candidates) for place in places if place.candidates]
    counts = Counter([one.key for one in chosen if one is not None and one.form in forms])
    return sum(
        count
        for key, count in counts.items()
        if count >= TWICE or classify_label(key) is LabelKind.ROLE
    )
