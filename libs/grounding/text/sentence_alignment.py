"""A statement's sentences laid beside the evidence: what was kept, what stands instead."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from grounding.text.alignment import kept_words
from grounding.text.terms import Term, in_sentences, terms

_KEPT = 0.65
_MARGIN = 2
_AROUND = 5
_SHORT = 60
_MOST_PLACES = 50
"""Of a word that the evidence repeats, the places around which is looked."""
_WIDEST = 200
"""Words of the evidence that may stand in place of one: a gap may be as long as the evidence."""
_SURE = 2
_SPREAD = 3
_LONGEST_SPELLED = 6


@dataclass(frozen=True)
class Laid:
    """One sentence of a statement beside all of its evidence.

    Attributes:
        sentence: the statement's terms.
        told: the evidence's terms, passage after passage.
    """

    sentence: tuple[Term, ...]
    told: tuple[Term, ...]

    @cached_property
    def kept(self) -> dict[int, int]:
        """For each term of the sentence that was kept, where it stands in the evidence."""
        return dict(kept_words(self.sentence, self.told))

    @cached_property
    def texts(self) -> frozenset[str]:
        """All forms and lemmas of the evidence."""
        return frozenset(form for one in self.told for form in (one.text, one.key))

    @cached_property
    def is_close(self) -> bool:
        """Whether the sentence keeps to the evidence's own words, so that places compare."""
        weighing = [at for at, one in enumerate(self.sentence) if one.is_content]
        weighing = weighing or list(range(len(self.sentence)))
        return bool(weighing) and sum(at in self.kept for at in weighing) >= _KEPT * len(weighing)

    def says(self, term: Term) -> bool:
        """Whether the evidence has a term, in any form."""
        return term.text in self.texts or term.key in self.texts or self._spells(term.text)

    def _spells(self, word: str) -> bool:
        """Whether the evidence spells a word letter by letter: "T.V.", "L_C_D"."""
        return 1 < len(word) <= _LONGEST_SPELLED and word in self._spelled

    @cached_property
    def _spelled(self) -> frozenset[str]:
        runs, run = set[str](), ""
        for one in (*self.told, None):
            if one is not None and len(one.text) == 1 and one.text.isalpha():
                run += one.text
            elif run:
                runs.add(run)
                run = ""
        return frozenset(runs)

    def new(self) -> Iterator[tuple[int, Term]]:
        """The terms that were not kept, with their places in the sentence."""
        return ((at, one) for at, one in enumerate(self.sentence) if at not in self.kept)

    def instead(self, at: int) -> tuple[Term, ...]:
        """What the evidence may have in place of the term ``at``.

        Where the sentence keeps to the evidence's words, that is what stands between the same
        neighbours; else whatever stands near a content word that the sentence has near the term.
        """
        if not self.is_close:
            return tuple(self.told[place] for place in self._near(at))
        begin, end = self._gap(at)
        end = min(end, begin + _WIDEST)
        taken = self._taken
        return tuple(self.told[place] for place in range(begin, end) if place not in taken)

    def together(self, keys: Collection[str]) -> float:
        """The largest share of some lemmas that the evidence has within a few sentences' length."""
        wanted = set(keys)
        if not wanted:
            return 1.0
        reach = _SPREAD * len(self.sentence) + _SPREAD
        within: deque[tuple[int, str]] = deque()
        counts: Counter[str] = Counter()
        most = 0
        for at, one in enumerate(self.told):
            if one.key not in wanted:
                continue
            within.append((at, one.key))
            counts[one.key] += 1
            while at - within[0][0] > reach:
                _, left = within.popleft()
                counts[left] -= 1
                if not counts[left]:
                    del counts[left]
            most = max(most, len(counts))
        return most / len(wanted)

    def _near(self, at: int) -> list[int]:
        """Places where the evidence is about what the sentence says around ``at``.

        One shared word shows it in a quote; in a whole interview it takes two.
        """
        begin, end = max(0, at - _AROUND), at + _AROUND + 1
        about = {
            one.key
            for step, one in enumerate(self.sentence[begin:end], start=begin)
            if one.is_content and step != at
        }
        shared: Counter[int] = Counter()
        for key in about:
            around = {
                place
                for found in self._places.get(key, ())
                for place in range(found - _AROUND, found + _AROUND + 1)
            }
            shared.update(around)
        needed = 1 if len(self.told) <= _SHORT else _SURE
        return sorted(
            place
            for place, count in shared.items()
            if count >= needed and 0 <= place < len(self.told)
        )

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for at, one in enumerate(self.told):
            found = places.setdefault(one.key, [])
            if len(found) < _MOST_PLACES:
                found.append(at)
        return places

    @cached_property
    def _steps(self) -> list[int]:
        return sorted(self.kept)

    @cached_property
    def _taken(self) -> frozenset[int]:
        return frozenset(self.kept.values())

    def _gap(self, at: int) -> tuple[int, int]:
        steps = self._steps
        before, after = bisect_left(steps, at), bisect_right(steps, at)
        left = steps[before - 1] if before else None
        right = steps[after] if after < len(steps) else None
        if left is None and right is None:
            return 0, 0
        if left is None:
            assert right is not None
            end = self.kept[right]
            return max(0, end - right - _MARGIN), end
        begin = self.kept[left] + 1
        if right is None:
            return begin, min(len(self.told), begin + len(self.sentence) - left - 1 + _MARGIN)
        return begin, self.kept[right]


def lay(statement: str, quotes: Sequence[str]) -> tuple[Laid, ...]:
    """Each sentence of a statement laid beside its quotes."""
    told = tuple(one for quote in quotes for one in terms(quote))
    return tuple(Laid(sentence, told) for sentence in in_sentences(terms(statement)))
