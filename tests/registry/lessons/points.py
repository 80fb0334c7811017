"""Synthetic learning points: templates as nurses write them, filled by a seed, each identifier with its sort and place; and plain ones.

Nothing in them is real. The same hand wrote the rules and the templates, so what is measured flatters the screen; names of people and places
are drawn from lists that the screen does not have, unless a test gives it a part of them.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from registry.lessons.screen import Known
from tests.make import nhs_number

SURNAMES = (
    "Applegarth", "Bickerstaffe", "Cholmondeley", "Dangerfield", "Entwistle", "Fothergill", "Goodenough", "Higginbottom", "Inchbald",
    "Jellicoe", "Kettleborough", "Lightbown", "Micklethwait", "Nettleship", "Ollerenshaw", "Pickersgill", "Quayle", "Ramsbottom",
    "Shufflebotham", "Thistlethwaite", "Umpleby", "Varley", "Winterbottom", "Yardley", "Okonkwo", "Adeyemi", "Chaudhry", "Banerjee",
    "Kowalczyk", "Nowicki", "Papadopoulos", "Llewellyn", "Gruffydd", "Macalister", "O'Hanlon", "Smith-Barry",
)  # fmt: skip
FIRST = (
    "Margaret",
    "John",
    "Fatima",
    "Piotr",
    "Rhys",
    "Priya",
    "Oluwaseun",
    "Siobhan",
    "Doreen",
    "Albert",
    "Zephyrine",
    "Lowri",
    "Tomos",
    "Xanthe",
)
WARDS = ("Nightingale", "Bluebell", "Ludlow", "Seacole", "Harebell", "Beatrice", "Marlborough", "Cedar")
HOSPITALS = (
    "Ashgrove Infirmary",
    "Queen Beatrice Hospital",
    "Millbrook General Hospital",
    "St Aldate's Hospital",
    "Northmoor Clinic",
)
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

PLAIN = (
    "Doses on transfer are missed where two wards share a chart.",
    "Risk assessment within 14 hours was not done because the form is behind three clicks in the EPMA system.",
    "Extended prophylaxis for 28 days after surgery was not supplied; the TTO template now asks for it.",
    "Enoxaparin 40 mg was given at 22:00 instead of 18:00 and then held for an epidural; it was not restarted for 3 days.",
    "Weight over 100 kg: the dose of dalteparin was not raised. Pharmacists now check weight and eGFR on day 1.",
    "Mechanical prophylaxis was omitted in 2 of 5 patients after stroke; IPC pumps are now kept on the Stroke Unit.",
    "The patient declined doses. Nobody explained why they matter; a leaflet in Welsh and Polish helps.",
    "On Saturday and Sunday nobody reassesses; the Consultant ward round on Monday finds it.",
    "NICE NG89 asks for extended prophylaxis after hip fracture: 28 days or more. Our guideline said 14.",
    "Handover from ED to AMU left out that the first dose was given, so it was given twice.",
    "Apixaban was stopped 48 hours before the procedure and not restarted within 72 hours.",
    "Reading the chart at each handover found 3/4 missed doses before harm.",
    "Aged over 60 with active cancer: the tool was right, the prescription was not.",
    "Patients of 70 years or more on rehabilitation wards were not reassessed weekly.",
    "May need review: bridging with LMWH was decided by phone and not written down.",
    "The Trust Thrombosis Committee added a stop to the discharge letter.",
    "Datix themes were shown to F1 doctors at induction; missed doses fell by a half in 6 months.",
    "A plaster cast in clinic: no assessment was done at all. The Fracture Clinic has a form now.",
    "Antenatal assessment was repeated on admission, but not after caesarean section.",
    "Stockings were worn without measuring; Doppler was not done although ABPI was low.",
)

TEMPLATES = (
    "Mrs {surname:title} was not assessed within 14 hours.",
    "Doses were missed because Dr {surname:title} had not signed the chart.",
    "{first:person} {surname:more} declined stockings and nobody wrote it down.",
    "On {ward:place} two doses of enoxaparin were missed.",
    "The patient was moved to ward {wardno:place} without the chart.",
    "Admitted on {date:date}, first dose 30 hours later.",
    "Surgery on {longdate:date}; extended prophylaxis was not supplied.",
    "NHS number {nhs:number} was on the wrong label, so doses went to another patient.",
    "Hospital number {mrn:hospital_number}: risk assessment was blank.",
    "Please call {phone:phone} for the guideline.",
    "The site manager on bleep {bleep:phone} had no access to the system.",
    "Contact {email:email} for our checklist.",
    "The care home at {postcode:postcode} did not give the injections.",
    "Pt {initials:initials} refused three doses.",
    "A {old} year old patient was thought too frail for prophylaxis.",
    "Transferred from {hospital:place} without a discharge summary.",
    "Incident {datix:hospital_number} describes the same gap.",
    "GMC {gmc:professional} prescribed a treatment dose by mistake.",
    "Handover between {surname:bare} and the night team left the dose out.",
    "{surname:bare} told the ward that doses could wait.",
    "Since {month:date} the electronic chart hides stopped doses.",
    "DOB {dob:date} was entered wrongly, so the weight was of another patient.",
    "Sister {surname:title} found that pumps were locked away.",
    "In bed {bed:place} the patient could not reach the call bell.",
    "The registrar, {first:person} {surname:more}, did not restart warfarin.",
    "Reviewed by Professor {surname:title} after {n} days.",
)
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Label:
    """An identifier in a text: what it is, and where."""

    sort: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Written:
    """One text and what in it identifies."""

    text: str
    labels: tuple[Label, ...]


def written(number: int, seed: int) -> list[Written]:
    """So many texts; a quarter of them without any identifier, the others with one or two."""
    chance = random.Random(seed)
    return [_one(chance) for _ in range(number)]


def _one(chance: random.Random) -> Written:
    if chance.random() < 0.25:
        return Written(" ".join(chance.sample(PLAIN, 2)), ())
    parts = chance.sample(TEMPLATES, chance.choice((1, 1, 2)))
    if chance.random() < 0.7:
        parts.insert(chance.randrange(len(parts) + 1), chance.choice(PLAIN))
    text = ""
    labels: list[Label] = []
    for part in parts:
        text += " " if text else ""
        said, found = _filled(part, chance)
        labels += [Label(each.sort, each.start + len(text), each.end + len(text)) for each in found]
        text += said
    return Written(text, tuple(labels))


def _filled(template: str, chance: random.Random) -> tuple[str, list[Label]]:
    made, last = "", 0
    labels: list[Label] = []
    for slot in _SLOT.finditer(template):
        made += template[last : slot.start()]
        words = _words(slot[1], chance)
        sort = slot[2] or ("age" if slot[1] == "old" else "")
        start = len(made)
        made += words
        if sort == "more" and labels:
            labels[-1] = Label(labels[-1].sort, labels[-1].start, len(made))
        elif sort:
            labels.append(Label(sort, start, len(made)))
        last = slot.end()
    return made + template[last:], labels


def _words(slot: str, chance: random.Random) -> str:  # one line a slot
    day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(2023, 2025)
    number = nhs_number(chance.randrange(10_000))
    digits = "".join(chance.choice("0123456789") for _ in range(12))
    made: dict[str, Callable[[], str]] = {
        "surname": lambda: chance.choice(SURNAMES),
        "first": lambda: chance.choice(FIRST),
        "ward": lambda: f"{chance.choice(WARDS)} Ward",
        "wardno": lambda: chance.choice((f"{day}", f"B{day}", f"{day}A", chance.choice(WARDS))),
        "hospital": lambda: chance.choice(HOSPITALS),
        "date": lambda: chance.choice((f"{day:02d}/{month:02d}/{year}", f"{day}.{month}.{year % 100:02d}", f"{year}-{month:02d}-{day:02d}")),
        "longdate": lambda: chance.choice((f"{day} {MONTHS[month - 1]} {year}", f"{day}th of {MONTHS[month - 1]}", f"{MONTHS[month - 1]} {day}")),
        "dob": lambda: f"{day:02d}/{month:02d}/{chance.randint(1930, 1990)}",
        "month": lambda: chance.choice((f"{MONTHS[month - 1]} {year}", MONTHS[month - 1])),
        "nhs": lambda: chance.choice((number, f"{number[:3]} {number[3:6]} {number[6:]}", f"{number[:3]}-{number[3:6]}-{number[6:]}")),
        "mrn": lambda: chance.choice((f"RX{digits[:6]}", digits[:7], f"A{digits[:6]}B")),
        "datix": lambda: chance.choice((f"W{digits[:6]}", digits[:6])),
        "gmc": lambda: f"7{digits[:6]}",
        "phone": lambda: chance.choice((f"020 7946 0{digits[:3]}", f"01632 960{digits[:3]}", f"+44 7700 900{digits[:3]}")),
        "bleep": lambda: str(chance.randint(1000, 9999)),
        "email": lambda: f"{chance.choice(FIRST).lower()}.{chance.choice(('ward', 'clinic'))}@trust.example",
        "postcode": lambda: chance.choice(("ZE1 9AA", "SW1A 2AA", "LS9 7TF", "cf14 4xw", "M139WL")),
        "initials": lambda: chance.choice(("JS", "A.B.", "KLM", "J.S")),
        "old": lambda: str(chance.randint(90, 103)),
        "bed": lambda: str(chance.randint(1, 30)),
        "n": lambda: str(chance.randint(2, 9)),
    }  # fmt: skip
    return made[slot]()


def known(share: float, seed: int) -> Known:
    """Lists of the register and the trust that are as complete as `share` says."""
    chance = random.Random(seed)

    def part(of: Iterable[str]) -> list[str]:
        return [each for each in of if chance.random() < share]

    return Known.of(people=[f"Xq {each}" for each in part(SURNAMES)], organisations=part(HOSPITALS), own=part(WARDS))


_CALLED = {"bare": "bare surname", "title": "title and surname", "person": "given name and surname"}


def sort_of(label: Label) -> str:
    """What a label is called in the table of results."""
    return _CALLED.get(label.sort, label.sort)
