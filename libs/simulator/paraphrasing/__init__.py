"""Paraphrasing mode: notes as a careless model words them, each labelled as true or false.

A true note tells a participant's sentence tidied, or in other words. A false one is changed in one
of the ways in which models get interviews wrong (`FalseNoteKind`), by a template over the real
passage, so that nearly all of its words stand there. Labels are not in the notes: the simulator's
journal lists them, and `write_labelled_notes` gives the same notes for the same passage, rates and
seed.
"""

from __future__ import annotations

from simulator.paraphrasing.kinds import FalseNoteKind, ParaphrasingRates, TrueNoteKind
from simulator.paraphrasing.writer import LabelledNote, write_labelled_notes

__all__ = [
    "FalseNoteKind",
    "LabelledNote",
    "ParaphrasingRates",
    "TrueNoteKind",
    "write_labelled_notes",
]
