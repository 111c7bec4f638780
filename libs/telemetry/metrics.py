"""All metrics of onrecord: names, types, units, labels with their bounds, and meanings.

The code that counts imports them from here; a metric made anywhere else fails a test. Names are
public: dashboards and alerts rely on them. ``docs/metrics.md`` is made from this module.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from contracts.errors import ErrorCode
from contracts.notes import Standing
from contracts.topics import ALL_TOPICS, CONTROL, PIPELINE, RETRY_DELAYS_S
from contracts.transcript import TranscriptFormat
from telemetry.label_bounds import Label, Named, OneOf
from telemetry.metric_types import define, define_callback_gauge, define_labelled

MAX_PRODUCERS: Final = 20
"""Producers with a label of their own: anybody may write any name into a message."""

MAX_ANSWERING_MODELS: Final = 10
"""Models with a label of their own that no setting names: an endpoint answers with any name."""

SERVICES: Final = Named("the services' names", (*PIPELINE, CONTROL))
TOPICS: Final = Named(
    "the topics that the service reads; with the prefix from settings in "
    "`onrecord_log_faults_total` and `onrecord_corrupt_batches_total`, without it in others",
    (topic.name for topic in ALL_TOPICS),
)
MODELS: Final = Named(
    f"the models that settings name, and the first {MAX_ANSWERING_MODELS} other names by which "
    "endpoints answer",
    first=MAX_ANSWERING_MODELS,
)
PRODUCERS: Final = Named(
    f"our services, `unknown` for a message that does not say, and the first {MAX_PRODUCERS} other "
    "producers",
    (*(f"/onrecord/{service}" for service in PIPELINE), "unknown"),
    first=MAX_PRODUCERS,
)
CODES: Final = OneOf((one.value for one in ErrorCode), "error codes (docs/runbook.md)")

_SERVICE: Final = Label("service", SERVICES)
_TOPIC: Final = Label("topic", TOPICS)
_MODEL: Final = Label("model", MODELS)
_CODE: Final = Label("code", CODES)
PAUSE_REASONS: Final = (
    "llm_unavailable",
    "database_unavailable",
    "kafka_unavailable",
    "failures",
    "starting",
)
"""Why a stage handles nothing: an outage's code, that it stopped, or that it starts."""

_PAUSE_REASON: Final = Label("reason", OneOf(PAUSE_REASONS))

_FORMAT: Final = Label(
    "format", OneOf((one.value for one in TranscriptFormat), "transcript formats (docs/formats.md)")
)

_DURATIONS_S: Final = (
    0.001,
    0.005,
    0.025,
    0.1,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1_800.0,
)
"""Upper bounds of histograms of durations, in seconds."""

# Messages and their topics

DEAD_LETTERS: Final = define_labelled(
    Counter,
    "onrecord_dead_letters",
    "Messages set aside, by why, and by who wrote them (CloudEvents source): "
    "`unknown` if they do not say, `other` beyond the first few producers.",
    _SERVICE,
    _CODE,
    Label("producer", PRODUCERS),
    unit="messages",
)
MESSAGES_RECEIVED: Final = define_labelled(
    Counter,
    "onrecord_messages_received",
    "Messages that were fetched to be handled, those of retry topics included.",
    _SERVICE,
    _TOPIC,
    unit="messages",
)
MESSAGES_HANDLED: Final = define_labelled(
    Counter,
    "onrecord_messages_handled",
    "How deliveries ended: `done`, `retried` (in a retry topic, or held there), `dead` (a dead "
    "letter), `discarded` (of an interview that was erased, in ingestion and enrichment, or "
    "deleted from a retry topic before it was due); `outage` counts tries that met an outage, "
    "whose message stays.",
    _SERVICE,
    Label("outcome", OneOf(("done", "retried", "dead", "discarded", "outage"))),
    unit="messages",
)
MESSAGES_IN_FLIGHT: Final = define_callback_gauge(
    "onrecord_messages_in_flight",
    "Messages that are handled now, or whose results wait for the broker's acknowledgement.",
    _SERVICE,
    unit="messages",
)
HANDLING_SECONDS: Final = define_labelled(
    Histogram,
    "onrecord_handling_seconds",
    "How long handlers took, with their tries in place; one observation a delivery, each of a "
    "batch with the time of the whole batch, and one more for each try that met an outage.",
    _SERVICE,
    unit="seconds",
    buckets=_DURATIONS_S,
)
QUEUE_WAIT_SECONDS: Final = define_labelled(
    Histogram,
    "onrecord_queue_wait_seconds",
    "How long messages waited in memory from fetch to begin; those of retry topics that were "
    "fetched before they were due from then on.",
    _SERVICE,
    unit="seconds",
    buckets=_DURATIONS_S,
)
RETRIES: Final = define_labelled(
    Counter,
    "onrecord_retries",
    "Messages that were written to a retry topic to be tried again later.",
    _SERVICE,
    Label("tier", OneOf(map(str, range(len(RETRY_DELAYS_S))), "the retry topics' numbers")),
    unit="messages",
)
STAGE_PAUSED: Final = define_callback_gauge(
    "onrecord_stage_paused",
    "1 while the service is not ready for this reason: an outage's code, `failures` (it has "
    "stopped, as most messages failed), `starting`, or anything else; 0 while it is.",
    _SERVICE,
    _PAUSE_REASON,
    unit="0 or 1",
    combine=max,
)
STAGE_PAUSES: Final = define_labelled(
    Counter,
    "onrecord_stage_pauses",
    "How often a gate closed, so that messages waited: for an outage, by its code, or as the stage "
    "stopped (`failures`).",
    _SERVICE,
    _PAUSE_REASON,
    unit="pauses",
)
REBALANCES: Final = define_labelled(
    Counter,
    "onrecord_rebalances",
    "Rebalances of the consumer group that this process took part in.",
    _SERVICE,
    unit="rebalances",
)
PARTITION_CHANGES: Final = define_labelled(
    Counter,
    "onrecord_partition_changes",
    "Partitions that this process gained or lost in rebalances.",
    _SERVICE,
    Label("change", OneOf(("gained", "lost"))),
    unit="partitions",
)
PARTITIONS_HELD: Final = define_callback_gauge(
    "onrecord_partitions_held",
    "Partitions that are this process's now.",
    _SERVICE,
    _TOPIC,
    unit="partitions",
)
COMMIT_DELAY_SECONDS: Final = define_callback_gauge(
    "onrecord_commit_delay_seconds",
    "Time since the group last had all that could be committed; about the commit interval if all "
    "is well.",
    _SERVICE,
    unit="seconds",
    combine=max,
)
LAG_MESSAGES: Final = define_callback_gauge(
    "onrecord_lag_messages",
    "Messages of the partitions held that are not finished: unread ones, as of a look at the ends "
    "of their logs every 2 s, and those in memory.",
    _SERVICE,
    _TOPIC,
    unit="messages",
)
LAG_SECONDS: Final = define_callback_gauge(
    "onrecord_lag_seconds",
    "Age of the oldest message of the partitions held that is not finished, 0 if there is none: by "
    "its record's timestamp, and in a retry topic by that of the message where it was first read.",
    _SERVICE,
    _TOPIC,
    unit="seconds",
    combine=max,
)
LAST_SUCCESS: Final = define_labelled(
    Gauge,
    "onrecord_last_success_timestamp_seconds",
    "Unix time at which a message was last handled well, to a tenth of a second.",
    _SERVICE,
    unit="seconds since the epoch",
)
LOG_FAULTS: Final = define_labelled(
    Counter,
    "onrecord_log_faults",
    "Partitions whose log was not what the group's commit was about, by what was found: lost, "
    "truncated, recreated, deleted (records that were never handled).",
    _TOPIC,
    Label("fault", OneOf(("deleted", "lost", "recreated", "truncated"))),
    unit="partitions",
)
CORRUPT_BATCHES: Final = define_labelled(
    Counter,
    "onrecord_corrupt_batches",
    "Places at which a batch cannot be read.",
    _TOPIC,
    unit="batches",
)

# Calls of models

LLM_CALLS: Final = define_labelled(
    Counter,
    "onrecord_llm_calls",
    "Calls that ended, by how: answered, or an error's code.",
    _MODEL,
    Label(
        "outcome",
        OneOf(("answered", *(one.value for one in ErrorCode)), "`answered`, or an error code"),
    ),
    unit="calls",
)
LLM_TOKENS: Final = define_labelled(
    Counter,
    "onrecord_llm_tokens",
    "Tokens used: of prompts without what the provider had cached (input), what it had (cached), "
    "of answers (output).",
    _MODEL,
    Label("kind", OneOf(("input", "cached", "output"))),
    unit="tokens",
)
LLM_DOLLARS: Final = define_labelled(
    Counter, "onrecord_llm_dollars", "US dollars spent, where known.", _MODEL, unit="US dollars"
)
LLM_BUDGET_REFUSALS: Final = define_labelled(
    Counter,
    "onrecord_llm_budget_refusals",
    "Calls a budget did not allow: a study's or a day's.",
    Label("scope", OneOf(("study", "study_day", "day", "plan"))),
    unit="calls",
)
LLM_THROTTLED_UNTIL: Final = define_labelled(
    Gauge,
    "onrecord_llm_throttled_until_timestamp_seconds",
    "Unix time until which the endpoint asked not to be called; 0 or past: it may be called.",
    _MODEL,
    unit="seconds since the epoch",
)
LLM_LEDGER_UNWRITTEN: Final = define(
    Gauge,
    "onrecord_llm_ledger_unwritten",
    "Entries of the ledger that wait for the database.",
    unit="entries",
)
LLM_LEDGER_DROPPED: Final = define(
    Counter,
    "onrecord_llm_ledger_dropped",
    "Entries of the ledger that could not be written.",
    unit="entries",
)
LLM_CACHE_HITS: Final = define_labelled(
    Counter,
    "onrecord_llm_cache_hits",
    "Requests that were answered from the cache.",
    _MODEL,
    unit="requests",
)
LLM_CACHE_MISSES: Final = define_labelled(
    Counter,
    "onrecord_llm_cache_misses",
    "Requests that were not in the cache, by the model that answered.",
    _MODEL,
    unit="requests",
)
LLM_CACHE_SAVED_DOLLARS: Final = define_labelled(
    Counter,
    "onrecord_llm_cache_saved_dollars",
    "US dollars that cached responses saved.",
    _MODEL,
    unit="US dollars",
)
LLM_CACHE_FAILURES: Final = define(
    Counter,
    "onrecord_llm_cache_failures",
    "Cache operations that failed, as the database was away, slow or refused.",
    unit="operations",
)

# Notes

NOTES_ASSESSED: Final = define_labelled(
    Counter,
    "onrecord_notes_assessed",
    "Notes of assessed drafts by standing; those that are rejected are `refuted`.",
    Label("standing", OneOf(one.value for one in Standing)),
    unit="notes",
)
JUDGE_VOTES: Final = define_labelled(
    Counter,
    "onrecord_judge_votes",
    "Votes of judging models on notes, by verdict; `none` is a note without a ruling that counts.",
    Label("verdict", OneOf(("supported", "contradicted", "not_supported", "none"))),
    unit="votes",
)
JUDGE_DISAGREEMENTS: Final = define(
    Counter,
    "onrecord_judge_disagreements",
    "Notes on which the votes of judging models differ.",
    unit="notes",
)
JUDGE_UNBELIEVED: Final = define(
    Counter,
    "onrecord_judge_unbelieved",
    "Rulings of judging models that do not count: they leave out a part of the note, name words "
    "that nobody said, or there are two of them or none.",
    unit="rulings",
)
JUDGE_ABSENCES: Final = define_labelled(
    Counter,
    "onrecord_judge_absences",
    "Votes on notes that a judging model did not cast, as its answer was late, failed or could not "
    "be read, by the error's code.",
    _CODE,
    unit="votes",
)
JUDGE_CALLS_PER_DRAFT: Final = define(
    Histogram,
    "onrecord_judge_calls_per_draft",
    "Calls of judging models that a draft took, 0 for one without a note to ask about; without "
    "answers from the cache, repairs and retries.",
    unit="calls",
    buckets=(0, 1, 2, 3, 5, 8, 16, 64),
)
NOTES_STORED: Final = define_labelled(
    Counter,
    "onrecord_notes_stored",
    "Notes that were stored for the first time, repeats of others included, by standing.",
    Label("standing", OneOf(one.value for one in Standing)),
    unit="notes",
)

# Interviews

TRANSCRIPTS_READ: Final = define_labelled(
    Counter,
    "onrecord_transcripts_read",
    "Revisions of interviews that were stored with a report on how they were read, by format.",
    _FORMAT,
    unit="interviews",
)
WORDS_READ: Final = define_labelled(
    Counter,
    "onrecord_words_read",
    "Words of these interviews.",
    _FORMAT,
    unit="words",
)
WORDS_WITHOUT_SPEAKER: Final = define_labelled(
    Counter,
    "onrecord_words_without_speaker",
    "Those of them whose speaker is not named; divided by all, the share without a speaker.",
    _FORMAT,
    unit="words",
)
SUBMISSION_TO_STORED: Final = define(
    Histogram,
    "onrecord_submission_to_stored_seconds",
    "Time from the timestamp of a submission's record until control found all notes of the "
    "interview stored, for what is complete and had no outcome before; refreshes are left out.",
    unit="seconds",
    buckets=(1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400),
)
PENDING_DRAFTS: Final = define(
    Gauge,
    "onrecord_pending_drafts",
    "Drafts that wait for their interview to be stored.",
    unit="drafts",
)
PENDING_DRAFTS_OLDEST: Final = define(
    Gauge,
    "onrecord_pending_drafts_oldest_seconds",
    "How long the oldest of them has waited; 0 if none.",
    unit="seconds",
)
DRIFT_ALARMS: Final = define(
    Gauge,
    "onrecord_drift_alarms_open",
    "Alarms about drift of which it is not known yet what is usual since (onrecord drift).",
    unit="alarms",
)
DRIFT_OBSERVED: Final = define_labelled(
    Gauge,
    "onrecord_drift_observed_timestamp_seconds",
    "Up to when drafts and calls have been observed for drift, in seconds since the epoch.",
    Label("source", OneOf(("drafts", "calls"))),
    unit="seconds",
)
