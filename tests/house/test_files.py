"""The laws of all committed files: nothing of one machine, nothing of a patient, nothing left for later, names that say something."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

from tests.house.committed import functions, modules, paths, texts

NAMELESS = {"utils", "util", "helpers", "helper", "common", "services", "managers", "base", "misc"}
LONGEST_FUNCTION = 60
WITHOUT_LIMIT = Path("migrations/versions")
"""A migration is a list of statements."""

# In two parts, so that this file does not hold them.
HOSTS = [
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"))
]
PLACES = [f"/{name}/" for name in ("work", "root", "home")] + ["/".join(("", "tmp", "hat"))]

# Numbers that published documents give as examples, and what only looks like one.
DOCUMENTED = {
    "9434765919",  # the data dictionary's example
    "9434765870",  # the same service's second one
    "4010232137",  # an example of the algorithm's description
    "4505577104",  # the interface guide's
    "9876543210",
    "0000000000",
    "0123456789",  # the ten digits
    "2147483648",  # one more than the largest whole number of FHIR R4
}
TEN_DIGITS = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{10}|[0-9]{3}[ -][0-9]{3}[ -][0-9]{4})(?![0-9A-Za-z])")

# The edge: where a clock may be read. Everything below it is told the time.
CLOCKS = (
    "registry/web/",
    "registry/commands/",
    "registry/demo/",
    "registry/__main__.py",
    "registry/jobs.py",
    "ingest/__main__.py",
    "tests/",
)


def test_nothing_of_one_machine_and_no_host_of_a_package_registry() -> None:
    found = [(str(path), word) for path, text in texts().items() for word in (*HOSTS, *PLACES) if word in text]
    assert not found


def test_no_number_that_could_be_a_patient_s() -> None:
    found = set()
    for path, text in texts().items():
        for match in TEN_DIGITS.finditer(text):
            number = re.sub(r"[ -]", "", match.group())
            if _valid(number) and not number.startswith("999") and number not in DOCUMENTED:
                found.add((str(path), match.start()))
    assert not found


def _valid(number: str) -> bool:
    """Whether the check digit of ten digits is right."""
    rest = -sum(int(digit) * (10 - place) for place, digit in enumerate(number[:9])) % 11
    return rest == int(number[9])


def test_every_module_s_name_says_what_is_in_it() -> None:
    parts = {part for path in modules() for part in (path.stem, *path.parts[:-1])}
    assert not parts & NAMELESS


def test_no_function_is_too_long_and_most_are_short() -> None:
    long = [
        (str(path), node.name)
        for path, node in functions()
        if _lines(node) > LONGEST_FUNCTION and WITHOUT_LIMIT not in path.parents
    ]
    assert not long
    assert median(_lines(node) for path, node in functions() if path.parts[0] != "tests") <= 11


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "HA" + "CK")) + r")\b")
    assert not [str(path) for path, text in texts().items() if path.suffix != ".css" and words.search(text)]


def test_every_silenced_type_error_has_its_reason_on_the_line() -> None:
    silent = re.compile(r"# type: ignore(?:\[[^\]]*\])?\s*$", re.MULTILINE)
    assert not [str(path) for path, text in texts().items() if path.suffix == ".py" and silent.search(text)]


def test_no_test_is_passed_over_but_for_what_a_machine_may_lack() -> None:
    """A browser, a spreadsheet program, a library for fonts, other people's FHIR, a clock to be put: each fails in CI."""
    skips = [str(path) for path, module in modules().items() for node in ast.walk(module) if _skips(node)]
    assert set(skips) <= {
        "tests/attack/test_stepping_clock.py",
        "tests/journeys/browsing.py",
        "tests/examples/regenerate.py",
        "tests/fhir_inputs/fetching.py",
        "tests/registry/web/paper.py",
    }


def _skips(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("skip", "skipif", "xfail")
        and ast.unparse(node).startswith("pytest")
    )


def test_time_is_an_argument_below_the_edge() -> None:
    found = [
        (str(path), node.lineno)
        for path, module in modules().items()
        if not str(path).startswith(CLOCKS)
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and re.fullmatch(r"(?:datetime|date)(?:\.\w+)*\.(?:now|today|utcnow)", ast.unparse(node.func))
    ]
    assert not found


@pytest.mark.parametrize("package", ["schemas", "ingest", "registry", "migrations"])
def test_every_module_says_what_it_is_for(package: str) -> None:
    silent = [
        str(path)
        for path, module in modules().items()
        if path.parts[0] == package and not ast.get_docstring(module) and ast.unparse(module).strip()
    ]
    assert not silent


def test_every_folder_of_tests_is_a_package() -> None:
    """Else `tests/schemas` hides `schemas`."""
    folders = {path.parent for path in paths() if path.suffix == ".py" and path.parts[0] == "tests"}
    assert not [str(folder) for folder in folders if folder / "__init__.py" not in set(paths())]
