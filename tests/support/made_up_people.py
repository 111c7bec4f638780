"""Sentences about made-up people, with the personal data in them marked.

The people are Faker's, of many countries; the sentences are ours, and were written before they
were first measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

from faker import Faker

from evaluation.personal_data.annotated_texts import AnnotatedText
from personal_data import PersonalDataKind, PersonalDataSpan

LOCALES: Final = (
    "en_US", "en_GB", "en_AU", "en_CA", "en_IN", "en_NZ", "de_DE", "de_AT", "fr_FR", "es_ES",
    "es_MX", "it_IT", "pt_BR", "nl_NL", "sv_SE", "da_DK", "fi_FI", "no_NO", "pl_PL", "cs_CZ",
    "hu_HU", "ro_RO", "hr_HR", "tr_TR", "sl_SI",
)  # fmt: skip

_SENTENCES: Final = (
    "So my name is {name} and I've been with {company} for about six years now.",
    "I usually ask {first} in accounting before I do anything with the invoices.",
    "We moved out to {city} when the kids were small, and honestly I miss the old flat.",
    "You can reach me at {email}, or just call {phone} after lunch.",
    "They sent the replacement to {address}, which is my sister's place.",
    "Participant, {age} years old, works night shifts and shops on the weekend.",
    "I'm {age}, so I remember when you had to go to the branch for that.",
    "My manager, {name}, told us to stop using spreadsheets for the rota.",
    "I told {prefix} {last} that the export button does nothing on my laptop.",
    "The card they charged twice was {card}, I have it right here.",
    "For the refund they wanted my IBAN, so I typed in {iban} and it failed.",
    "She was born on {date} and still had to prove her age at the counter.",
    "As a {nationality} it took me three months to get the paperwork done.",
    "The page was {url} and it would not load on my phone.",
    "The log says the request came from {ip} at around noon.",
    "My social security number is {ssn} and they read it out loud in the queue.",
    "Their office in {country} handles the returns, which is why it takes so long.",
    "{first} and {first} share one login, which I know they're not supposed to do.",
    "{last}'s team does the onboarding, mine does the rest.",
    "Before that I was at {company} in {city}, doing pretty much the same job.",
    "{name}: I'd say the search is the worst part of it.",
    "I live at {street}, so the depot is just around the corner.",
    "Deliver to {street}, {city} {postcode} and leave it with the neighbour.",
    "{name}\n{street}\n{postcode} {city}\n{country}",
    "We used to get a call from {phone} every single morning.",
    "it was {first} who found the bug, not the vendor.",
    "My husband {first} does the shopping; I just check the receipts.",
    "I've had the account since {date}, and nobody ever asked me for a password.",
    "Honestly, I just wing it every time and hope that the printer works.",
    "The onboarding took two weeks, maybe three, and we paid about $40 a month.",
    "Nobody tells you where the settings are, so you keep clicking around.",
    "On Mondays we plan the week, and by Friday it's all different.",
    "I would probably recommend it, but only to people who like puzzles.",
    "There were twelve of us on the call and none of us could hear anything.",
)

_SLOT: Final = re.compile(r"\{(\w+)\}")
_MAKERS: Final[Mapping[str, tuple[PersonalDataKind, Callable[[Any], str]]]] = {
    "name": (PersonalDataKind.PERSON, lambda fake: fake.first_name() + " " + fake.last_name()),
    "first": (PersonalDataKind.PERSON, lambda fake: fake.first_name()),
    "last": (PersonalDataKind.PERSON, lambda fake: fake.last_name()),
    "prefix": (
        PersonalDataKind.TITLE,
        lambda fake: fake.random_element(("Mr.", "Mrs.", "Ms.", "Dr.")),
    ),
    "company": (PersonalDataKind.ORGANIZATION, lambda fake: fake.company()),
    "city": (PersonalDataKind.GPE, lambda fake: fake.city()),
    "country": (PersonalDataKind.GPE, lambda fake: Faker("en_US").country()),
    "email": (PersonalDataKind.EMAIL_ADDRESS, lambda fake: fake.ascii_email()),
    "phone": (PersonalDataKind.PHONE_NUMBER, lambda fake: fake.phone_number()),
    "address": (PersonalDataKind.STREET_ADDRESS, lambda fake: fake.address()),
    "street": (PersonalDataKind.STREET_ADDRESS, lambda fake: fake.street_address()),
    "postcode": (PersonalDataKind.ZIP_CODE, lambda fake: fake.postcode()),
    "age": (PersonalDataKind.AGE, lambda fake: str(fake.random_int(18, 90))),
    "card": (PersonalDataKind.CREDIT_CARD, lambda fake: fake.credit_card_number()),
    "iban": (PersonalDataKind.IBAN_CODE, lambda fake: fake.iban()),
    "date": (
        PersonalDataKind.DATE_TIME,
        lambda fake: fake.date(
            fake.random_element(("%Y-%m-%d", "%d/%m/%Y", "%B %d, %Y", "%d %b %Y"))
        ),
    ),
    "nationality": (
        PersonalDataKind.NRP,
        lambda fake: fake.random_element(
            ("Kenyan", "Dutch", "Brazilian", "Pole", "Hindu", "Latvian")
        ),
    ),
    "url": (PersonalDataKind.DOMAIN_NAME, lambda fake: fake.url()),
    "ip": (
        PersonalDataKind.IP_ADDRESS,
        lambda fake: fake.random_element((fake.ipv4(), fake.ipv6())),
    ),
    "ssn": (PersonalDataKind.US_SSN, lambda fake: Faker("en_US").ssn()),
}


def marked_texts(count: int, seed: int) -> Iterator[AnnotatedText]:
    """Return ``number`` sentences; equal seeds give equal sentences."""
    chance = Random(seed)
    Faker.seed(seed)
    fakers = {locale: Faker(locale) for locale in LOCALES}
    for _ in range(count):
        number = chance.randrange(len(_SENTENCES))
        yield _filled(_SENTENCES[number], str(number), fakers[chance.choice(LOCALES)])


def _filled(sentence: str, template: str, fake: Any) -> AnnotatedText:
    text = ""
    spans: list[PersonalDataSpan] = []
    end = 0
    for slot in _SLOT.finditer(sentence):
        text += sentence[end : slot.start()]
        kind, make = _MAKERS[slot[1]]
        value = make(fake)
        spans.append(PersonalDataSpan(len(text), len(text) + len(value), kind, 1.0))
        text += value
        end = slot.end()
    return AnnotatedText(text + sentence[end:], tuple(spans), template)
