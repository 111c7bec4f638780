"""Settings of the ingestion service (``INGESTION_*``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contracts.topics import MIB
from ingestion.domain import ChunkSizes
from messaging import StageSettings
from processes import TaskLimits


class IngestionSettings(StageSettings):
    """Settings of how interviews are parsed and cut into chunks."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_", frozen=True)

    max_in_flight: int = Field(2, ge=1, description="Interviews worked on at the same time.")
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
        description="Most talk the model gets in one call, in characters, four of which are "
        "counted as a token, as is one of Chinese, Japanese or Korean; a longer turn is cut.",
    )
    context_characters: int = Field(
        800, ge=0, description="Most of the talk before that goes along, in characters likewise."
    )

    @property
    def bounds(self) -> TaskLimits:
        """Limits on time, CPU and memory of reading one interview."""
        return TaskLimits(self.read_timeout_s, self.read_cpu_s, self.read_memory_mib * MIB)

    @property
    def chunk_sizes(self) -> ChunkSizes:
        """Sizes of chunks and of their context."""
        return ChunkSizes(self.chunk_characters, self.context_characters)
