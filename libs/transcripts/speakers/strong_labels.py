"""Decision over labels that are set off clearly: by a colon, brackets, bold type or a time."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Final

from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.label_kinds import (
    LabelCase,
    LabelKind,
    classify_label,
    get_label_case,
    is_capitalised,
    is_question_or_answer,
    is_word_also_given_name,
)
from transcripts.speakers.labels import TWICE, LineLabels, SpeakerLabels, get_last_name
from transcripts.speakers.stage_directions import split_stage_direction

_IN_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_SET_OFF: Final = itemgetter(0, 2, 3, 4)  # label, form, key, later
_USUAL: Final = 0.5  # of the places where a label may stand: labels are the rule in this file
_ALWAYS: Final = 0.8
_LARGE_SHARE: Final = 0.2  # of all labelled lines: more than a heading within answers takes
_SELDOM: Final = 0.05
_NAMING: Final = frozenset({LabelKind.NAME, LabelKind.ROLE})
_FEW_LINES: Final = 4
_DENSE: Final = 0.3
_WORDS_OF_A_PHRASE: Final = 4  # blanks between them
_LONGEST_INITIALS: Final = 4
# Which stand before a colon in answers, and are nobody's initials.
_ABBREVIATIONS: Final = frozenset({"nb", "ps", "pps", "ok", "fyi", "faq", "tv", "id", "url", "eg"})
_CODE_DIGITS: Final = 3  # of a participant's code, such as `014`


class StrongLabelDecision:
    """Decision which labels with clear marks, such as colons, name speakers.

    Args:
        places: all lines of the file.
        forms: the marks that count.
        known: keys of the labels that the producer declared.
    """

    def __init__(
        self, places: Sequence[LineLabels], forms: Collection[LabelMarking], known: Collection[str]
    ) -> None:
        self._places = places
        self._forms = forms
        self._known = known
        # Written out for a single candidate: this runs for every line.
        self._firsts = [
            ()
            if not (options := place[0])
            else options
            if len(options) == 1 and options[0][2] in forms and not options[0][4]
            else self._firsts_of(place)
            for place in places
        ]
        # Most lines have no label: what follows passes over them.
        labelled = [
            (place, firsts)
            for place, firsts in zip(places, self._firsts, strict=True)
            if place.candidates
        ]
        starts = [firsts for place, firsts in labelled if place.is_start]
        self._starts = [place.is_start for place in places].count(True)
        # Without what is said behind them, in which labels differ from line to line.
        single = Counter([_SET_OFF(firsts[0]) for firsts in starts if len(firsts) == 1])
        self._single_starts = {
            LabelCandidate(label, "", form, key, later): number
            for (label, form, key, later), number in single.items()
        }
        self._several_starts = [firsts for firsts in starts if len(firsts) > 1]
        self._labels: dict[str, list[LabelCandidate]] = defaultdict(list)
        for _, firsts in labelled:
            for one in firsts:
                self._labels[one.key].append(one)
        self._structural = {place.candidates[0].key for place, _ in labelled if place.structural}
        free = {
            one.key for place, _ in labelled if not place.is_list_item for one in place.candidates
        }
        self._listed = self._labels.keys() - free
        self._unfinished = [place.interrupts for place in places].count(True)
        self._within: Counter[str] = Counter()
        self._cutting: Counter[str] = Counter()
        for place, firsts in labelled:
            if not place.is_start:
                self._within.update([one.key for one in firsts])
            if place.interrupts:
                self._cutting.update([one.key for one in firsts])
        self._usual = self._share_of_starts_with_a_label()
        self._capitalised = self._count_starts(self._is_capitalised_label) / max(1, self._starts)

    def decide(self) -> SpeakerLabels:
        """Return the labels that name speakers, and those taken for speech that may."""
        kinds = {key: classify_label(ones[0].label) for key, ones in self._labels.items()}
        headed = self._headed()
        if headed:  # names stand on lines of their own, so what an answer begins with is speech
            kinds = {key: kind for key, kind in kinds.items() if key in headed | set(self._known)}
        sure = {key for key, kind in kinds.items() if self._is_sure(key, kind)}
        speech = self._parts_of_speech(kinds, sure)
        kinds |= dict.fromkeys(self._further_initials(kinds, sure), LabelKind.NAME)
        sure -= speech
        kinds = {key: kind for key, kind in kinds.items() if key not in speech}
        accepted = set(sure)
        rejected: list[str] = []
        # Names first: where they are enough, words are speech.
        for key, kind in sorted(kinds.items(), key=lambda one: one[1] is not LabelKind.NAME):
            if key in sure or self._is_heading_or_point(key, kind, sure):
                continue
            if self._is_plausible(key, kind, sure, accepted):
                accepted.add(key)
            elif len(self._labels[key]) > TWICE and kind is not LabelKind.HEADING:
                rejected.append(self._labels[key][0].label)
        if not sure and not self._explains(accepted):
            accepted = set()
        accepted |= (
            self._last_names(accepted)
            | self._shorter_forms(accepted)
            | self._other_numbers(accepted)
        )
        accepted |= {
            key for key in self._labels if split_stage_direction(key, accepted) is not None
        }
        forms = {
            key: frozenset(one.form for one in self._labels[key]) | {LabelMarking.COLON}
            for key in accepted
        }
        extended = self._extended(accepted)
        forms |= {longer: frozenset({LabelMarking.COLON}) for longer in extended.values()}
        once = {key for key in accepted if len(self._labels[key]) == 1 and key not in self._known}
        return SpeakerLabels(forms, tuple(rejected), frozenset(once), extended)

    def _parts_of_speech(
        self, kinds: Mapping[str, LabelKind], sure: Collection[str]
    ) -> frozenset[str]:
        """Labels that would cut a sentence, or a paragraph, where those who recur never do."""
        recurring = [key for key in sure if self._recurs(key)]
        places = sum(len(self._labels[key]) for key in recurring)
        if places <= TWICE:
            return frozenset()
        finish = sum(self._cutting[key] for key in recurring) <= _SELDOM * places
        begin = sum(self._within[key] for key in recurring) <= _SELDOM * places
        vouched = self._structural.union(self._known)
        return frozenset(
            key
            for key, kind in kinds.items()
            if key not in vouched
            and (
                (
                    finish
                    and self._cutting[key] == len(self._labels[key])
                    # Lines are wrapped: not only before this label do sentences go on.
                    and self._unfinished - self._cutting[key] >= TWICE
                )
                or (
                    begin
                    and self._within[key] == len(self._labels[key]) == 1
                    and (kind not in _NAMING or not is_capitalised(self._labels[key][0].label))
                )
            )
        )

    def _further_initials(
        self, kinds: Mapping[str, LabelKind], sure: Collection[str]
    ) -> frozenset[str]:
        """Initials that spell a word, such as `TB`, where most who speak are named by theirs."""
        initials = [len(key) for key in sure if self._are_initials(key)]
        if not initials or len(initials) < _USUAL * len(sure):
            return frozenset()
        # Beside one, `OH` and others that spell a word have to recur, too.
        fewest = 1 if len(initials) >= TWICE else TWICE
        return frozenset(
            key
            for key, kind in kinds.items()
            if (kind is LabelKind.WORDS or (kind is LabelKind.HEADING and self._recurs(key)))
            and len(self._labels[key]) >= fewest
            and key not in _ABBREVIATIONS
            and min(initials) <= len(key) <= max(initials)
            and self._are_initials(key)
        )

    def _are_initials(self, key: str) -> bool:
        label = self._labels[key][0].label
        return label.isupper() and label.isalpha() and len(label) <= _LONGEST_INITIALS

    def _shorter_forms(self, accepted: Collection[str]) -> set[str]:
        """Labels that are believed ones without what those have in brackets."""
        bare = {_IN_BRACKETS.sub("", key).strip() for key in accepted if "(" in key}
        return {key for key in self._labels if key in bare and " " in key}

    def _last_names(self, accepted: Collection[str]) -> set[str]:
        """Last names of believed labels: `PARK`, where `JO PARK, ANCHOR` spoke before."""
        names = {last for key in accepted if (last := get_last_name(key))}
        return {
            key
            for key in names & self._labels.keys()
            if any(not one.later for one in self._labels[key])
        }

    def _other_numbers(self, accepted: Collection[str]) -> set[str]:
        """Numbers that stand once, where speakers are numbers: `1: …`, `2: …`, or `014: …`."""
        numbers = {key for key in accepted if key.isdecimal()}
        if not numbers:
            return set()
        others = {
            key
            for key, ones in self._labels.items()
            if key.isdecimal() and not any(one.later for one in ones)
        }
        if len(numbers) == len(accepted):
            return others
        # A moderator, and people round the table by their places.
        if len(others) >= _FEW_LINES - 1 and others == {str(one + 1) for one in range(len(others))}:
            return others
        lengths = {len(key) for key in numbers if len(key) >= _CODE_DIGITS}
        return {key for key in others if len(key) in lengths}

    def _headed(self) -> set[str]:
        """Labels with nothing behind them, where most labelled lines are so; else none."""
        first = [firsts[0] for firsts in self._firsts if firsts]
        alone = Counter(one.key for one in first if not one.text.strip() and self._may_head(one))
        if len(alone) < TWICE:
            return set()
        spoken = Counter(one.key for one in first if one.text.strip() and one.key not in alone)
        again = sum(
            count
            for key, count in spoken.items()
            if count >= TWICE and classify_label(key) in {LabelKind.NAME, LabelKind.ROLE}
        )
        if sum(alone.values()) <= again:
            return set()
        return set(alone) | {key for key in spoken if self._is_fuller_name(key, alone)}

    @staticmethod
    def _is_fuller_name(key: str, alone: Collection[str]) -> bool:
        """Whether a label is another's with seat and party, as a member's is the first time."""
        bare = _IN_BRACKETS.sub("", key).strip()
        return bare != key and (bare in alone or len(_IN_BRACKETS.findall(key)) >= TWICE)

    def _may_head(self, one: LabelCandidate) -> bool:
        kind = classify_label(one.label)
        return kind in {LabelKind.NAME, LabelKind.ROLE} or (
            kind is LabelKind.WORDS and self._stands_alone(one.key)
        )

    def _firsts_of(self, place: LineLabels) -> tuple[LabelCandidate, ...]:
        """The candidates that count: of several colons on a line only the first."""
        candidates = place[0]
        if len(candidates) == 1:  # usual, and quick
            only = candidates[0]
            if only.later:
                return candidates if only.form is LabelMarking.COLON else ()
            return candidates if only.form in self._forms else ()
        chosen: dict[LabelMarking, LabelCandidate] = {}
        for one in place.candidates:
            if one.form in self._forms and not one.later and one.form not in chosen:
                chosen[one.form] = one
        later = [one for one in place.candidates if one.later and one.form is LabelMarking.COLON]
        seen: dict[str, LabelCandidate] = {}
        for one in chosen.values():
            seen.setdefault(one.key, one)
        return (*seen.values(), *later)

    def _share_of_starts_with_a_label(self) -> float:
        return self._count_starts(self._is_usual_label) / max(1, self._starts)

    def _count_starts(self, counts: Callable[[LabelCandidate], bool]) -> int:
        """How many paragraphs or cues begin with a label of some kind."""
        single = sum(number for one, number in self._single_starts.items() if counts(one))
        return single + sum(any(map(counts, firsts)) for firsts in self._several_starts)

    @staticmethod
    def _is_capitalised_label(one: LabelCandidate) -> bool:
        return (
            one.form is LabelMarking.COLON
            and is_capitalised(one.label)
            and classify_label(one.label) is not LabelKind.HEADING
        )

    def _is_usual_label(self, one: LabelCandidate) -> bool:
        if one.later:
            return False
        kind = classify_label(one.label)
        return (
            one.key in self._known
            or kind in {LabelKind.NAME, LabelKind.ROLE}
            or (kind is not LabelKind.HEADING and self._recurs(one.key))
        )

    def _recurs(self, key: str) -> bool:
        return len(self._labels[key]) >= TWICE

    def _is_sure(self, key: str, kind: LabelKind) -> bool:
        if key in self._known or key in self._structural:
            return True
        if kind is LabelKind.ROLE:
            one = self._labels[key][0]
            if one.later and not self._recurs(key) and one.starts_lower:
                return False  # `Yes. Question: how long?`
            if self._recurs(key) or is_capitalised(one.label):
                return True
            return one.form is LabelMarking.BRACKET or (self._usual >= _USUAL and not one.later)
        if kind is not LabelKind.NAME or not self._recurs(key):
            return False
        ones = self._labels[key]
        # Written once in small letters behind a blank may be speech: `he said: no`.
        return any(not one.later for one in ones) or len(ones) > TWICE

    def _is_plausible(
        self, key: str, kind: LabelKind, sure: Collection[str], accepted: Collection[str]
    ) -> bool:
        ones = self._labels[key]
        if kind is LabelKind.HEADING:
            return self._is_one_of_a_pair(key)
        if len(ones) >= TWICE:
            return self._is_plausible_again(key, kind, sure)
        one = ones[0]
        if kind is LabelKind.NAME:
            return self._is_plausible_once(one, sure)
        return (
            kind is LabelKind.WORDS and not one.later and self._are_words_once(one, sure, accepted)
        )

    def _are_words_once(
        self, one: LabelCandidate, sure: Collection[str], accepted: Collection[str]
    ) -> bool:
        """Whether ordinary words that stand once name somebody."""
        if is_word_also_given_name(one.label):
            return len(accepted) < TWICE and not one.starts_lower
        if one.form is not LabelMarking.COLON:
            return False
        if self._within[one.key] and not one.text[:1].isupper():
            return False  # `Near: the well.` within a cue or paragraph
        return self._usual >= _ALWAYS or (
            len(sure) < TWICE and self._capitalised >= _ALWAYS and not one.starts_lower
        )

    def _is_plausible_again(self, key: str, kind: LabelKind, sure: Collection[str]) -> bool:
        count = len(self._labels[key])
        if kind is LabelKind.NAME:
            return True
        if kind is LabelKind.OTHER and (
            key.count(" ") >= _WORDS_OF_A_PHRASE
            or not any(one.text.strip() for one in self._labels[key])
        ):
            return False  # `as I always say to them:`, or a line that ends with a colon
        if kind is LabelKind.WORDS and len(sure) >= TWICE and self._stands_within_lines(key):
            return False
        labelled = sum(len(self._labels[one]) for one in sure) + count
        large = count >= _LARGE_SHARE * labelled
        if kind is LabelKind.WORDS and self._stands_alone(key):
            return True
        if kind is LabelKind.WORDS:
            return large and (len(sure) < TWICE or count > TWICE or self._usual >= _ALWAYS)
        return large and self._usual >= _USUAL

    def _stands_within_lines(self, key: str) -> bool:
        return all(one.later for one in self._labels[key])

    def _stands_alone(self, key: str) -> bool:
        """Whether a label has a line of its own, or a time beside it, each time it stands."""
        ones = self._labels[key]
        return len(ones) > TWICE and all(
            one.form is LabelMarking.STAMPED or not one.text.strip() for one in ones
        )

    def _is_plausible_once(self, one: LabelCandidate, sure: Collection[str]) -> bool:
        if one.form is LabelMarking.BRACKET or one.form is LabelMarking.BOLD:
            return self._is_written_like(one, sure) or (
                self._usual >= _USUAL and is_capitalised(one.label)
            )
        styles = {get_label_case(self._labels[key][0].label) for key in sure}
        if one.later:
            return get_label_case(one.label) is LabelCase.UPPER and (
                styles == {LabelCase.UPPER} or one.text[:1].isupper()
            )
        if len(sure) < TWICE:
            lower = get_label_case(one.label) is LabelCase.LOWER
            return not lower or LabelCase.LOWER in styles
        if one.starts_lower and not self._usually_starts_lower(sure):
            return False
        style = get_label_case(one.label)
        return style in styles or style is LabelCase.CASELESS or style is LabelCase.TITLE

    def _is_heading_or_point(self, key: str, kind: LabelKind, sure: Collection[str]) -> bool:
        """Whether a label is a section's heading, or a point of an answer by its bullets."""
        if key in self._listed and not self._listed.issuperset(sure):
            return True
        return kind is LabelKind.WORDS and self._heads_in_capitals(key, sure)

    def _heads_in_capitals(self, key: str, sure: Collection[str]) -> bool:
        """Whether a label and all behind it are in capitals, unlike speech: `MARKET: PRICES`."""
        if not all(one.label.isupper() and one.text.isupper() for one in self._labels[key]):
            return False
        said = [one.text for other in sure for one in self._labels[other]]
        return 2 * sum(text.isupper() for text in said) < len(said)

    def _is_written_like(self, one: LabelCandidate, sure: Collection[str]) -> bool:
        """Whether all sure labels are set off by the same mark and are in the same case."""
        style = (one.form, get_label_case(one.label))
        firsts = [self._labels[key][0] for key in sure]
        return {(first.form, get_label_case(first.label)) for first in firsts} == {style}

    def _usually_starts_lower(self, sure: Collection[str]) -> bool:
        ones = [one for key in sure for one in self._labels[key] if one.text]
        return 2 * sum(one.starts_lower for one in ones) > len(ones)

    def _is_one_of_a_pair(self, key: str) -> bool:
        label = self._labels[key][0].label
        if not is_question_or_answer(label):
            return False
        others = [
            other
            for other, ones in self._labels.items()
            if other != key and is_question_or_answer(ones[0].label)
        ]
        return any(abs(len(self._labels[other]) - len(self._labels[key])) <= 1 for other in others)

    def _explains(self, accepted: Collection[str]) -> bool:
        """Whether labels that stand once each, or are odd, explain the file all the same."""
        if not accepted:
            return False
        lines = self._firsts
        labelled = sum(any(one.key in accepted for one in firsts) for firsts in lines)
        if len(accepted) == 1 and labelled == 1:
            return len(lines) <= _FEW_LINES
        return labelled >= _DENSE * len(lines) or any(
            one.key in accepted for firsts in lines[:_FEW_LINES] for one in firsts
        )

    def _extended(self, accepted: Collection[str]) -> dict[str, str]:
        """Labels that have a colon themselves: `Acme: Tom` where `Acme` never stands alone."""
        longer: dict[str, str] = {}
        for place in self._places:
            if len(place.candidates) < TWICE:
                continue
            for shorter, one in pairwise(_colons(place)):
                added = one.label[len(shorter.label) :].lstrip(" :\uff1a")
                if classify_label(added) in {LabelKind.NAME, LabelKind.ROLE}:
                    longer.setdefault(shorter.key, one.key)
        if not longer:
            return {}
        counts = Counter([one.key for place in self._places for one in _colons(place)])
        return {
            shorter: one
            for shorter, one in longer.items()
            if shorter in accepted and counts[shorter] == counts[one] >= TWICE
        }


def _colons(place: LineLabels) -> list[LabelCandidate]:
    """The labels with a colon at the beginning of a line."""
    return [one for one in place.candidates if one.form is LabelMarking.COLON and not one.later]
