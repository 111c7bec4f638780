"""An event as its JSON: made in one process, sent by another."""

from __future__ import annotations

from contracts.events import Event


class EncodedEvent(Event):
    """An event that was turned into JSON already, so that it need not be built anew to be sent.

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

    @staticmethod
    def of(event: Event) -> EncodedEvent:
        """Turn an event into its JSON."""
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


def kind_of(event: Event) -> type[Event]:
    """The class of an event, be it encoded or not."""
    return event.kind if isinstance(event, EncodedEvent) else type(event)


def json_of(event: Event) -> str:
    """The JSON of an event, be it encoded or not."""
    return event.body if isinstance(event, EncodedEvent) else event.model_dump_json()
