"""Pairs of statements that oppose each other, and pairs that do not; half of each kept apart.

``PYTHONPATH=tests python -m support.opposing_statements`` prints how many code finds, and how many
of those it finds oppose each other, for the half that the rules were written on and the other.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from grounding.opposition import find_opposition

OPPOSING: Final = (
    ("The shop raised its prices in spring.", "The shop lowered its prices in spring."),
    (
        "They recommend the booking system to colleagues.",
        "They would not recommend the booking system.",
    ),
    ("A repair takes 3 days on average.", "A repair takes 10 days on average."),
    ("Customers trust the mechanic.", "Customers distrust the mechanic."),
    ("The app is easy to use.", "The app is difficult to use."),
    ("He never works on Sundays.", "He always works on Sundays."),
    ("The subscription costs 40 dollars a month.", "The subscription costs 60 dollars a month."),
    ("The landlord repaired the heating.", "The landlord did not repair the heating."),
    ("Staff feel safe in the warehouse.", "Staff do not feel safe in the warehouse."),
    ("Waiting times increased after the merger.", "Waiting times decreased after the merger."),
    ("Most patients prefer video calls.", "Few patients prefer video calls."),
    ("The training was useful for new drivers.", "The training was useless for new drivers."),
    ("She has 12 employees in the workshop.", "She has 5 employees in the workshop."),
    ("Parents support the new timetable.", "Parents oppose the new timetable."),
    ("The software works offline.", "The software does not work offline."),
    ("Delivery is faster than last year.", "Delivery is slower than last year."),
    ("The council allows stalls on the square.", "The council forbids stalls on the square."),
    ("Nobody told them about the closure.", "They were told about the closure."),
    ("Rent went up by 10 percent.", "Rent went up by 25 percent."),
    ("The food at the canteen is good.", "The food at the canteen is bad."),
    ("They hired more nurses last winter.", "They hired fewer nurses last winter."),
    ("He stopped buying spare parts online.", "He continues buying spare parts online."),
    ("The meetings are necessary for the team.", "The meetings are unnecessary for the team."),
    ("Tenants can reach the office by phone.", "Tenants cannot reach the office by phone."),
    # Half by half: every second one is kept apart.
    ("The bus arrives on time in the morning.", "The bus arrives late in the morning."),
    ("Teachers like the new reading scheme.", "Teachers dislike the new reading scheme."),
    ("The factory closed its night shift.", "The factory did not close its night shift."),
    ("They waited 2 hours in the emergency room.", "They waited 6 hours in the emergency room."),
    ("The new law helps small farmers.", "The new law harms small farmers."),
    ("Volunteers are paid for travel.", "Volunteers are not paid for travel."),
    ("Sales rose in December.", "Sales fell in December."),
    ("The instructions are clear to most users.", "The instructions are unclear to most users."),
    ("Members must attend every session.", "Members do not have to attend every session."),
    ("The clinic has enough doctors.", "The clinic lacks doctors."),
    ("The bank accepted his loan application.", "The bank rejected his loan application."),
    ("Cyclists find the junction dangerous.", "Cyclists find the junction safe."),
    ("The museum is open on Mondays.", "The museum is closed on Mondays."),
    ("She would buy the same oven again.", "She would never buy the same oven again."),
    ("The course lasts 6 weeks.", "The course lasts 12 weeks."),
    ("He is satisfied with the insurance.", "He is dissatisfied with the insurance."),
    ("Everyone got the security update.", "Nobody got the security update."),
    ("The noise got better after the works.", "The noise got worse after the works."),
    ("They pay in cash.", "They do not pay in cash."),
    ("The union won the vote on wages.", "The union lost the vote on wages."),
    ("The tool saves time for accountants.", "The tool wastes time for accountants."),
    ("The flat has 3 rooms.", "The flat has 4 rooms."),
    ("Children walk to school alone.", "Children do not walk to school alone."),
    ("The price includes breakfast.", "The price excludes breakfast."),
)
"""Statements of different people that cannot both be true of the same."""

AGREEING: Final = (
    ("The shop raised its prices in spring.", "The shop raised prices again in autumn."),
    ("They recommend the booking system.", "They use the booking system every day."),
    ("A repair takes 3 days on average.", "A repair takes three days on average."),
    ("Customers trust the mechanic.", "Customers trust the mechanic because he explains things."),
    ("The app is easy to use.", "The app is simple to use."),
    ("He never works on Sundays.", "He does not work on Sundays."),
    ("The subscription costs 40 dollars a month.", "The repair costs 60 dollars."),
    ("The landlord repaired the heating.", "The landlord repaired the heating after two weeks."),
    ("Staff feel safe in the warehouse.", "Staff do not feel heard by managers."),
    ("Waiting times increased after the merger.", "Waiting times increased and costs decreased."),
    ("Most patients prefer video calls.", "Many patients prefer video calls in winter."),
    ("The training was useful for new drivers.", "New drivers found the training useful."),
    ("She has 12 employees in the workshop.", "She has a dozen employees in the workshop."),
    ("Parents support the new timetable.", "Parents were asked about the new timetable."),
    ("The software works offline.", "The software does not need an account."),
    ("Delivery is faster than last year.", "Delivery is quicker than it was last year."),
    ("The council allows stalls on the square.", "The council closed the old square."),
    ("Nobody told them about the closure.", "They were not told about the closure."),
    ("Rent went up by 10 percent.", "Wages went up by 25 percent."),
    ("The food at the canteen is good.", "The food at the canteen is not bad."),
    ("They hired more nurses last winter.", "They hired nurses from abroad last winter."),
    ("He stopped buying spare parts online.", "He does not buy spare parts online any more."),
    ("The meetings are necessary for the team.", "The meetings are long for the team."),
    ("Tenants can reach the office by phone.", "Tenants reach the office by phone or email."),
    ("The bus arrives on time in the morning.", "The bus is full in the morning."),
    ("Teachers like the new reading scheme.", "Teachers like the books of the reading scheme."),
    ("The factory closed its night shift.", "The factory closed the night shift in May."),
    ("They waited 2 hours in the emergency room.", "They waited two hours in the emergency room."),
    ("The new law helps small farmers.", "The new law does not apply to large farms."),
    ("Volunteers are paid for travel.", "Volunteers are not trained before they travel."),
    ("Sales rose in December.", "Sales grew in December."),
    ("The instructions are clear to most users.", "Most users read the instructions first."),
    ("Members must attend every session.", "Members have to attend every session."),
    ("The clinic has enough doctors.", "The clinic does not lack doctors."),
    ("The bank accepted his loan application.", "The bank sent his loan application back late."),
    ("Cyclists find the junction dangerous.", "Cyclists do not find the junction safe."),
    ("The museum is open on Mondays.", "The museum is not closed on Mondays."),
    ("She would buy the same oven again.", "She bought the oven at the same shop."),
    ("The course lasts 6 weeks.", "The course has 12 students."),
    ("He is satisfied with the insurance.", "He is not worried about the insurance."),
    ("Everyone got the security update.", "Everyone got the security update twice."),
    ("The noise got better after the works.", "The noise was worse before the works."),
    ("They pay in cash.", "They pay in cash and not by card."),
    ("The union won the vote on wages.", "The union called the vote on wages."),
    ("The tool saves time for accountants.", "Accountants save 2 hours with the tool."),
    ("The flat has 3 rooms.", "The flat has 3 rooms and 4 windows."),
    ("Children walk to school alone.", "Children walk to school with friends, not alone at night."),
    ("The price includes breakfast.", "The price includes breakfast but not lunch."),
)
"""Statements about the same that can both be true."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well opposing statements are found.

    Attributes:
        precision: share of the pairs found that oppose each other.
        recall: share of the opposing pairs that are found.
        missed: opposing pairs that are not found.
        wrong: pairs found that do not oppose each other.
    """

    precision: float
    recall: float
    missed: tuple[tuple[str, str], ...]
    wrong: tuple[tuple[str, str], ...]


def measure(*, is_kept_apart: bool) -> Figures:
    """Measure one half: every second pair is kept apart."""
    begin = int(is_kept_apart)
    opposing, agreeing = OPPOSING[begin::2], AGREEING[begin::2]
    found = [pair for pair in opposing if find_opposition(*pair)]
    wrong = [pair for pair in agreeing if find_opposition(*pair)]
    return Figures(
        precision=len(found) / max(1, len(found) + len(wrong)),
        recall=len(found) / len(opposing),
        missed=tuple(pair for pair in opposing if pair not in found),
        wrong=tuple(wrong),
    )


if __name__ == "__main__":
    for is_kept_apart in (False, True):
        half = measure(is_kept_apart=is_kept_apart)
        name = "kept apart" if is_kept_apart else "developed on"
        sys.stdout.write(f"{name}: precision {half.precision:.2f}, recall {half.recall:.2f}\n")
        if not is_kept_apart:  # nobody writes rules on the others
            for kind, pairs in (("missed", half.missed), ("wrong", half.wrong)):
                sys.stdout.writelines(f"  {kind}: {one} | {other}\n" for one, other in pairs)
