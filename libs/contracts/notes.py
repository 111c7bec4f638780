"""Models of notes: drafted by a model, checked by the guardrail, stored with evidence."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

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
from contracts.study import ContractModel, Identifier
from contracts.transcript import Milliseconds, Role, SpeakerLabel

Statement = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), STORABLE
]

FirstOrLastWords = Annotated[str, Field(max_length=300), STORABLE]


class DraftEvidence(ContractModel):
    """Reference by the model to a supporting passage: its place, not its text."""

    segment: int = Field(
        ge=-MAX_EXACT_INTEGER, le=MAX_EXACT_INTEGER, description="The number of the segment."
    )
    first_words: FirstOrLastWords = Field("", description="How the passage begins.")
    last_words: FirstOrLastWords = Field("", description="How the passage ends.")


class DraftNote(ContractModel):
    """Statement as the model proposes it, not yet checked, with its evidence."""

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
    """Exact quote from a segment, with its place there in code points."""

    segment: Number = Field(description="The number of the segment.")
    start: CharacterIndex = Field(description="Index of the first character, from 0.")
    length: Number = Field(description="Number of characters.")
    quote: Passage = Field(min_length=1, description="The transcript's own words, copied by code.")
    speaker: SpeakerLabel = Field(description="Who said it.")
    role: Role = Field(description="What the speaker is in the interview.")
    start_ms: Milliseconds | None = Field(None, description="When the quote begins, if known.")
    end_ms: Milliseconds | None = Field(None, description="When the quote ends, if known.")
    masked_quote: Passage | None = Field(
        None, description="The quote as others may see it, where the study masks personal data."
    )


class CheckFailure(ContractModel):
    """Failure of one check of a draft note, with its reason."""

    check: Name = Field(description="The check's name, such as `quote_not_found`.")
    reason: Passage = Field(description="One sentence a researcher understands.")
    claim: Passage = Field("", description="The part of the note that failed.")
    evidence: Passage = Field("", description="The passage it was compared with.")


class Note(ContractModel):
    """Accepted statement with the quotes that support it."""

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


class RejectedNote(ContractModel):
    """Rejected draft note, with the reasons."""

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
