"""Who speaks in turns of JSON: names of ids that stand elsewhere, names within objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from transcripts.vendors.json_documents import normalize_speaker_id
from transcripts.vendors.turn_keys import LOOKED_AT, TEXT_KEY_SET, normalize_key_spelling
from transcripts.vendors.turn_layouts import DEPTH, iter_lists
from transcripts.vendors.words import (
    filter_objects,
    format_speaker_label,
    get_text_or_empty,
    is_object_list,
)

_ID_KEYS: Final = (
    "id", "speaker_id", "speakerId", "spkid", "key", "uid", "participant_id", "label", "speaker",
    "speaker_label", "speakerLabel", "tag", "code", "spk", "index",
    "participantId", "personId", "person_id", "userId", "user_id", "attendeeId", "memberId",
    "contactId",
)  # fmt: skip
_NAME_KEYS: Final = (
    "real_name", "nickname", "name", "display_name", "displayName", "label", "id", "user_name",
    "username", "userName", "full_name", "participant_role", "role", "@id",
)  # fmt: skip

_GIVEN_NAME_KEYS: Final = ("firstName", "first_name", "givenName", "given_name", "first")
_FAMILY_NAME_KEYS: Final = ("lastName", "last_name", "familyName", "family_name", "surname", "last")
_PEOPLE: Final = re.compile(
    r"speaker|spk|sprecher|participant|user|attendee|invitee|people|person|member|contact|guest"
    r"|host|voice|part(?:y|ies)$|author|agent|actor|cast$|colleague|respondent|staff|names?$",
    re.IGNORECASE,
)
"""What is in the keys under which people are listed."""
_LONGEST_NUMBER: Final = 3
_FEW: Final = 20


def get_speaker_label(value: Any, names: Mapping[str, str]) -> str:
    """Return the speaker's label for a turn's JSON value: a name, an id or an object."""
    if name := names.get(normalize_speaker_id(value)):
        return name
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, dict):
        known = normalize_key_spelling(value)
        value = _full_name(value) or next((known[key] for key in _NAME_KEYS if known.get(key)), "")
        texts = [one for one in known.values() if isinstance(one, str)]
        value = texts[0] if not value and len(texts) == 1 else value
    return format_speaker_label(value) if normalize_speaker_id(value) else ""


def find_names_by_id(document: Any, ids: set[str]) -> dict[str, str]:
    """Find the speakers' names for given ids in a JSON document.

    Ids that are small numbers may as well number topics or chapters: their names are looked for
    where people are listed only, as under `speakers`.
    """
    parts = list(_parts(document, DEPTH))
    people = [part for key, part in parts if _PEOPLE.search(key)]
    numbered = all(one.isdecimal() and len(one) <= _LONGEST_NUMBER for one in ids)
    for holder in people if numbered else [part for _, part in parts]:
        if isinstance(holder, dict):
            named = {key: _named(value) for key, value in holder.items() if key in ids}
            if ids and ids <= named.keys() and all(named.values()):
                return named
    listed = [part for part in people if isinstance(part, list)]
    others = [] if numbered else list(iter_lists(document, DEPTH))
    for objects, find_keys in (
        *((filter_objects(one), _find_id_keys) for one in (*listed, *others)),
        *((filter_objects(one), _find_other_keys) for one in listed),
    ):
        for key in find_keys(objects):
            names = {
                str(one[key]): name
                for one in objects
                if normalize_speaker_id(one.get(key)) and (name := _plain_name(one, key))
            }
            if ids and ids <= names.keys():
                return names
    return _names_of_several_lists(listed if numbered else [*listed, *others], ids)


def _parts(document: Any, depth: int, key: str = "") -> Iterator[tuple[str, Any]]:
    """The objects of a JSON document, and its lists of objects, each with the key it stands under.

    What stands deeper than a key of people stands under it too.
    """
    if not depth:
        return
    if isinstance(document, dict):
        yield key, document
        for name, value in list(document.items())[:LOOKED_AT]:
            yield from _parts(value, depth - 1, key if _PEOPLE.search(key) else str(name))
    elif is_object_list(document):
        yield key, document
        if len(document) <= _FEW:
            for one in document:
                if not TEXT_KEY_SET.intersection(one):
                    yield from _parts(one, depth - 1, key)


def _find_id_keys(objects: list[dict[str, Any]]) -> Iterator[str]:
    """Keys that usually hold ids."""
    yield from (key for key in _ID_KEYS if any(key in one for one in objects[:_FEW]))


def _find_other_keys(people: list[dict[str, Any]]) -> Iterator[str]:
    """Other keys of listed people with a value in each object.

    Objects that say something are turns, whose other keys are no ids of people.
    """
    if people and not any(TEXT_KEY_SET.intersection(one) for one in people[:_FEW]):
        known = {*_ID_KEYS, *_NAME_KEYS}
        yield from (
            key
            for key in people[0]
            if key not in known and all(normalize_speaker_id(one.get(key)) for one in people)
        )


def _names_of_several_lists(lists: list[list[Any]], ids: set[str]) -> dict[str, str]:
    """Names that several lists give together, as of colleagues and guests; none if one lacks.

    An id that stands for different names, as where each list counts from 1, tells nothing.
    """
    names: dict[str, set[str]] = {one: set() for one in ids}
    for listed in lists:
        people = filter_objects(listed)
        if any(TEXT_KEY_SET.intersection(one) for one in people[:_FEW]):
            continue  # turns
        for one in people:
            known = [normalize_speaker_id(one.get(key)) for key in _ID_KEYS]
            name = _plain_name(one, "") or _email(one)
            if name:
                for id_ in {*known} & ids:
                    names[id_].add(name)
    if not all(len(found) == 1 for found in names.values()):
        return {}
    found = {id_: next(iter(named)) for id_, named in names.items()}
    return found if len(set(found.values())) == len(found) else {}


def _full_name(person: Mapping[str, Any]) -> str:
    """Given and family name, where an object has them apart; empty if it has no family name."""
    parts = [
        next((one.strip() for key in keys if isinstance(one := person.get(key), str)), "")
        for keys in (_GIVEN_NAME_KEYS, _FAMILY_NAME_KEYS)
    ]
    return " ".join(parts) if all(parts) else ""


def _email(one: dict[str, Any]) -> str:
    values = (one.get(key) for key in ("email", "userEmail", "emailAddress", "email_address"))
    return next((value.strip() for value in values if isinstance(value, str)), "")


def _named(value: Any) -> str:
    return _plain_name(value, "") if isinstance(value, dict) else get_text_or_empty(value).strip()


def _plain_name(one: dict[str, Any], id_key: str) -> str:
    keys = (
        "name",
        "speaker_name",
        "speakerName",
        "display_name",
        "displayName",
        "full_name",
        "fullName",
        "label",
    )
    named = (one[k].strip() for k in keys if k != id_key and isinstance(one.get(k), str))
    return next(named, "") or _full_name(one)
