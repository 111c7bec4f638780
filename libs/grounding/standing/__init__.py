"""Determine the standing of a note that passes the checks: what in code vouches for its statement.

A whitelist: each rule recognizes statements that it can account for whole, and what no rule
recognizes is unproven. `determine_standing` is all that the rest of the system calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.notes import Standing, Voucher
from grounding.checks.base import CheckContext
from grounding.standing.answers import join_answers_with_questions
from grounding.standing.names import unify_speaker_labels
from grounding.standing.proof import prove_statement
from grounding.standing.rules import derive_standing
from grounding.standing.turns import list_turns

__all__ = ["UNPROVEN", "StandingResult", "determine_standing"]


@dataclass(frozen=True, slots=True)
class StandingResult:
    """Standing of a note (verbatim, proven or unproven), with the rules that prove it."""

    standing: Standing
    vouchers: tuple[Voucher, ...] = ()


UNPROVEN: Final = StandingResult(Standing.UNPROVEN)
"""The standing of a note for which no rule vouches."""


def determine_standing(context: CheckContext) -> StandingResult:
    """Determine whether a note's statement is verbatim, proven by rules, or unproven.

    Args:
        context: the note, its chunk and its evidence.

    Returns:
        ``verbatim`` or ``proven`` with the rules that vouch for it, or ``unproven``. Never raises.
    """
    if not context.is_cited:
        return UNPROVEN
    statement, labels = context.draft.statement, context.labels
    turns = list_turns(context.chunk, labels, context.citations.found)
    names = unify_speaker_labels(labels)
    proof = prove_statement(statement, names, turns)
    if not proof.matches and (answers := join_answers_with_questions(turns)):
        proof = prove_statement(statement, names, answers)
    if not proof.matches:
        return UNPROVEN
    standing, voucher = derive_standing(statement, proof.matches)
    return StandingResult(standing, (voucher,))
