"""Events serialized to JSON in one process and sent by another."""

from __future__ import annotations

from pydantic import field_serializer

from contracts.events import Event


class EncodedEvent(Event):
    """Event that is already serialized to JSON, so that it is not serialized again.

    Args:
        kind: the event's class, which decides on the topic.
        record_key: the event's key.
        interview_id: the interview it belongs to, if the key is another one.
        body: its JSON.
    """

    kind: type[Event]
    record_key: str
    interview_id: str | None
    body: str

    @field_serializer("kind")
    def _name_kind(self, kind: type[Event]) -> str:
        return kind.ce_type

    @staticmethod
    def of(event: Event) -> EncodedEvent:
        """Serialize an event."""
        return EncodedEvent(
            kind=type(event),
            record_key=event.key,
            interview_id=event.interview,
            body=event.model_dump_json(),
        )

    @property
    def key(self) -> str:
        """The event's own key."""
        return self.record_key

    @property
    def interview(self) -> str | None:
        """The event's own interview."""
        return self.interview_id


def unwrap_event_class(event: Event) -> type[Event]:
    """Return an event's class; for an ``EncodedEvent``, the class of the event that it holds."""
    return event.kind if isinstance(event, EncodedEvent) else type(event)


def get_event_json(event: Event) -> bytes:
    """Return an event as JSON in UTF-8; an ``EncodedEvent`` is not serialized again."""
    if isinstance(event, EncodedEvent):
        return event.body.encode()
    # As ``model_dump_json``, which would decode it.
    return event.__pydantic_serializer__.to_json(event)
