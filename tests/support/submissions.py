"""Interviews to submit, as a producer makes them."""

from __future__ import annotations

from uuid import UUID

from contracts.events import TranscriptSubmitted
from contracts.ids import derive_id
from contracts.transcript import ContentForm
from support.chunks import STUDY


def submitted(name: str, content: str, form: ContentForm = ContentForm.TEXT) -> TranscriptSubmitted:
    """Return the submission of an interview, with the id that belongs to its name."""
    return TranscriptSubmitted(
        transcript_id=derive_id("interview", UUID(int=0), name),
        title=name,
        study=STUDY,
        content=content,
        content_form=form,
    )
