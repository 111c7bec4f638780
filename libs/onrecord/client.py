"""The producer client: submits interviews, and reports their outcomes.

    study = Study(study_id="pilot", name="Pilot", themes=(Theme(id="price", name="Price"),))
    async with Producer(KafkaSettings()) as producer:
        submitted = await producer.submit(
            content=Path("interview-7.vtt").read_text(encoding="utf-8"),
            title="Interview 7",
            study=study,
            source="interview-7.vtt",
        )
        async for outcome in producer.settled([submitted], timeout_s=600):
            print(outcome.transcript_id, outcome.outcome, outcome.notes, outcome.reasons)

Submitting the same interview again is harmless: its ids are derived from the study, the source
and the content. A corrected interview is submitted with the next ``revision``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from aiokafka import TopicPartition, codec
from aiokafka.errors import KafkaError
from pydantic import BaseModel

from contracts import ids
from contracts.bounds import Passage
from contracts.events import TranscriptSettled, TranscriptSubmitted
from contracts.gzip_content import compress_text
from contracts.study import Study
from contracts.topics import TRANSCRIPTS_SUBMITTED
from contracts.transcript import ContentForm, Speaker, TranscriptFormat
from messaging import KafkaSettings, KafkaUnavailableError, Publisher
from messaging.codec import encode_event
from messaging.kafka.admin import list_missing_topics
from onrecord.outcomes import (
    OutcomeFilter,
    build_outcome_filter,
    fetch_outcome_end_offsets,
    read_outcomes,
    require_outcome_offsets,
)

SOURCE: Final = "/onrecord/client"
"""CloudEvents ``source`` of what this client sends by default."""

BATCH_OVERHEAD_BYTES: Final = 128
"""A batch of one record: 61 bytes of header (Kafka's message format, version 2), and the
record's own lengths and offsets."""

_MAX_BYTES_PER_CHARACTER: Final = 6
"""Bytes of a character in JSON, at most: an escape such as U+0001's."""

_COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "none": bytes,
    "gzip": codec.gzip_encode,
    "lz4": codec.lz4_encode,
    "snappy": codec.snappy_encode,
    "zstd": codec.zstd_encode,
}


def build_submission(  # noqa: PLR0913 - an interview has so many properties
    *,
    content: str,
    title: str,
    study: Study | str,
    source: str,
    revision: int = 1,
    format: TranscriptFormat | None = None,  # noqa: A002 - the word the event uses for it
    speakers: Iterable[Speaker] = (),
    recorded_at: datetime | None = None,
    accept_doubtful: bool = False,
    content_form: ContentForm = ContentForm.TEXT,
) -> TranscriptSubmitted:
    """Build the ``TranscriptSubmitted`` event that submits an interview.

    Args:
        content: the transcript's text, exactly as the vendor exported it; or its URI.
        title: what people call the interview, at most 500 characters.
        study: its themes and research questions; or the id of a registered study.
        source: names the interview within the study, such as its file name or the vendor's id;
            the transcript's id is derived from the study's id and this.
        revision: from 1; one more for each corrected version of the same interview.
        format: if it is known; found from the content if not.
        speakers: roles of speakers whose labels do not show them.
        recorded_at: when the interview took place, with its offset from UTC.
        accept_doubtful: use it although it is in doubt who speaks; else it is refused.
        content_form: ``URI`` if the content is one, which the installation has to allow; with
            ``GZIP``, the text is compressed here.

    Raises:
        pydantic.ValidationError: a value is outside what the event allows.
    """
    named = _Source(source=source)
    inline, study_id = (None, study) if isinstance(study, str) else (study, study.study_id)
    event = TranscriptSubmitted(
        transcript_id=ids.derive_transcript_id(study_id, named.source),
        revision=revision,
        title=title,
        study=inline,
        study_id=study_id if inline is None else None,
        content=content,
        format=format,
        speakers=tuple(speakers),
        recorded_at=recorded_at,
        accept_doubtful=accept_doubtful,
        content_form=ContentForm.URI if content_form is ContentForm.URI else ContentForm.TEXT,
    )
    return compress_content(event) if content_form is ContentForm.GZIP else event


def compress_content(event: TranscriptSubmitted) -> TranscriptSubmitted:
    """Return a submission event with its transcript text compressed with gzip."""
    if event.content_form is not ContentForm.TEXT:
        return event
    packed = compress_text(event.content)
    return event.model_copy(update={"content": packed, "content_form": ContentForm.GZIP})


def compress_if_too_large(event: TranscriptSubmitted, kafka: KafkaSettings) -> TranscriptSubmitted:
    """Return a submission event, with its text compressed if it is too large for its topic.

    Records are compressed as a whole unless ``KAFKA_COMPRESSION`` is ``none``; then it helps.
    """
    most = TRANSCRIPTS_SUBMITTED.max_message_bytes
    if len(event.content) < most // _MAX_BYTES_PER_CHARACTER:
        return event
    return compress_content(event) if estimate_record_bytes(event, kafka) > most else event


def estimate_record_bytes(event: TranscriptSubmitted, kafka: KafkaSettings) -> int:
    """Estimate the size in bytes of an event's Kafka record, after compression.

    The broker compares this with the topic's ``max.message.bytes``.
    """
    key, value, headers = encode_event(event, source=SOURCE)
    named = b"".join(name.encode() + (content or b"") for name, content in headers)
    return len(_COMPRESS[kafka.compression](key + value + named)) + BATCH_OVERHEAD_BYTES


async def _close_reader(reader: AsyncGenerator[TranscriptSettled, None]) -> None:
    with suppress(RuntimeError):  # another task reads on: it closes the reader
        await reader.aclose()


class _Source(BaseModel):
    """The name that an interview's id is derived from; text that can be encoded."""

    source: Passage


class Producer:
    """Kafka producer that submits interviews, and waits until the broker has them.

    Not to be shared between event loops. Calls may run at the same time; they are sent together.

    Args:
        kafka: how to reach the broker; ``KafkaSettings()`` reads it from the environment.
        source: CloudEvents ``source``: who submits, such as ``/acme/interview-portal``.
        connect_timeout_s: longest wait for a broker when entering, in seconds.
        send_timeout_s: longest wait for the broker to acknowledge a submission, in seconds.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        source: str = SOURCE,
        connect_timeout_s: float = 5.0,
        send_timeout_s: float = 30.0,
    ) -> None:
        self._kafka = kafka
        self._source = source
        self._connect_timeout_s = connect_timeout_s
        self._send_timeout_s = send_timeout_s
        self._open = AsyncExitStack()
        self._publisher: Publisher | None = None
        self._outcomes_begin: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnavailableError: no broker answers in time, or it lacks the topic.
        """
        where = self._kafka.bootstrap_servers
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await self._require_topic()
                self._outcomes_begin = await fetch_outcome_end_offsets(self._kafka)
                self._publisher = await self._open.enter_async_context(self._connected())
        except TimeoutError as error:
            raise KafkaUnavailableError(f"no broker answers at {where}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._publisher = None
        await self._open.aclose()

    async def submit(  # noqa: PLR0913 - an interview has so many properties
        self,
        *,
        content: str,
        title: str,
        study: Study,
        source: str,
        revision: int = 1,
        format: TranscriptFormat | None = None,  # noqa: A002 - the word the event uses for it
        speakers: Iterable[Speaker] = (),
        recorded_at: datetime | None = None,
        accept_doubtful: bool = False,
        content_form: ContentForm = ContentForm.TEXT,
    ) -> TranscriptSubmitted:
        """Hand an interview in; the arguments are those of ``build_submission``.

        Returns:
            The event as it was sent; its ``transcript_id`` is what notes are found by.

        Raises:
            pydantic.ValidationError: a value is outside what the event allows; nothing was sent.
            RecordTooLargeError: the compressed event is larger than the topic takes (8 MiB).
            KafkaUnavailableError: the broker did not acknowledge it; submit it again.
        """
        event = build_submission(
            content=content,
            title=title,
            study=study,
            source=source,
            revision=revision,
            format=format,
            speakers=speakers,
            recorded_at=recorded_at,
            accept_doubtful=accept_doubtful,
            content_form=content_form,
        )
        await self.send(event)
        return event

    async def send(self, event: TranscriptSubmitted) -> None:
        """Send a submission made by ``build_submission``; raises as ``submit`` does.

        Text that is too large for its topic is compressed (``compress_if_too_large``).

        Raises:
            RuntimeError: the producer is not open.
        """
        if self._publisher is None:
            raise RuntimeError("the producer is not open: use it in `async with`")
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._publisher.publish([compress_if_too_large(event, self._kafka)])
        except TimeoutError as error:
            raise KafkaUnavailableError("the broker did not acknowledge in time") from error

    def require_outcomes(self) -> None:
        """Raise if outcomes cannot be read; for who waits, before anything is submitted.

        Raises:
            KafkaUnavailableError: the topic ``transcripts-settled`` is not there, or may not be
                read.
        """
        require_outcome_offsets(self._kafka, self._outcomes_begin)

    def settled(
        self,
        submitted: Iterable[TranscriptSubmitted | UUID | OutcomeFilter],
        *,
        timeout_s: float,
    ) -> AsyncIterator[TranscriptSettled]:
        """Yield what became of interviews, in the order in which they are settled.

        Outcomes are read from the moment when this producer was opened, so none is missed
        whatever was submitted since. Ends when each interview has an outcome; one that is dead in
        part may have a better one later (see ``TranscriptSettled``). Whoever leaves before the end
        holds a connection until the producer is closed.

        Args:
            submitted: what ``submit`` returned, or ids of transcripts, for which an outcome of any
                revision and content counts, or what ``build_outcome_filter`` returned.
            timeout_s: longest wait for all of them, in seconds.

        Raises:
            NotSettledError: some were not settled in time; has their ids.
            KafkaUnavailableError: the topic ``transcripts-settled`` is not there, or may not be
                read.
        """
        expected = [
            build_outcome_filter(one, was_compressed=self._is_compressed(one)) for one in submitted
        ]
        reader = read_outcomes(self._kafka, self._outcomes_begin, expected, timeout_s=timeout_s)
        # Left before its end, it would hold its connections until it is collected.
        self._open.push_async_callback(_close_reader, reader)
        return reader

    def _is_compressed(self, submitted: TranscriptSubmitted | UUID | OutcomeFilter) -> bool:
        if not isinstance(submitted, TranscriptSubmitted):
            return False
        return compress_if_too_large(submitted, self._kafka) is not submitted

    async def _require_topic(self) -> None:
        name = self._kafka.topic(TRANSCRIPTS_SUBMITTED.name)
        try:
            missing = await list_missing_topics(self._kafka, [name])
        except KafkaError as error:
            raise KafkaUnavailableError(f"the broker refuses us: {type(error).__name__}") from error
        if missing:
            raise KafkaUnavailableError(
                f"the broker has no topic {name}: `python -m messaging topics create` makes it"
            )

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Publisher]:
        publisher = Publisher(self._kafka, source=self._source)
        try:
            yield await publisher.__aenter__()
        finally:  # also when connecting was cut short, since it has opened sockets by then
            await publisher.__aexit__(None, None, None)
