"""Align a statement's sentences with the evidence: which words match, and what stands in place."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from grounding.text.alignment import align_words
from grounding.text.terms import Term, group_terms_by_sentence, split_terms

# Share of a sentence's content words that are matched, from which on its places compare: below it
# a paraphrase has its own word order, and "the same place" means nothing.
_CLOSE_SHARE = 0.65
# Terms beyond a gap's own length: a speaker may take a word or two more than the note.
_MARGIN = 2
# Terms before and after one that are about the same.
_AROUND = 5
# Terms of evidence up to which one shared word shows that both are about the same.
_SHORT_EVIDENCE = 60
_MAX_PLACES = 50
"""Of a word that the evidence repeats, the places around which is looked."""
_WIDEST = 200
"""Words of the evidence that may stand in place of one: a gap may be as long as the evidence."""
# Shared words that longer evidence needs: in a whole interview any word occurs somewhere.
_SHARED_IN_LONG_EVIDENCE = 2
# Lengths of the sentence within which the evidence has to have its words together.
_SPREAD = 3
_LONGEST_SPELLED = 6


@dataclass(frozen=True)
class SentenceAlignment:
    """Alignment of one sentence of a statement with the words of the statement's quotes.

    Attributes:
        sentence: the statement's terms.
        evidence: the evidence's terms, passage after passage.
    """

    sentence: tuple[Term, ...]
    evidence: tuple[Term, ...]

    @cached_property
    def matched(self) -> dict[int, int]:
        """For each matched term of the sentence, its index in the evidence."""
        return dict(align_words(self.sentence, self.evidence))

    @cached_property
    def evidence_forms(self) -> frozenset[str]:
        """All forms and lemmas of the evidence."""
        return frozenset(form for one in self.evidence for form in (one.text, one.key))

    @cached_property
    def is_close(self) -> bool:
        """Whether the sentence keeps to the evidence's own words, so that places compare."""
        compared = [at for at, one in enumerate(self.sentence) if one.is_content]
        # "It is." has no content words: then all of its words have to be the evidence's own.
        compared = compared or list(range(len(self.sentence)))
        return bool(compared) and sum(at in self.matched for at in compared) >= _CLOSE_SHARE * len(
            compared
        )

    def has_term(self, term: Term) -> bool:
        """Return whether the evidence has a term, in any form."""
        return (
            term.text in self.evidence_forms
            or term.key in self.evidence_forms
            or self._is_spelled_out(term.text)
        )

    def _is_spelled_out(self, word: str) -> bool:
        """Return whether the evidence spells a word letter by letter: "T.V.", "L_C_D"."""
        return 1 < len(word) <= _LONGEST_SPELLED and word in self._spelled_out

    @cached_property
    def _spelled_out(self) -> frozenset[str]:
        runs, run = set[str](), ""
        for one in (*self.evidence, None):  # None ends the last run
            if one is not None and len(one.text) == 1 and one.text.isalpha():
                run += one.text
            elif run:
                runs.add(run)
                run = ""
        return frozenset(runs)

    def iter_unmatched(self) -> Iterator[tuple[int, Term]]:
        """Yield the terms that were not matched, with their indices in the sentence."""
        return ((at, one) for at, one in enumerate(self.sentence) if at not in self.matched)

    def list_counterparts(self, at: int) -> tuple[Term, ...]:
        """Return what the evidence may have in place of the term ``at``.

        Where the sentence keeps to the evidence's words, that is what stands between the same
        neighbours; else whatever stands near a content word that the sentence has near the term.
        """
        if not self.is_close:
            return tuple(self.evidence[place] for place in self._find_nearby(at))
        begin, end = self._find_gap(at)
        end = min(end, begin + _WIDEST)
        # What another word of the sentence was matched with cannot stand in this one's place.
        taken = self._matched_evidence
        return tuple(self.evidence[place] for place in range(begin, end) if place not in taken)

    def compute_nearby_share(self, keys: Collection[str]) -> float:
        """Return the largest share of some lemmas that the evidence has within a few sentences."""
        wanted = set(keys)
        if not wanted:
            return 1.0
        # A window slides over the evidence and counts the wanted lemmas within it, so that each
        # place is entered and left once, however long the evidence is.
        reach = _SPREAD * len(self.sentence) + _SPREAD
        within: deque[tuple[int, str]] = deque()
        counts: Counter[str] = Counter()
        most = 0
        for at, one in enumerate(self.evidence):
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

    def _find_nearby(self, at: int) -> list[int]:
        """Return places where the evidence is about what the sentence says around ``at``.

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
                for found in self._places_by_lemma.get(key, ())
                for place in range(found - _AROUND, found + _AROUND + 1)
            }
            shared.update(around)
        needed = 1 if len(self.evidence) <= _SHORT_EVIDENCE else _SHARED_IN_LONG_EVIDENCE
        return sorted(
            place
            for place, count in shared.items()
            if count >= needed and 0 <= place < len(self.evidence)
        )

    @cached_property
    def _places_by_lemma(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for at, one in enumerate(self.evidence):
            found = places.setdefault(one.key, [])
            # Hostile evidence repeats one word thousands of times.
            if len(found) < _MAX_PLACES:
                found.append(at)
        return places

    @cached_property
    def _matched_places(self) -> list[int]:
        return sorted(self.matched)

    @cached_property
    def _matched_evidence(self) -> frozenset[int]:
        return frozenset(self.matched.values())

    def _find_gap(self, at: int) -> tuple[int, int]:
        steps = self._matched_places
        before, after = bisect_left(steps, at), bisect_right(steps, at)
        left = steps[before - 1] if before else None
        right = steps[after] if after < len(steps) else None
        if left is None and right is None:
            return 0, 0  # nothing is matched, so that no place corresponds
        if left is None:
            assert right is not None
            end = self.matched[right]
            return max(0, end - right - _MARGIN), end
        begin = self.matched[left] + 1
        if right is None:
            return begin, min(len(self.evidence), begin + len(self.sentence) - left - 1 + _MARGIN)
        return begin, self.matched[right]


def align_sentences_with_quotes(
    statement: str, quotes: Sequence[str]
) -> tuple[SentenceAlignment, ...]:
    """Align each sentence of a statement with the words of the statement's quotes."""
    evidence = tuple(one for quote in quotes for one in split_terms(quote))
    return tuple(
        SentenceAlignment(sentence, evidence)
        for sentence in group_terms_by_sentence(split_terms(statement))
    )
