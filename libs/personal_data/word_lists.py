"""Lists of words that classify a capitalised word: place, company, group, or no name at all."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

import pycountry

_NO_NAMES: Final = """
    I I'm I'd I'll I've I'ma He She It We You They This That There Here What Who Where When How
    Why Let One Everybody Everyone Somebody Someone Nobody Monday Tuesday Wednesday Thursday
    Friday Saturday Sunday Mondays Tuesdays Wednesdays Thursdays Fridays Saturdays Sundays
    January February March April May June July August September October November December
    Christmas Easter Halloween Thanksgiving Ramadan Hanukkah Diwali Passover Xmas God Lord Jesus
    Christ Bible Quran Koran Torah Allah Satan Devil Internet Web Bluetooth TV OK Mom Mum Dad
    Mommy Daddy Mama Papa Grandma Grandpa Nana Granny Aunt Auntie Uncle Mr Mrs Ms Dr Prof Miss
    Sir Madam Speaker Interviewer Interviewee Moderator Participant Respondent Bot User Customer
    Agent Western Eastern Northern Southern North South East West AM PM PhD Mister Missus COVID
    Covid Zoom Wi-Fi WiFi Latin Gothic Victorian Renaissance Medieval IBAN SSN PIN ATM ID URL IP
    VAT BIC SWIFT ZIP DOB GPS USB PDF CSV FAQ API CEO CFO CTO HR IT UX UI CV DNA HIV GP ICU ER
    PTSD ADHD FBI CIA IRS DMV GED SAT SUV LGBT AIDS DVD CD DJ RIP ASAP FYI Fax Tel Phone Mobile
    Email
"""
_PARTICLES: Final = """
    de da do dos das del della di du des der den van von zu zum la le el al bin ibn af av y e
"""
_COMPANY_WORDS: Final = """
    Inc Incorporated Ltd Limited LLC LLP PLC Plc Corp Corporation Company Co GmbH AG SA NV BV AB Oy
    Group Holdings Partners Associates Industries Enterprises Solutions Systems Technologies Labs
    Laboratories Bank Insurance University College School Hospital Clinic Foundation Institute
    Academy Airlines Motors Pharmaceuticals Ventures Capital Consulting Agency Ministry Department
    Church Association Society Trust Union Council Committee Club Museum Orchestra Records Studios
"""
_GROUP_WORDS: Final = """
    American Americans British Briton Britons English Englishman Englishwoman Scottish Scots
    Scot Scotsman Welsh Welshman Irish Irishman French Frenchman Frenchwoman Dutch Dutchman
    German Germans Spanish Spaniard Spaniards Portuguese Danish Dane Danes Swedish Swede Swedes
    Finnish Finn Finns Norwegian Norwegians Icelandic Icelander Greek Greeks Turkish Turk Turks
    Polish Pole Poles Czech Czechs Slovak Slovaks Slovenian Slovene Swiss Belgian Belgians
    Chinese Japanese Korean Koreans Vietnamese Thai Thais Filipino Filipina Filipinos Burmese
    Lao Laotian Afghan Afghans Iraqi Iraqis Israeli Israelis Saudi Saudis Kuwaiti Qatari Yemeni
    Omani Emirati Pakistani Pakistanis Bengali Bangladeshi Nepali Kenyan Somali Congolese
    Ivorian Malagasy Cypriot Cypriots Kazakh Kazakhs Uzbek Kyrgyz Tajik Turkmen Kurd Kurdish
    Arab Arabs Persian Argentine Argentinian Peruvian Guatemalan Greenlander Greenlanders
    Greenlandic Manx Basque Catalan Latino Latina Latinos Hispanic Hispanics Asian Asians
    African Africans European Europeans Caribbean Polynesian Maori Inuit Cherokee Navajo Apache
    Sioux Roma Romani Caucasian Caucasians Muslim Muslims Christian Christians Catholic
    Catholics Protestant Protestants Anglican Anglicans Methodist Methodists Baptist Baptists
    Lutheran Lutherans Presbyterian Presbyterians Mormon Mormons Orthodox Jew Jews Jewish Hindu
    Hindus Sikh Sikhs Buddhist Buddhists Shiite Sunni Atheist Republican Republicans Democrat
    Democrats Tory Tories Labour Communist Communists Socialist Socialists Libertarian
    Libertarians Conservative
"""
NO_NAMES: Final = frozenset(_NO_NAMES.split())
PARTICLES: Final = frozenset(_PARTICLES.split())
COMPANY_WORDS: Final = frozenset(_COMPANY_WORDS.split())
_GROUPS: Final = frozenset(_GROUP_WORDS.split())
_SUFFIXES: Final = ("ians", "ian", "ans", "an", "ese", "ish", "is", "i", "ns", "n")
_SHORTEST_STEM: Final = 4


@cache
def _list_places() -> frozenset[str]:
    countries = {
        name
        for country in pycountry.countries
        for name in (country.name, getattr(country, "common_name", country.name))
    }
    states = {one.name for one in pycountry.subdivisions if one.country_code in {"US", "CA", "AU"}}
    spoken = {"England", "Scotland", "Wales", "UK", "USA", "U.S.", "Russia", "Turkey", "Vietnam"}
    return frozenset(countries | states | spoken)


PLACES: Final = _list_places()
_STEMS: Final = frozenset(place.lower() for place in PLACES if " " not in place)


@lru_cache(maxsize=16_384)
def is_demographic_group(word: str) -> bool:
    """Return whether a capitalised word is a nationality, religion or political group.

    Nationalities that are not listed are recognised by a country's name with one of the usual
    endings ("Estonian", "Colombians").
    """
    if word in _GROUPS:
        return True
    if not word[:1].isupper() or word in PLACES:
        return False
    lower = word.lower()
    for suffix in _SUFFIXES:
        stem = lower.removesuffix(suffix)
        if stem != lower and len(stem) >= _SHORTEST_STEM:
            ends = (stem, stem + "a", stem + "ia", stem + "y", stem + "e", stem + "o")
            if any(end in _STEMS for end in ends):
                return True
    return False
