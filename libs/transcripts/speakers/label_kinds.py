"""What kind of thing a possible speaker label is, by its words alone.

Whether it names a speaker in a given file is decided in ``speakers``, over the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from contracts.transcript import Role
from personal_data.dictionary import is_dictionary_word, is_name_in_dictionary
from transcripts.speakers.roles import infer_role


class LabelKind(StrEnum):
    """Kind of a possible speaker label: role, name, ordinary words or heading."""

    ROLE = "role"
    """A role or a diarised voice: ``Interviewer``, ``P1``, ``Speaker 2``, ``SPEAKER_00``."""
    NAME = "name"
    """Capitalised words of which one at least is no ordinary word: ``Okafor, Tom``."""
    WORDS = "words"
    """Ordinary words, as in ``Price: ...`` or ``Opening hours: ...``."""
    HEADING = "heading"
    """Words that open a line before a colon in any interview and name nobody: ``Note: ...``."""
    OTHER = "other"
    """Anything else: lower-case phrases, symbols, numbers."""


class LabelCase(StrEnum):
    """Letter case of a speaker label, which is usually the same for all labels of a file."""

    UPPER = "upper"
    TITLE = "title"
    LOWER = "lower"
    CASELESS = "caseless"


_VOICES: Final = (
    r"speaker|spkr?|voice|unknown|unidentified|unknown speaker|person"
    r"|unidentified (?:speaker|participant|person|voice|man|woman|(?:fe)?male)|male"
    r"|female|man|woman|boy|girl|child|caller|narrator|presenter|reporter|translator|interpreter"
    r"|observer|doctor|nurse|patient|teacher|student|chair|chairman|chairwoman|chairperson|judge"
    r"|counsel|witness|attorney|lawyer|officer|clerk|client|customer|agent|operator|coach|user"
    r"|tester|candidate|employee|manager|expert|assistant|therapist|mother|father|mom|mum|dad"
    r"|daughter|son|brother|sister|wife|husband|audience|audience member|all|both|group|anchor"
    r"|(?:some|an|several)?(?: ?hon(?:ou?rable|\.)) (?:members?|senators?)"
    r"|(?:some|several) (?:members|voices|people)"
    r"|panelist|panellist|subject|you|me|myself|multiple speakers|several voices|s|sp|spk|st"
    r"|the [a-z]{3,12}(?: pro tempore)?"
    r"|\?{1,4}|channel|ch|track|note-?taker|phd|grad|undergrad|postdoc|#|№|nr\.?"
    # The same in languages in which interviews are often transcribed.
    r"|sprecher(?:in)?|befragter?|person|frage|antwort|locuteur|locutrice|intervenant|enquêteur"
    r"|enquêtrice|enquêtée?|entrevistador|entrevistadora|entrevistado|entrevistada|hablante"
    r"|orador|oradora|moderador|moderadora|participante|falante|intervistatore|intervistatrice"
    r"|intervistato|intervistata|parlante|spreker|geïnterviewde|interviewster|deelnemer|talare"
    r"|интервьюер|респондент|спикер|говорящий|采访者|受访者|主持人|嘉宾|说话人|講者|話者|司会"
)
# `Speaker 2`, `SPEAKER_00`, `spk_1`, `Speaker A`, `Male 1`, `S2`; a name may follow a role.
_VOICE: Final = re.compile(
    rf"(?:{_VOICES})(?:[ _#-]{{0,2}}\d{{1,4}}|[ _#-]{{1,2}}(?:[a-z]|\?))?[.?]?", re.IGNORECASE
)
_TITLED: Final = re.compile(
    r"(?:MR|MRS|MS|MISS|MX|DR|PROF|HON|SIR|DAME|Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Hon|Sir|Dame|Herr|Frau"
    r"|Hr|Fr|Señora?|Sra?|Signora?|Sig|Pani?|Bay|(?:Deputy |Vice )?Mayor|Councill?or"
    r"|Council ?[mM]ember|Council(?:man|woman)|Commissioner|Senator|Representative|Judge|Governor"
    r"|Alder(?:man|woman)|Supervisor|Trustee|Chancellor|Ambassador|Detective|Rabbi|Pastor|Reverend"
    r"|Professor)\.? [^\W\d_a-z](?:[\w'\u2019-]+|\.?(?=$|\s))"
    r"(?: [^\W\d_a-z][\w'\u2019-]*\.?){0,3}"
)
_FRENCH_OFFICE: Final = re.compile(
    r"(?:MM?\.|Mmes?|Mlles?|Monsieur|Madame) (?:le |la |l['\u2019]|les )"
    r"(?:président|ministre|rapporteur|secrétaire|procureur|juge|doyen|maire)\w{0,4}"
    r"(?: [^.:]{1,60})?"
)
# `La señora PRESIDENTA`, `El señor MINISTRO DE HACIENDA (Soto Ruiz)`, `O Sr. Presidente`.
_ADDRESSED: Final = re.compile(
    r"(?:(?:El|La) (?:señor(?:ita|a)?|Sra?\.)|(?:O|A) (?:Sra?\.[ªa]?|senhora?)|(?:Il|La) signora?)"
    r" [^\W\d_a-z][^.:]{1,80}"
)
# `Ana Ruiz, on behalf of the S&D Group`, as the European Parliament's minutes have it.
_ON_BEHALF: Final = re.compile(
    r"[^\W\d_a-z][\w'\u2019.-]*(?: [^\W\d_][\w'\u2019.-]*){1,5}, "
    r"(?:on behalf of|in writing|rapporteur|author|Member of the|President-in-Office"
    r"|Vice-President|im Namen|au nom|en nombre|a nome)\b.{0,80}"
)
_FRENCH_TITLE: Final = re.compile(
    r"(?:MM?\.|Mmes?|Mlles?) [A-ZÀ-Ý][\w'\u2019-]+"
    r"(?: (?:(?:de|du|des|la|le) )*(?:d['\u2019])?[A-ZÀ-Ý][\w'\u2019-]+){0,3}(?:, [^.:]{3,60})?"
)
_INITIALS: Final = re.compile(r"[A-Z](?:\.?[A-Z]){0,3}\.?|[A-Z]{1,4}[_-]?\d{1,4}")
# `Patient's wife`, `Wife of patient`, `Ann's mother`: those whom a patient or witness brings along.
_RELATIONS: Final = (
    r"(?:wife|husband|partner|spouse|mother|father|mum|mom|dad|parent|son|daughter|brother|sister"
    r"|sibling|aunt|uncle|niece|nephew|cousin|grand(?:mother|father|son|daughter|parent|child)"
    r"|carer|caregiver|caretaker|friend|neighbou?r|lawyer|solicitor|counsel|attorney|advocate"
    r"|interpreter|translator|assistant|nurse|doctor|guardian|representative|colleague)"
)
_RELATED: Final = re.compile(
    rf"(?-i:[^\W\d_a-z])[\w .-]{{1,40}}['\u2019]s? {_RELATIONS}(?: \d{{1,2}})?"
    rf"|(?=(?-i:[A-Z])){_RELATIONS} of (?:the )?(?:patient|participant|respondent|interviewee"
    r"|witness|client|claimant|deceased|child|(?-i:[A-Z])[\w.-]{0,30})(?: \d{1,3})?",
    re.IGNORECASE,
)
_OCCUPATION_WORDS: Final = """
    announcer commentator correspondent
    accountant activist actor actress ambassador analyst architect archivist artist aunt author
    baker barista barrister boss builder butcher buyer cabbie caregiver carer caretaker carpenter
    cashier chef clerk colleague commander commuter constable consultant cook councillor counsellor
    counselor cousin curator cyclist delegate dentist designer detective developer director donor
    driver economist editor electrician engineer farmer firefighter fisherman foreman founder friend
    grandfather grandma grandmother grandpa guard guardian historian inspector instructor janitor
    journalist landlord lecturer librarian lieutenant mayor mechanic member midwife miner minister
    musician neighbor neighbour niece nephew nun organiser organizer owner painter paramedic parent
    passenger pastor pedestrian pharmacist photographer physician pilot player plumber poet
    policeman policewoman postman president priest principal producer professor programmer
    psychiatrist psychologist pupil rabbi receptionist referee resident sailor salesman scientist
    secretary seller senator sergeant shopkeeper singer soldier solicitor spokesman spokeswoman
    supervisor surgeon tailor teller tenant tourist trainer traveller treasurer tutor uncle vendor
    visitor volunteer waiter waitress welder worker writer
"""
# `Plumber`, `Project Manager`: people, where a heading within an answer names things.
_OCCUPATION: Final = re.compile(
    rf"(?:[A-Z][a-z]{{2,14}} )?(?:{'|'.join(_OCCUPATION_WORDS.split())}|manager|nurse|assistant)"
    r"(?: \d{1,3}| [A-Z])?",
    re.IGNORECASE,
)
_ROLE_FIRST: Final = re.compile(
    r"(?:interviewer|interviewee|moderator|facilitator|researcher|participant|respondent|host"
    r"|guest|speaker)\b[ .,:#-]*\S.{0,40}",
    re.IGNORECASE,
)
# Words that open a line before a colon, or stand in brackets, and name nobody.
_HEADING: Final = re.compile(
    "from|sent|cc|bcc|actually|also|although|and|answer|anyway|applause|attendees|background|because|but|cost|costs"
    "|crosstalk|date|duration|example|file|fine|first|goal|hello|however|inaudible|interview"
    "|laughs|laughter|lastly|language|length|lesson|like|location|maybe|meanwhile|moral|music|no"
    "|note|notes|now|oh|ok|okay|or|participants|pause|place|please|point|price|problem|project"
    "|question|questions|reason|recorded|recording|result|right|rule|second|secondly|silence"
    "|since|so|solution|speakers|status|still|subject|summary|tip|then|third|though|time|title"
    "|today|topic|transcript|transcription|uh|um|unit|version|warning|well|why|yeah|yes"
    "|kind|style|region|x-timestamp-map|http|https|www|mailto|monday|tuesday|wednesday|thursday"
    "|friday|saturday|sunday|january|february|march|april|june|july|august|september|october"
    "|november|december"
    # The same in languages whose dictionary is not at hand.
    "|(?:i|you|we|they|he|she|it|that|there|who|what)['\u2019](?:m|s|re|ve|ll|d)"
    "|agenda|venue|fecha|lugar|asunto|duración|asistentes|participantes|luogo|durata|partecipanti"
    "|ort|datum|dauer|teilnehmer|teilnehmende|lieu|durée|plaats|deelnemers|duração"
    "|erstens|zweitens|drittens|viertens|außerdem|übrigens|beispiel|zum beispiel|grund|ergebnis"
    "|fazit|vorteil|nachteil|problem|frage ist|anmerkung|hinweis|thema|preis|kosten|regel|ziel"
    "|premièrement|deuxièmement|troisièmement|d'abord|ensuite|enfin|exemple|par exemple|raison"
    "|résultat|conclusion|remarque|problème|avantage|inconvénient|sujet|prix"
    "|primero|segundo|tercero|además|ejemplo|por ejemplo|razón|motivo|resultado|conclusión|nota"
    "|ventaja|desventaja|tema|precio|coste|regla|objetivo"
    "|primo|secondo|terzo|inoltre|esempio|per esempio|ragione|risultato|conclusione|prezzo"
    "|primeiro|terceiro|além disso|exemplo|por exemplo|razão|conclusão|preço|vantagem"
    "|ten eerste|ten tweede|ten derde|bovendien|voorbeeld|reden|resultaat|opmerking|voordeel"
    "|nadeel|onderwerp|prijs|po pierwsze|po drugie|po trzecie|przykład|powód|wynik|uwaga|cena"
    "|во-первых|во-вторых|в-третьих|например|причина|результат|примечание|вывод|цена"
    "|тема|дата|место|участники|время|продолжительность|запись"
    "|文字记录|关键词|时间|時間|日期|地点|地點|主题|主題|会议主题|参会人员?"
    "|与会者|备注|注意?|例如|比如|总之|首先|其次|最后|问题|结论|议程|摘要|会议纪要|记录人|创建时间|时长|日時|場所"
    "|議題|参加者|出席者|備考|例えば|日付|文字起こし|제목"
    "|저장한 날짜|일시|장소|참석자|주제|비고|회의록"
    "|التاريخ|المكان|الموضوع|المشاركون|ملاحظة|مثلا|مثال|दिनांक|स्थान|विषय|नोट|उदाहरण",
    re.IGNORECASE,
)
# Lines at the head of a file that list who is in it.
_HEAD_LINE: Final = re.compile(
    r"participants|speakers|attendees|dear \w.{0,40}|answer \d+|question \d+"
    r"|(?:article|clause|item|phase|task|module|lesson|unit|stage|act|verse|stanza|exhibit|volume"
    r"|episode|chapter|part|section|session|scene|tape|side|day|week|step|figure|table|appendix"
    r"|transcript|interview|conversation|dialogue|recording|meeting|transkript|entrevista|entretien"
    r"|folge|kapitel|teil|épisode|chapitre|episodio|capítulo|parte) (?:\d{1,4}|[ivx]{1,5})",
    re.IGNORECASE,
)
# `ROC_se0_ag3_f_02`, as corpora call those who speak.
_IDENTIFIER: Final = re.compile(r"(?=\w*\d)[^\W\d_]\w*_\w+")
# `+46 70 123 45 67`, as meetings and chats call those who are in nobody's contacts.
_PHONE: Final = re.compile(r"\+\d[\d \u00a0\u2010\u2011()*x-]{6,20}\d")
# `Man on radio`, `Woman in crowd`, as subtitles call voices of people who are not seen.
_OFF_SCREEN: Final = re.compile(
    r"(?:(?:old|young|first|second) )?(?:man|woman|boy|girl|child|men|women|children|voice|voices"
    r"|crowd|announcer|operator|officer|reporter|presenter|caller)"
    r" (?:on|over|in|at|from|off|outside|behind)(?: (?:the|a))? [\w-]{2,20}(?: \d{1,2})?",
    re.IGNORECASE,
)
# `@dana_w`, as people are called in chats.
_HANDLE: Final = re.compile(r"@\w[\w.-]{1,40}|[a-z]{2,20}_[a-z]{1,2}")
_ANSWERS: Final = re.compile(
    "question|answer|q|a|frage|antwort|pregunta|respuesta|réponse|domanda|risposta|vraag|antwoord",
    re.IGNORECASE,
)
# Given names that the dictionary knows as ordinary words too.
_GIVEN_NAME_WORDS: Final = """
    amber april art ash aurora autumn bea bill billy bob bobby carol cash chad charity chase
    christian chuck clay cliff clover cole cooper coral dale dan daisy dawn dean dick dolly don
    dot drew earl ed eve faith fern flora frank fred gail gale gene ginger glen grace grant guy
    ben hal harmony harry hazel heath heather henry herb holly homer hope hunter ida iris ivy jack
    jade jasmine jay jean jerry jesse jimmy jo joe john josh joy judy june ken kit lance laurel
    lee lily lou luke mac marina mark martin mason matt max may melody mercy merry mike miles
    millie minnie misty molly morgan nan nat ned nick nora norm olive opal otis pam pansy pat
    patience patty pearl peg penny peter phil pierce piper poppy prudence queenie ralph randy
    ray reed rex rich ricky rob robin rod roger roman ron rory rosa rose rosemary rowan roy ruby
    rusty sally sam sandy scarlet scott sean sid sky sonny stella stew sue sunny susan tad ted
    barb calvin carter clement crystal derrick fritz jasper kelvin maria nelson sherry veronica
    teddy terry tim timothy toby tom tommy tony trey trinity vera vic victor viola violet wade
    wally ward warren wesley will willow winter wren zoe
"""
_GIVEN_NAMES: Final = frozenset(_GIVEN_NAME_WORDS.split())
_PARTICLE_WORDS: Final = """
    af al and for in on av ben bin da das de del della den der di do dos du e el et für ibn la le
    of the ten ter to und van vom von vor y zu zum zur &
"""
_PARTICLES: Final = frozenset(_PARTICLE_WORDS.split())
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*\.?")
_IN_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>")
_MOST_WORDS_OF_A_NAME: Final = 10


@lru_cache(maxsize=4_096)
def classify_label(label: str) -> LabelKind:
    """Classify a possible speaker label by its words: role, name, heading and so on."""
    label = label.strip()
    bare = _IN_BRACKETS.sub(" ", label).strip() or label
    words = _WORD.findall(bare)
    if is_phone_number(label) or _HANDLE.fullmatch(label) or _IDENTIFIER.fullmatch(label):
        kind = LabelKind.NAME
    elif _HEAD_LINE.fullmatch(label):
        kind = LabelKind.HEADING
    elif _is_role(label):
        kind = LabelKind.ROLE
    elif (
        _ADDRESSED.fullmatch(label)
        or _FRENCH_TITLE.fullmatch(bare)
        or _TITLED.fullmatch(bare)
        or _ON_BEHALF.fullmatch(bare)
    ):
        kind = LabelKind.NAME
    elif _HEADING.fullmatch(bare):
        kind = LabelKind.HEADING
    elif not any(any(map(str.isalpha, word)) for word in words):
        kind = LabelKind.OTHER
    elif not is_capitalised(bare) or len(words) > _MOST_WORDS_OF_A_NAME:
        kind = LabelKind.NAME if _is_name_in_small_letters(words) else LabelKind.OTHER
    else:
        kind = LabelKind.NAME if _is_name(label, bare, words) else LabelKind.WORDS
    return kind


def is_phone_number(label: str) -> bool:
    """Return whether a speaker label is an international telephone number."""
    return label[:1] == "+" and _PHONE.fullmatch(label) is not None


def _is_role(label: str) -> bool:
    is_role = infer_role(label) is not Role.UNKNOWN or _VOICE.fullmatch(label) is not None
    if not is_role and label[:1].isupper() and " " in label:
        is_role = _OFF_SCREEN.fullmatch(label) is not None
    if not is_role and label[:1].isupper():
        is_role = (_OCCUPATION.fullmatch(label) or _FRENCH_OFFICE.fullmatch(label)) is not None
    return is_role or (_ROLE_FIRST.fullmatch(label) or _RELATED.fullmatch(label)) is not None


def _is_name(label: str, bare: str, words: Sequence[str]) -> bool:
    """Whether capitalised words hold a name, or go with one: ``The Minister (Dame Ada Thorne)``."""
    if words[0] in _PARTICLES and len(words) > 1:
        return True  # `van den Berg`
    if len(words) == 1 and words[0].lower() in _GIVEN_NAMES:
        return True  # `ben`, which is a particle too
    if _INITIALS.fullmatch(bare) and (len(bare) == 1 or not is_dictionary_word(bare)):
        return True
    if any(map(_is_name_word, words)):
        return True
    inner = (_WORD.findall(one) for one in _IN_BRACKETS.findall(label))
    return any(is_capitalised(" ".join(one)) and any(map(_is_name_word, one)) for one in inner)


def _is_name_in_small_letters(words: Sequence[str]) -> bool:
    if len(words) != 1 or not words[0].isalpha():
        return False
    return words[0] in _GIVEN_NAMES or not is_dictionary_word(words[0])


def _is_name_word(word: str) -> bool:
    lower = word.rstrip(".").lower()
    if not any(map(str.isalpha, word)) or word in _PARTICLES:
        return False
    if not word.isascii():
        return True
    return lower in _GIVEN_NAMES or not is_dictionary_word(lower)


def is_capitalised(label: str) -> bool:
    """Return whether all words of a label are capitalised, except particles and numbers."""
    words = _WORD.findall(label)
    return bool(words) and all(
        word in _PARTICLES or not word[0].islower() or _is_inner_capital(word) for word in words
    )


def _is_inner_capital(word: str) -> bool:
    return any(map(str.isupper, word))  # `iPhone`, `deMarco`


@lru_cache(maxsize=4_096)
def get_label_case(label: str) -> LabelCase:
    """Return the letter case of a label: upper, lower, title or caseless."""
    letters = [one for one in _IN_BRACKETS.sub(" ", label) if one.isalpha()]
    cased = [one for one in letters if one.lower() != one.upper()]
    if not cased:
        return LabelCase.CASELESS
    if all(map(str.isupper, cased)):
        return LabelCase.UPPER
    return LabelCase.LOWER if all(map(str.islower, cased)) else LabelCase.TITLE


def is_question_or_answer(label: str) -> bool:
    """Return whether a label marks questions or answers, such as ``Q`` and ``A``."""
    return _ANSWERS.fullmatch(label.strip(" .")) is not None


def is_word_also_given_name(word: str) -> bool:
    """Return whether a dictionary word is also a common given name, such as "Grace"."""
    return word.lower() in _GIVEN_NAMES or is_name_in_dictionary(word.capitalize())
