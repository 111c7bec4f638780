"""Words with which a note reports that something was said: they need no evidence."""

from __future__ import annotations

from typing import Final

from grounding.text.words import parse_word_list

REPORTING_VERBS: Final = parse_word_list(
    """say says said saying tell tells told telling mention mentions mentioned mentioning
    explain explains explained explaining describe describes described describing
    report reports reported reporting state states stated note notes noted add adds added
    ask asks asked asking answer answers answered reply replies replied respond responds responded
    think thinks thought believe believes believed feel feels felt suggest suggests suggested
    discuss discusses discussed discussing talk talks talked talking speak speaks spoke share
    shares shared sharing express expresses expressed claim claims claimed confirm confirms
    confirmed agree agrees agreed offer offers offered inform informs informed remind reminds
    want wants wanted like likes liked plan plans planned need needs needed decide decides decided
    recall recalls recalled emphasize emphasizes emphasise emphasises highlight highlights
    admit admits admitted"""
)
"""Verbs that put a statement in somebody's mouth or mind."""

SPEECH_VERBS: Final = parse_word_list(
    """say says said saying tell tells told mention mentions mentioned explain explains explained
    state states stated add adds added ask asks asked answer answers answered reply replies
    replied respond responds responded suggest suggests suggested confirm confirms confirmed
    report reports reported note notes noted describe describes described"""
)
"""Verbs of speaking, whose subject is who said it."""

NARRATION_NOUNS: Final = parse_word_list(
    """participant participants interviewee interviewees interviewer respondent respondents
    speaker speakers user users customer customers person people host guest episode podcast
    document conversation discussion discusses talks topic interview transcript passage"""
)
"""Nouns by which a note calls those who speak, and what they speak in."""

EVERYDAY_WORDS: Final = parse_word_list(
    """know knows knew known right lot lots stuff thing things go goes going went gone get gets
    getting got come comes came coming back way time now good make makes made making take takes took
    see sees saw seen look looks looking let much more little bit big one ones people man guy guys
    actually basically pretty sure maybe never always put keep keeps kept give gives gave work works
    try tries tried start started use used day days year years feel felt thought never okay
    something anything everything nothing somebody anybody everybody nobody somewhere same other
    another own new old first last next many few around away before after between during"""
)
"""Words of any talk: that the evidence has them too shows nothing."""
