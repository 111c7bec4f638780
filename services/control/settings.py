"""Settings of control (``CONTROL_*``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from contracts.topics import PIPELINE
from control.access.oidc.settings import is_secure_url
from embeddings import open_embedding_model
from messaging import StageSettings


class ControlSettings(StageSettings):
    """Settings of the control service, which indexes and replays dead letters."""

    model_config = SettingsConfigDict(env_prefix="CONTROL_", frozen=True)

    # Letters are indexed together; submissions wait for one of the pool's connections each.
    max_in_flight: int = Field(
        512, ge=1, description="Records indexed at the same time; letters of a DLQ go together."
    )
    # Of submissions and of all services' letters together, each of which may have 64 MiB.
    max_in_flight_bytes: int = Field(
        16 * 1024 * 1024,
        ge=1,
        description="No record is indexed while those being indexed have so many bytes or more.",
    )
    read_ahead_bytes: int = Field(
        16 * 1024 * 1024,
        ge=1,
        description="Bytes of records held until they are indexed, of all topics together; one "
        "record may be larger.",
    )
    read_timeout_s: float = Field(4.0, gt=0, description="Longest wait for a letter's bytes.")
    max_transcript_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1,
        description="Most bytes of the body of `POST /v1/transcripts`, decompressed too.",
    )
    upload_timeout_s: float = Field(
        600.0,
        gt=0,
        description="Longest that the body of `POST /v1/transcripts` may take, in seconds; then "
        "the answer is 408.",
    )
    upload_min_bytes_per_s: float = Field(
        16_384.0,
        gt=0,
        description="Fewest bytes a second, on average, at which such a body has to come, from "
        "its tenth second on; else the answer is 408.",
    )
    requests_per_s: float = Field(
        400.0,
        gt=0,
        description="Most requests over HTTP that one access token may make each second, and twice "
        "as many at once; of one replica.",
    )
    plans_kept_days: float = Field(
        90.0,
        gt=0,
        le=36_500,
        description="How long a replay plan that is finished or cancelled is kept, in days.",
    )
    open_letters_kept_days: float = Field(
        180.0,
        gt=0,
        le=36_500,
        description="How long an open dead letter is kept, in days; then it expires. A study's own "
        "retention, if that is shorter, goes before.",
    )
    closed_letters_kept_days: float = Field(
        30.0,
        gt=0,
        le=36_500,
        description="The same of letters that were replayed, discarded or expired, from then on.",
    )
    expiry_warning_days: float = Field(
        7.0, ge=0, le=36_500, description="How many days before open letters expire control warns."
    )
    backups_kept_days: float | None = Field(
        None,
        gt=0,
        le=36_500,
        description="How long backups of the database and of the broker are kept, in days, as "
        "those who make them say; receipts of erasures state it. Unset: they say it is not known.",
    )
    providers_keep_days: float | None = Field(
        None,
        ge=0,
        le=36_500,
        description="How long the providers of models keep requests, in days, as contracts say; "
        "receipts of erasures state it. Unset: they say it is not known.",
    )
    heavy_requests: int = Field(
        4,
        ge=1,
        description="Requests over HTTP that take much memory or time (submissions, letters' "
        "values, replays of many, audits) that run at once; others wait "
        "CONTROL_HEAVY_WAIT_S and are refused then, and light ones never wait for them. One access "
        "token has all of these places but one at most.",
    )
    heavy_wait_s: float = Field(
        2.0, ge=0, description="Longest that such a request waits for its turn, in seconds."
    )
    open_registration: bool = Field(
        default=False,
        description="Whether `POST /v1/transcripts` takes studies that nobody has registered, for "
        "ingestion to register: as INGESTION_OPEN_REGISTRATION. Else they are refused (404).",
    )
    admin_token_file: Path | None = Field(
        None,
        description="A file with an access token that has the role `admin`; it is made, for its "
        "owner alone to read, if it is not there. Without it, tokens are made by those there are.",
    )
    public_url: str = Field(
        "",
        description="The address by which browsers call control, such as "
        "`https://control.example.org`, without a path; its host has to be among the allowed "
        "ones. Without it, browsers log in on loopback only.",
    )
    stage_urls: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="Where the other services answer over HTTP, such as "
        "`enrichment=http://enrichment:8080`, comma separated. Control asks there whether they are "
        "ready, resumes those that stopped, and rehearses replays, with the token in "
        "CONTROL_OPERATOR_TOKEN_FILE, which has to be theirs. A name with several addresses is of "
        "several replicas. What is not named is not resumed, and its letters are not rehearsed.",
    )
    embedding_model: Path | None = Field(
        None,
        description="A folder with an embedding model (`model.onnx`, `tokenizer.json`), such as "
        "`make embeddings` makes: with it, and with the extension `vector` in PostgreSQL, texts "
        "are found by meaning (`onrecord search --like`).",
    )
    session_idle_s: float = Field(
        3_600,
        ge=300,
        description="A browser's session ends after so long without a request, in seconds.",
    )
    session_lifetime_s: float = Field(
        43_200, ge=300, description="A browser's session ends after so long, in seconds."
    )

    @field_validator("stage_urls", mode="before")
    @classmethod
    def _split_stages(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = (part.strip().partition("=") for part in value.split(",") if part.strip())
        return {name.strip(): url.strip().rstrip("/") for name, _, url in parts}

    @field_validator("stage_urls")
    @classmethod
    def _are_stages(cls, urls: dict[str, str]) -> dict[str, str]:
        for name, url in urls.items():
            if name not in PIPELINE:
                raise ValueError(f"{name} is none of {', '.join(PIPELINE)}")
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{name}: is no http or https address")
        return urls

    @field_validator("embedding_model")
    @classmethod
    def _is_usable_model(cls, folder: Path | None) -> Path | None:
        if folder is not None:
            open_embedding_model(folder)
        return folder

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, url: str) -> str:
        if url and (not is_secure_url(url) or url.count("/") > len("//")):
            raise ValueError("is no https address without a path")
        return url
