"""Find postal addresses, in the orders in which the world writes them.

An address has a core: a street with a house number, an apartment or a post box. Around it are
further numbers, units, towns, states, countries and postal codes, parted by commas or line ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from personal_data.findings import PersonalDataKind, PersonalDataSpan
from personal_data.names import is_distinctive_name
from personal_data.tokens import TextToken, split_into_tokens
from personal_data.word_lists import PLACES

_SURE: Final = 0.75
_LIKELY: Final = 0.72
_UPPER: Final = "".join(chr(code) for code in range(0x41, 0x530) if chr(code).isupper())
_WORD: Final = rf"[{_UPPER}][\w'\u2019-]*\.?"
_SMALL: Final = (
    r"(?:de|da|do|dos|das|del|della|di|du|des|la|le|les|el|los|las|van|von|den|der|of|the|i|y|e|av"
    r"|af|am|an|auf|zum|zur|na|pod|nad|d['\u2019]\w+)"
)
_NUMBER: Final = r"\d{1,6}(?:[-/]\d{1,5})?[A-Za-z]?\b(?![.,:]\d|\s?(?:%|percent))"
_TYPES: Final = (
    r"(?:Streets?|Str|St|Roads?|Rd|Avenue|Ave|Av|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl"
    r"|Square|Sq|Terrace|Crescent|Cres|Close|Circle|Cir|Way|Parkway|Pkwy|Highway|Hwy|Freeway|Alley"
    r"|Trail|Trl|Mews|Gardens|Grove|Hill|Row|Walk|Quay|Esplanade|Parade|Heights|Ridge|Loop|Plaza"
    r"|Pike|Turnpike|Expressway|Bypass|Route|Crossing|Park|Parks|Pass|Path|Gateway|Green|Bridge"
    r"|Manor|Meadows?|Mount|Mountain|Orchard|Point|Station|Summit|View|Vista|Village|Valley|Island"
    r"|Junction|Knolls?|Lakes?|Landing|Lodge|Mills?|Motorway|Neck|Oval|Passage|Pines?|Plains?"
    r"|Prairie|Ramp|Ranch|Rapids?|Rest|River|Shoals?|Shores?|Springs?|Spurs?|Stravenue|Stream"
    r"|Throughway|Trace|Track|Tunnel|Underpass|Union|Viaduct|Ville|Wells?|Wall|Corners?|Course"
    r"|Coves?|Creek|Crest|Curve|Dale|Dam|Divide|Estates?|Extensions?|Falls?|Ferry|Fields?|Flats?"
    r"|Ford|Forest|Forge|Forks?|Fort|Glens?|Harbors?|Haven|Hills|Hollow|Inlet|Isle|Keys?|Burg"
    r"|Bluffs?|Bottom|Branch|Brooks?|Bayou|Beach|Bend|Camp|Canyon|Cape|Causeway|Centers?|Cliffs?"
    r"|Club|Common)\b\.?"
)
_FOREIGN_TYPES: Final = (
    r"(?:u|út|utca|útja|tér|tere|köz|kapu|sor|krt|körút|rakpart|sétány|ulica|ul|ulice|nám|náměstí"
    r"|trg|cesta|tie|katu|kuja|polku|gata|gatan|gade|vej|vei|vegen|väg|allé|alle|calle|straat|laan"
    r"|weg|plein|gasse|straße|strasse|platz|caddesi|sokak|sokağ\u0131|bulvar\u0131)\b\.?"
)
_COMPOUND: Final = (
    rf"[{_UPPER}][\w'\u2019-]*(?:stra(?:ss|ß)e|str\.|gata|gatan|gade|vej|vejen|vei|veien|vegen|väg|vägen"
    r"|katu|kuja|tie|polku|laan|straat|weg|plein|gracht|dijk|platz|allee|gasse|utca|torget|plads"
    r"|backen|stien|stræde|brink|kade|singel)\b"
)
_BEFORE: Final = (
    r"(?:Rua|Calle|C/|Carrer|Carrera|Avenida|Av|Avda|Avenue|Via|Viale|Vicolo|Corso|Piazza|Piazzale"
    r"|Strada|Contrada|Rue|Boulevard|Chemin|Impasse|Allée|Quai|Place|Travessa|Praça|Alameda|Plaza"
    r"|Paseo|Camino|Largo|Rotonda|Rúa|ul|ulica|al|aleja|os|pl|Am|An der|Auf der|Im|Zum|Unter den"
    r"|rue|avenue|via|calle|rua|ulica|улица|ул|проспект|пр)\b\.?"
)
_GAP: Final = r"(?:\.(?=\s*\n))?[\s,;>|\\]{0,8}"
_CODE: Final = (
    r"(?:\d{4,6}(?:-\d{3,4})?|\d{8}|\d{3} \d{2}|\d{2}-\d{3}|\d{4} ?[A-Z]{2}"
    r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]{1,2}-\d{4,5})(?![\w]|[.,]\d)"
)
_STREET: Final = re.compile(
    "|".join(
        (
            # 11 Botley Road, 370 3911 Fourth Avenue
            (
                rf"(?:{_NUMBER} ){{1,2}}(?:{_SMALL} ){{0,2}}(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)) "
                rf"(?:(?:{_WORD}|{_SMALL}) ){{0,4}}?{_TYPES}(?:,? {_NUMBER})?"
            ),
            # Rua do Arenque 1634, ul. Miła 53
            (
                rf"(?:{_NUMBER},? )?\b{_BEFORE} (?:(?:{_WORD}|{_SMALL}|\d{{1,2}}) ){{0,4}}?{_WORD}"
                rf",? (?:n[º°.]? ?)?{_NUMBER}"
            ),
            rf"{_NUMBER},? {_BEFORE} (?:(?:{_WORD}|{_SMALL}) ){{0,4}}{_WORD}",
            # Csabai kapu 39., Puruntie 82, Hauptstraße 5
            rf"(?:{_NUMBER},? )?(?:{_WORD} ){{1,3}}{_FOREIGN_TYPES},? {_NUMBER}",
            rf"(?:{_NUMBER},? )?(?:(?:{_WORD}|{_SMALL}) ){{0,3}}{_COMPOUND},? (?:{_NUMBER}|\d+)",
            rf"{_NUMBER},? (?:{_WORD} ){{0,2}}{_COMPOUND}",
            # Rowanhof 139, Schalkhaar 5716GF: a postal code makes a street of any name
            (
                rf"(?:(?:{_WORD}|{_SMALL}) ){{0,3}}{_WORD},? \d{{1,4}}[A-Za-z]?(?:, ?|\.?\n)"
                rf"(?:{_CODE} {_WORD}|{_WORD}(?:[ -]{_WORD}){{0,3}} {_CODE})"
            ),
            # 20789 Allika 46: between two numbers any name is a street
            rf"(?:{_NUMBER},? ){{1,2}}(?:(?:{_WORD}|{_SMALL}) ){{0,4}}{_WORD},? \d{{1,5}}[a-z]?\b",
        )
    )
)
_NAMED: Final = re.compile(
    rf"(?<!\w)(?:{_WORD} ){{1,3}}(?:Streets?|St\.|Roads?|Rd\.?|Avenue|Ave\.?|Boulevard|Blvd\.?|Lane"
    r"|Drive|Crescent|Parkway|Highway|Turnpike|Mews)(?!\w)"
)
_UNIT: Final = re.compile(
    r"(?<!\w)(?:Apt|Apartment|Suite|Ste|Unit|Flat|Bldg|Building|Lot|PSC|CMR|(?:P\.? ?O\.? ?)?Box"
    r"|Postbox|PO|Postboks|Postfach|Apartado|Casilla|Piso|Lokal|Wohnung|Appartement|bte|Interno)\b"
    r"\.?,? ?(?:#|[Nn]o\.? ?)?\d{1,6}[A-Za-z]?(?!\w)(?:,? Box \d+)?|(?<!\w)#\d{1,5}[A-Z]?(?=,)"
)
_FIELD_POST: Final = re.compile(
    r"(?<!\w)(?:(?:USS|USNS|USCGC|USNV) \w+[,\s]+)?(?:APO|FPO|DPO),? A[AEP],? \d{5}(?:-\d{4})?"
    r"(?!\w)"
)
_ONE_STREET: Final = (
    rf"(?:{_NUMBER} )?{_WORD}(?: (?:{_WORD}|{_SMALL}|{_FOREIGN_TYPES}|{_NUMBER}\.?)){{0,8}}"
)
_CORNER: Final = re.compile(
    rf"(?:\b[Tt]he )?\b(?:[Cc]orner|[Ii]ntersection) of {_ONE_STREET} and {_ONE_STREET}"
)
_STATE: Final = r"(?:[A-Z]{2,3}|nan|\d\d)(?![\w])(?=[\s,.?!]|$)"
_TAIL: Final = re.compile(
    rf"{_GAP}(?:(?P<unit>{_UNIT.pattern})|(?P<code>{_CODE})|(?P<state>{_STATE})"
    rf"|(?P<place>{_WORD}(?:[ -](?:(?:{_SMALL}) ){{0,2}}{_WORD}){{0,4}}(?: \([{_UPPER}]\w+\))?))"
)
_HEAD: Final = re.compile(rf"(?:(?:{_UNIT.pattern})|\b\d{{1,6}}[A-Za-z]?){_GAP}$")
_POSTCODE: Final = re.compile(
    r"(?<![\w.-])(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] \d[A-Z]\d|\d{5}-\d{4})(?![\w-])"
)
_ZIP_WORDS: Final = re.compile(
    r"\b(?:zip(?: ?code)?|post(?:al)? ?code|postcode|area code)\b[^\d\n]{0,25}"
    r"(?P<code>[A-Z\d]{3,6}(?:[- ]\d[A-Z\d]{2,3})?)\b",
    re.IGNORECASE,
)
_AFTER_PLACE: Final = re.compile(
    r"(?:,? [A-Z]{2})?,?\s{1,3}(?P<code>(?!(?:19|20)\d\d\b)(?:\d{4,6}(?:-\d{4})?|\d{8}|\d{2}-\d{3}"
    r"|\d{4} ?[A-Z]{2}))(?![\w]|[.,:-]\d)"
)
_BEFORE_PLACE: Final = re.compile(
    r"(?:^|[\n,])[ \t]*(?P<code>(?!(?:19|20)\d\d\b)(?:(?:[A-Z]{1,2}-)?\d{4,6}|\d{2}-\d{3}"
    r"|\d{3} \d{2}|\d{4} ?[A-Z]{2})) $"
)


def find_addresses(text: str, found: Sequence[PersonalDataSpan]) -> Iterator[PersonalDataSpan]:
    """Find postal addresses, and postal codes next to place names, in a text."""
    cores = sorted(
        (match.start(), match.end())
        for pattern in (_STREET, _UNIT, _FIELD_POST, _CORNER)
        for match in pattern.finditer(text)
    )
    end = -1
    for core_start, core_end in cores:
        if core_end > end:
            start, end = _extend_left(text, core_start), _extend_right(text, core_end)
            yield PersonalDataSpan(start, end, PersonalDataKind.STREET_ADDRESS, _SURE)
    for match in _NAMED.finditer(text):
        if any(
            is_distinctive_name(token) or not token.opens
            for token in split_into_tokens(match[0])[:-1]
        ):
            yield PersonalDataSpan(
                match.start(), match.end(), PersonalDataKind.STREET_ADDRESS, _LIKELY
            )
    yield from _find_postal_codes(text, found)


def _extend_left(text: str, start: int) -> int:
    while match := _HEAD.search(text, max(0, start - 40), start):
        start = match.start()
    return start


def _extend_right(text: str, end: int) -> int:
    """Return where the units, towns, states, countries and codes after a street end."""
    while match := _TAIL.match(text, end):
        if match["place"] and not _is_place(text, match):
            break
        end = match.end()
    return end


def _is_place(text: str, match: re.Match[str]) -> bool:
    words = match["place"].rstrip(".")
    gap = text[match.start() : match.start("place")]
    found: list[TextToken] = split_into_tokens(words)
    if words in PLACES or any(is_distinctive_name(token) and not token.opens for token in found):
        return True
    if is_distinctive_name(found[0]) or (found[0].is_all_capitals and gap.strip(" ")):
        return True
    after = text[match.end() : match.end() + 24]
    return re.match(rf"{_GAP}(?:{_CODE}|[A-Z]{{2}}\b)", after) is not None


def _find_postal_codes(text: str, found: Sequence[PersonalDataSpan]) -> Iterator[PersonalDataSpan]:
    for match in _POSTCODE.finditer(text):
        yield PersonalDataSpan(match.start(), match.end(), PersonalDataKind.ZIP_CODE, _LIKELY)
    for match in _ZIP_WORDS.finditer(text):
        if any(character.isdigit() for character in match["code"]):
            yield PersonalDataSpan(
                match.start("code"), match.end("code"), PersonalDataKind.ZIP_CODE, _SURE
            )
    for place in found:
        if place.kind in {
            PersonalDataKind.GPE,
            PersonalDataKind.PERSON,
            PersonalDataKind.ORGANIZATION,
        }:
            after = _AFTER_PLACE.match(text, place.end)
            before = _BEFORE_PLACE.search(text[max(0, place.start - 12) : place.start])
            if after:
                yield PersonalDataSpan(
                    after.start("code"), after.end("code"), PersonalDataKind.ZIP_CODE, _LIKELY
                )
            if before:
                start = place.start - len(before["code"]) - 1
                yield PersonalDataSpan(start, place.start - 1, PersonalDataKind.ZIP_CODE, _LIKELY)
