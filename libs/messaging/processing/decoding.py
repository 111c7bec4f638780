"""Decoding of a fetched message for its handler: checks its limits, and sets its deadline."""

from __future__ import annotations

from typing import Any, NoReturn

from contracts.replay_options import OPTION_TOPICS
from messaging.limits import MessageLimits, MessageTooLargeError
from messaging.processing.inflight import InFlightMessage
from messaging.stage import Stage, TopicSubscription


def decode_for_handler(
    stage: Stage, limits: MessageLimits, job: InFlightMessage
) -> tuple[TopicSubscription, Any]:
    """Decode a fetched message; return it with its subscription; check size, set deadline.

    Args:
        stage: the handlers.
        limits: what a message may take.
        job: the message; what of its headers is carried on, and its deadline, are put on it.

    Raises:
        BadMessageError: it is too large, of no topic of the stage, or not what the handler takes.
    """
    if stage.dead_letters:  # a stage without them takes whatever there is
        complaint = limits.complaint_about(job.received, job.size)
        if complaint:
            _refuse(job, complaint)
    route = stage.route(job.source_topic)
    if route.is_json:
        complaint = limits.complaint_about_json(job.received.value)
        if complaint:
            _refuse(job, complaint)
    subject, lineage = route.read(job)
    if job.tier is not None or job.topic in OPTION_TOPICS:
        lineage = lineage._replace(replay_options=job.delivery.replay_options)
        job.time_s = job.delivery.overrides.deadline_s
    job.lineage = lineage
    if lineage.deadline is not None and route.is_json:
        due_s = lineage.deadline_s
        if due_s is not None and not job.delivery.replays:  # an operator's replay outweighs it
            job.due_s = due_s
    return route, subject


def _refuse(job: InFlightMessage, complaint: str) -> NoReturn:
    """Raise the complaint as an error; no frame of it holds the message."""
    job.shorten(complaint)
    raise MessageTooLargeError(complaint)
