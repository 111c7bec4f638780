"""The heavy mode sees who did it to whom, and whether it was done at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from grounding import assess_note
from grounding.syntax.clauses import SyntaxParser
from grounding.syntax.spacy_parser import load_spacy_parser
from spacy_models import is_spacy_installed
from support.missing import missing
from unit.grounding.drafts import chunk, draft, failed_beyond_form, segment

TURNED_ROUND = [
    ("The union paid for the lawyer", "The union offered to pay, but I paid for the lawyer myself"),
    ("She taught her father to weld", "My dad taught me to weld when I was eleven"),
    ("She drives Ruth to dialysis", "My neighbour Ruth drives me to dialysis"),
    ("He paid her", "So she paid him for the work"),
    ("She paid him for the work", "he paid her for the work"),
    ("Anna fired the manager", "The manager fired Anna last year"),
    ("The manager was fired by Anna", "The manager fired Anna last year"),
    ("Anna was paid by Ben", "Ben was paid by Anna"),
    ("Ben paid Anna", "Ben was paid by Anna"),
    ("The client called the support team", "The support team called the client back"),
    ("The support team was called by the client", "The support team called the client back"),
    ("The doctor told his mother", "My mother told the doctor about it"),
    ("The teacher helped the students", "The students helped the teacher a lot"),
    ("Maria introduced Tom to the team", "Tom introduced Maria to the team"),
    ("Sales asked marketing for help", "Marketing asked sales for help"),
    ("The dog chased the cat", "the cat chased the dog all over"),
    ("The parents follow the school", "the school follows the parents in this"),
    ("Tom works for Maria", "Maria works for Tom now"),
    ("He taught her", "she taught him everything"),
    ("The seller contacted the buyer", "the buyer contacted the seller"),
    ("The team convinced the boss", "the boss convinced the team"),
    ("The nurse blamed the doctor", "the doctor blamed the nurse for it"),
    ("The landlord sent the tenant a letter", "the tenant sent the landlord a letter"),
    ("Her sister visited her brother", "her brother visited her sister"),
    ("The agency sued the company", "The company sued the agency in spring"),
    ("Anna was given a car by Ben", "Anna gave Ben a car"),
    ("Support called her three times", "I called support three times"),
    ("She drove her brother to work", "my brother drove me to work"),
    ("Her father was a nurse", "My mother was a nurse and my father drove trucks"),
    ("Her mother drove trucks", "My mother was a nurse and my father drove trucks"),
    ("The manager was patient", "The nurses were patient, the manager shouted all day"),
    ("The guards gave the committee a tent", "The guards were given a tent by the committee"),
    ("She taught her cousin to knit", "My cousin taught me how to knit"),
]

THE_SAME_WAY_ROUND = [
    ("Her father taught her to weld", "My dad taught me to weld when I was eleven"),
    ("Ruth drives her to dialysis", "My neighbour Ruth drives me to dialysis"),
    ("Half of the kids eat no breakfast", "Half of the kids don't eat breakfast"),
    ("He was paid by her", "So she paid him for the work"),
    ("She was paid by him for the work", "he paid her for the work"),
    ("Anna was fired by the manager", "The manager fired Anna last year"),
    ("The manager fired Anna", "Anna was fired by the manager"),
    ("Anna paid Ben", "Ben was paid by Anna"),
    ("The support team called the client", "The client was called by the support team"),
    ("The company sued the agency", "The agency was sued by the company in spring"),
    ("The students helped the teacher", "The teacher was helped by the students"),
    ("Tom introduced Maria to the team", "Maria was introduced to the team by Tom"),
    ("Sales was asked by marketing", "Marketing asked sales for help"),
    ("The bank owes the vendor money", "The bank owes money to the vendor"),
    ("Anna lent a car to Ben", "Anna lent Ben a car"),
    ("Ben was lent a car by Anna", "Anna lent Ben a car"),
    ("Maria works for Tom", "Maria works for Tom now"),
    ("The website is cheaper than the app", "the website is cheaper than the app"),
    ("Anna met Ben", "Ben met Anna at the fair"),
    ("The participant called the support team", "I called the support team twice"),
    ("The support team called the participant", "the support team called me back"),
    ("They were called back by the support team", "the support team called us back"),
    ("The nurse was blamed by the doctor", "the doctor blamed the nurse for it"),
    ("The tenant sent a letter to the landlord", "the tenant sent the landlord a letter"),
    ("The participant's boss fired them", "my boss fired me"),
    ("She was fired by her boss", "my boss fired me"),
    ("The boss was convinced by the team", "the team convinced the boss"),
    ("The participant helps her mother", "I help my mother and she helps me"),
    ("The participant's mother helps her", "I help my mother and she helps me"),
    ("Her mother was a nurse", "My mother was a nurse and my father drove trucks"),
    ("Her brother drove her to work", "my brother drove me to work"),
    ("She called support three times", "I called support three times"),
    ("The staff were patient", "The nurses were patient, the manager shouted all day"),
    ("Her brother lent her money", "My brother lent me money, otherwise I would have left"),
]

TOLD_AS_DONE = [
    ("She saw a dentist", "I've been meaning to see a dentist but I keep putting it off"),
    ("It was delivered on Monday", "They were supposed to deliver on Monday and it came late"),
    ("They bought the tool", "I almost bought the tool"),
    ("They switched to Slack", "we are thinking about switching to Slack"),
    ("They had switched to Slack", "If we had switched to Slack it would be easier"),
    ("They still use it", "they used to use it"),
    ("They use it", "they used to use it"),
    ("It is fixed", "I hope it is fixed"),
    ("It is fixed", "I doubt it is fixed"),
    ("They pay monthly", "whether they pay monthly, I have no idea"),
    ("They tried the beta", "I never got to try the beta"),
    ("They tried the beta", "I wish I had tried the beta"),
    ("She closed the shop", "My brother lent me money, otherwise I would have closed the shop"),
    ("She cancelled the order", "I will cancel the order if the price goes up"),
    ("They have more staff", "I wish we had more staff"),
    ("She works without it", "I can't imagine working without it now"),
    ("They repaired the roof", "They tried to repair the roof"),
    ("She moved to Leeds", "My boss asked me to move to Leeds"),
    ("They left because the fee went up", "If the fee goes up I would leave"),
]

REFUSED_IN_BOTH_MODES = [
    ("They decided not to renew", "We haven't decided yet whether to renew"),
    ("They can hire more people", "We want to hire more people but we can't"),
    ("Priya did not know how to configure it", "Nobody knew how to configure it except Priya"),
    ("They fixed it", "They promised to fix it but never did"),
    ("She stopped smoking", "The doctor told me to stop smoking, but I haven't"),
    ("They bought the tool", "I wanted to buy the tool"),
    ("The participant pays for the tool", "I'd pay for the tool if my boss let me"),
    ("They will buy it", "I might buy it next year"),
    ("It is expensive", "I don't think it's expensive"),
    ("They trust the numbers", "Nobody on our team trusts the numbers"),
    ("Everyone uses it", "not everyone uses it"),
    ("It is more expensive now", "it is less expensive now"),
    ("They are allowed to export", "they aren't allowed to export"),
    ("They want to leave", "I want them to stay"),
]

TOLD_AS_IT_WAS = [
    ("She was told to stop smoking", "The doctor told me to stop smoking, but I haven't"),
    ("It was never fixed", "They promised to fix it but never did"),
    ("They promised to fix it", "They promised to fix it but never did"),
    ("They have not decided whether to renew", "We haven't decided yet whether to renew"),
    ("It is common for it to stop", "It's not uncommon for it to stop"),
    ("Only Priya knew how to configure it", "Nobody knew how to configure it except Priya"),
    ("She pays about forty dollars", "I pay maybe forty dollars"),
    ("They bought nothing", "We haven't bought anything"),
    ("She liked the food", "I liked the food, but my sister didn't"),
    ("They would pay for it if it were cheaper", "I would pay for it if it were cheaper"),
    ("They might buy it", "I might buy it next year"),
    ("They may buy it next year", "I might buy it next year"),
    ("They wanted to buy it", "I wanted to buy it"),
    ("They considered switching to Slack", "we are thinking about switching to Slack"),
    ("They do not think it is expensive", "I don't think it's expensive"),
    ("They think it is not expensive", "I don't think it's expensive"),
    ("They don't find it expensive", "I don't think it's expensive"),
    ("Nobody on the team trusts the numbers", "Nobody on our team trusts the numbers"),
    ("No one trusts the numbers", "Nobody on our team trusts the numbers"),
    ("They do not only use the export", "we don't only use the export, also the api"),
    ("Not everyone uses it", "not everyone uses it"),
    ("Some of them use it", "some of them use it"),
    ("The app is slower than the website", "the app is slower than the website"),
    ("It costs less now", "it is less expensive now"),
    ("They used to use it", "they used to use it"),
    ("They must use it", "they have to use it"),
    ("They have to use it", "they must use it"),
    ("They are not allowed to export", "they aren't allowed to export"),
    ("They can't export", "they aren't able to export"),
    ("They hope it is fixed", "I hope it is fixed"),
    ("They doubt that it is fixed", "I doubt it is fixed"),
    ("They wish they had tried the beta", "I wish I had tried the beta"),
    ("They would have paid", "they would have paid"),
    ("She said she would come", "I will come"),
    ("Will cancel if they raise the price", "If they raise the price again I will cancel"),
    ("She asked him to leave, and he left", "I asked him to leave and he left"),
    ("She liked it", "I liked it but my sister didn't"),
    ("She stopped smoking", "The doctor told me to stop smoking, and I stopped"),
    ("They said they could help", "we can help"),
]


@pytest.fixture(scope="module")
def parse() -> SyntaxParser:
    if not is_spacy_installed():
        missing("the extra heavy-grounding is not installed")
    return load_spacy_parser()


@pytest.mark.parametrize(("statement", "quote"), TURNED_ROUND)
def test_rejects_swapped_roles(statement: str, quote: str, parse: SyntaxParser) -> None:
    verdict = assess_note(draft(statement), chunk(segment(1, quote)), parse)
    assert failed_beyond_form(verdict) == ["roles_swapped"]


@pytest.mark.parametrize(("statement", "quote"), THE_SAME_WAY_ROUND)
def test_accepts_passives_and_other_orders_of_the_same(
    statement: str, quote: str, parse: SyntaxParser
) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)), parse)) == []


@pytest.mark.parametrize(("statement", "quote"), TOLD_AS_DONE)
def test_rejects_wishes_plans_and_conditions_stated_as_facts(
    statement: str, quote: str, parse: SyntaxParser
) -> None:
    verdict = assess_note(draft(statement), chunk(segment(1, quote)), parse)
    assert failed_beyond_form(verdict) == ["told_as_fact"]


@pytest.mark.parametrize(("statement", "quote"), TOLD_AS_IT_WAS)
def test_accepts_wishes_plans_and_conditions_stated_as_such(
    statement: str, quote: str, parse: SyntaxParser
) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)), parse)) == []


@pytest.mark.parametrize(("statement", "quote"), REFUSED_IN_BOTH_MODES)
def test_both_modes_reject_unsupported_notes(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote))))


@pytest.mark.parametrize(("statement", "quote"), TURNED_ROUND + TOLD_AS_DONE)
def test_the_light_mode_cannot_see_these(statement: str, quote: str) -> None:
    assert failed_beyond_form(assess_note(draft(statement), chunk(segment(1, quote)))) == []


def test_importing_grounding_loads_no_model() -> None:
    script = (
        "import sys, grounding.syntax.spacy_parser; from spacy_models import MODELS; "
        "print({package for package, _ in MODELS} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
