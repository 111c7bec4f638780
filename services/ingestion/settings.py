"""Settings of the ingestion service (``INGESTION_*``)."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from contracts.topics import MIB
from ingestion.content import MAX_CONTENT_BYTES
from ingestion.domain import ChunkSizes
from ingestion.fetching import FetchLimits
from ingestion.uris import AllowedUris
from messaging import StageSettings
from processes import TaskLimits


class IngestionSettings(StageSettings):
    """Settings of the ingestion service, which parses interviews and splits them into chunks."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_", frozen=True)

    max_in_flight: int = Field(
        8,
        ge=1,
        description="Interviews worked on at the same time, most of which wait to be read.",
    )
    max_large_in_flight: int | None = Field(
        1,
        ge=1,
        description="Large submissions worked on at the same time, so that the others have places "
        "too; as many as others if not set.",
    )
    max_message_bytes: int = Field(
        32 * MIB,
        ge=1,
        description="Most bytes of a submission's key and value; a larger one is a dead letter.",
    )
    max_json_values: int = Field(
        100_000,
        ge=1,
        description="Most values that a submission's JSON may be made of; what its content holds "
        "does not count.",
    )
    allowed_content: str = Field(
        "",
        description="URIs, with blanks between them, below which a submission's content may lie: "
        "https://host/folder/ and file:///folder/; none by default.",
    )
    allow_loopback: bool = Field(
        default=False,
        description="Whether content may also be fetched by http and from loopback addresses; for "
        "tests.",
    )
    fetch_timeout_s: float = Field(
        30.0,
        gt=0,
        description="How long fetching a file by its URI may take, in seconds; one that takes "
        "longer is tried again later.",
    )
    fetch_ca_file: Path | None = Field(
        None,
        description="PEM file of the authorities that sign the certificates of servers with "
        "content; those of the operating system by default.",
    )
    max_content_bytes: int = Field(
        MAX_CONTENT_BYTES,
        ge=1,
        description="Most bytes of a file that is compressed or fetched by its URI, before and "
        "after decompression; a larger one is a dead letter.",
    )
    processes: int = Field(
        1,
        ge=1,
        description="Processes that read interviews; each may take INGESTION_READ_MEMORY_MIB.",
    )
    read_cpu_s: float = Field(
        15.0,
        gt=0,
        description="CPU time that reading one interview may take, in seconds; one that needs more "
        "is a dead letter at once (`too_large`).",
    )
    read_memory_mib: int = Field(
        144,
        ge=64,
        description="Memory that reading one interview may take in its process, in MiB; one that "
        "needs more is a dead letter at once (`too_large`).",
    )
    read_timeout_s: float = Field(
        100.0,
        gt=0,
        description="How long reading one interview may take by the clock, in seconds; one that "
        "takes longer is tried again later.",
    )
    chunk_characters: int = Field(
        6_000,
        ge=500,
        description="Most talk the model gets in one call, in characters of English, four of which "
        "are counted as a token; letters of other scripts count as half a token (Cyrillic) to "
        "three (Amharic). A longer turn is cut.",
    )
    context_characters: int = Field(
        800, ge=0, description="Most of the talk before that goes along, in characters likewise."
    )

    open_registration: bool = Field(
        default=False,
        description="Whether a study that comes with a submission is registered by it, if there is "
        "none of its id, and its own themes and questions count; else only registered studies take "
        "interviews. On in the local stack.",
    )
    study_cache_s: float = Field(
        2.0,
        ge=0,
        le=60,
        description="How long a registered study that was looked up is used, in seconds: a change "
        "counts after that.",
    )

    @model_validator(mode="after")
    def _check_allowed_content(self) -> Self:
        assert self.allowed_uris is not None
        return self

    @property
    def allowed_uris(self) -> AllowedUris:
        """Places that content may be fetched from."""
        return AllowedUris.parse(self.allowed_content, allows_loopback=self.allow_loopback)

    @property
    def fetch_limits(self) -> FetchLimits:
        """Limits of fetching one file."""
        return FetchLimits(self.max_content_bytes, self.fetch_timeout_s)

    @property
    def limits(self) -> TaskLimits:
        """Limits on time, CPU and memory of reading one interview."""
        return TaskLimits(self.read_timeout_s, self.read_cpu_s, self.read_memory_mib * MIB)

    @property
    def chunk_sizes(self) -> ChunkSizes:
        """Sizes of chunks and of their context."""
        return ChunkSizes(self.chunk_characters, self.context_characters)
