"""Models of notes: drafted by a model, checked by the guardrail, stored with evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from contracts.bounds import (
    MAX_CHUNK_ENTRIES,
    MAX_EXACT_INTEGER,
    STORABLE,
    CharacterIndex,
    Name,
    Number,
    Passage,
    Tokens,
)
from contracts.study import ContractModel, Identifier, StatementPolicy
from contracts.transcript import Milliseconds, Role, SpeakerLabel

Statement = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), STORABLE
]

FirstOrLastWords = Annotated[str, Field(max_length=300), STORABLE]

VoucherDetail = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), STORABLE
]


class Standing(StrEnum):
    """Standing of a note: how well its statement is proven, from `verbatim` to `refuted`.

    Attributes:
        VERBATIM: it is the quote's own words, tidied by known rules.
        PROVEN: code accounted for every part of it in the quotes.
        CONFIRMED: a judging or an entailment model found that the quotes support it.
        UNPROVEN: nothing vouches for it and nothing refutes it.
        REFUTED: a check refuted it; such a draft is a `RejectedNote`, never a `Note`.
    """

    VERBATIM = "verbatim"
    PROVEN = "proven"
    CONFIRMED = "confirmed"
    UNPROVEN = "unproven"
    REFUTED = "refuted"


class VoucherKind(StrEnum):
    """Kind of proof of a note's statement: a rule, a judging model or an entailment model."""

    RULE = "rule"
    JUDGE = "judge"
    ENTAILMENT = "entailment"


_VOUCHING_KINDS: Final = {
    Standing.VERBATIM: frozenset({VoucherKind.RULE}),
    Standing.PROVEN: frozenset({VoucherKind.RULE}),
    Standing.CONFIRMED: frozenset({VoucherKind.JUDGE, VoucherKind.ENTAILMENT}),
}
"""Kinds of vouchers of which a note of a standing has at least one."""

_PROVEN: Final = frozenset({Standing.VERBATIM, Standing.PROVEN, Standing.CONFIRMED})

_SHOWN_STANDINGS: Final = {
    StatementPolicy.PROVEN: _PROVEN,
    StatementPolicy.CONFIRMED: _PROVEN,
    StatementPolicy.ALL: _PROVEN | {Standing.UNPROVEN},
    StatementPolicy.QUOTES: frozenset[Standing](),
}


def shows_statement(standing: Standing, policy: StatementPolicy) -> bool:
    """Return whether a study's policy shows statements of a given standing, such as proven.

    Where it is not, readers see the quote first and the statement only as the model's reading.
    A refuted statement is never shown as a finding.
    """
    return standing in _SHOWN_STANDINGS[policy]


class DraftEvidence(ContractModel):
    """Citation in a draft note: a segment, and the first and last words of the quoted part."""

    segment: int = Field(
        ge=-MAX_EXACT_INTEGER, le=MAX_EXACT_INTEGER, description="The number of the segment."
    )
    first_words: FirstOrLastWords = Field("", description="How the passage begins.")
    last_words: FirstOrLastWords = Field("", description="How the passage ends.")


class DraftNote(ContractModel):
    """Note as proposed by the model, not yet checked: a statement with its citations."""

    statement: Statement = Field(description="What a participant said, in the model's words.")
    evidence: tuple[DraftEvidence, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Passages that bear it out."
    )
    themes: tuple[Name, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Ids of the themes it belongs under."
    )
    questions: tuple[Name, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Ids of the questions it helps to answer."
    )


class Evidence(ContractModel):
    """Exact quote from a segment, with its start and length there in code points."""

    segment: Number = Field(description="The number of the segment.")
    start: CharacterIndex = Field(description="Index of the first character, from 0.")
    length: Number = Field(description="Number of characters.")
    quote: Passage = Field(min_length=1, description="The transcript's own words, copied by code.")
    speaker: SpeakerLabel = Field(description="Who said it.")
    role: Role = Field(description="What the speaker is in the interview.")
    start_ms: Milliseconds | None = Field(None, description="When the quote begins, if known.")
    end_ms: Milliseconds | None = Field(None, description="When the quote ends, if known.")
    masked_quote: Passage | None = Field(
        None,
        description="The quote as others may see it, where a study masks or rejects personal data.",
    )


class CheckFailure(ContractModel):
    """Failure of a draft note in one check, with the reason."""

    check: Name = Field(description="The check's name, such as `quote_not_found`.")
    reason: Passage = Field(description="One sentence a researcher understands.")
    claim: Passage = Field("", description="The part of the note that failed.")
    evidence: Passage = Field("", description="The passage it was compared with.")


class Voucher(ContractModel):
    """Proof of a note's statement: the rule or model that confirms it, with an explanation."""

    kind: VoucherKind = Field(
        description="What vouches: a `rule` in code, a `judge` (a model that was asked about the "
        "note), or an `entailment` model that scored it."
    )
    name: Name = Field(min_length=1, description="The name of the rule or of the model.")
    detail: VoucherDetail = Field(description="One sentence a researcher understands.")


class Note(ContractModel):
    """Accepted note: a statement with the exact quotes that support it."""

    note_id: UUID = Field(description="UUIDv5 of the chunk, the statement and its evidence.")
    statement: Statement = Field(description="What a participant said, in the model's words.")
    evidence: tuple[Evidence, ...] = Field(
        min_length=1, max_length=MAX_CHUNK_ENTRIES, description="The quotes behind it."
    )
    themes: tuple[Identifier, ...] = Field(
        min_length=1, max_length=MAX_CHUNK_ENTRIES, description="Ids of the study's themes."
    )
    questions: tuple[Identifier, ...] = Field(
        (), max_length=MAX_CHUNK_ENTRIES, description="Ids of the study's questions."
    )
    flags: tuple[CheckFailure, ...] = Field(
        (),
        max_length=MAX_CHUNK_ENTRIES,
        description="Checks it did not pass, which let it pass with a flag.",
    )
    standing: Standing = Field(
        Standing.UNPROVEN,
        description="What vouches for the statement: `verbatim` and `proven` by a rule, "
        "`confirmed` by a judging or entailment model, `unproven` by nothing. Never `refuted`: "
        "such a note is among the rejected ones.",
    )
    vouchers: tuple[Voucher, ...] = Field(
        (),
        max_length=100,
        description="What vouches for the statement; at least one unless it is `unproven`.",
    )

    @model_validator(mode="after")
    def _standing_has_a_voucher(self) -> Self:
        if self.standing is Standing.REFUTED:
            raise ValueError("a refuted note is a rejected one")
        needed = _VOUCHING_KINDS.get(self.standing)
        if needed and needed.isdisjoint(one.kind for one in self.vouchers):
            kinds = " or ".join(sorted(needed))
            raise ValueError(f"a note that is {self.standing} needs a voucher by {kinds}")
        return self


class RejectedNote(ContractModel):
    """Draft note that was rejected, with the reasons; its standing is always `refuted`."""

    draft: DraftNote = Field(description="The note as the model offered it.")
    failures: tuple[CheckFailure, ...] = Field(
        min_length=1, max_length=MAX_CHUNK_ENTRIES, description="Why it was refused."
    )


class Usage(ContractModel):
    """Token counts of a model call, as the endpoint reported them."""

    input_tokens: Tokens = Field(0, description="Tokens of the prompt, cached ones included.")
    cached_tokens: Tokens = Field(
        0, description="Those of the prompt's that the provider had in its own cache."
    )
    output_tokens: Tokens = Field(0, description="Tokens of the answer.")
