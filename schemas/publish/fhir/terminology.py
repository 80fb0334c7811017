"""CodeSystems and ValueSets: each code list of the dataset, the rules, and the groups of a monthly return."""

from collections import defaultdict
from collections.abc import Iterator

from schemas.codelist import CodeList
from schemas.dictionary import code_lists, field, fields
from schemas.fhir import (
    ACTIVITY_COUNTS,
    ACTIVITY_GROUPS,
    FIGURE_STANDING,
    ISSUES,
    STRATIFIERS,
    Artefact,
    canonical,
    list_name,
)
from schemas.publish.fhir.resource import Resource, head, local_name, present
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule

# What a finding names, where no finding is there to name it.
_UNSAID = defaultdict(lambda: "…", wanted="what this field holds", hint="")


def resources() -> Iterator[Resource]:
    """Every CodeSystem, and for each the ValueSet of all its codes."""
    systems = [*(_list(codes) for codes in code_lists()), _issues(), _activity_fields(), _stratifiers(), _standing()]
    for system in systems:
        yield system
        yield _all_of(system)


def _list(codes: type[CodeList]) -> Resource:
    title = " ".join((codes.__doc__ or "").split())
    open_list = codes.open_pattern() is not None
    described = f"{title}. Used by {_users(codes)}."
    if open_list:
        described += (
            " This copy of a national list is not complete: another code of the same shape is kept, with a warning."
        )
    return _system(
        list_name(codes),
        title,
        described,
        {"nation": "code", "standard-code": "string", "sure": "string"},
        [_code(each) for each in codes],
        complete=not open_list,
    )


def _users(codes: type[CodeList]) -> str:
    """The fields that hold a code of the list: `case.sex`."""
    return ", ".join(f"{kind}.{each.name}" for kind in RecordKind for each in fields(kind) if each.codes is codes)


def _code(code: CodeList) -> Resource:
    properties = {"nation": code.nation and code.nation.value, "standard-code": code.code}
    held = [_property(name, value, code=name == "nation") for name, value in properties.items() if value]
    return {
        "code": code.value,
        "display": code.words,
        "property": [*held, _property("sure", code.sure.value)],
    }


def _issues() -> Resource:
    return _system(
        local_name(ISSUES),
        "Rules of the dataset",
        "Every rule by which what is sent is checked, whatever its form. The display says what is wrong, the definition what to do. "
        "A number is never used again for another rule.",
        {"rule": "string", "severity": "code", "scope": "code", "record": "code", "field": "code"},
        [_rule(rule) for rule in CATALOGUE],
    )


def _rule(rule: Rule) -> Resource:
    codes = [("severity", rule.severity.value), ("scope", rule.scope.value)]
    codes += [("record", kind) for kind in rule.kinds] + [("field", name) for name in rule.fields]
    return {
        "code": rule.id,
        "display": said(rule.words),
        "definition": said(rule.mend),
        "property": [_property("rule", rule.name), *(_property(name, value, code=True) for name, value in codes)],
    }


def said(words: str) -> str:
    """A rule's words with something in the place of what only a finding can name."""
    return words.format_map(_UNSAID).strip()


def _activity_fields() -> Resource:
    return _system(
        local_name(ACTIVITY_GROUPS),
        "Counts of a monthly return",
        "What one group of a monthly return counts. The code is the name of the field.",
        {"section": "string", "stage": "code"},
        [
            {
                "code": each.name,
                "display": each.item.question,
                "property": [
                    _property("section", each.item.section),
                    _property("stage", each.item.stage.value, code=True),
                ],
            }
            for each in (field(RecordKind.ACTIVITY, name) for name in ACTIVITY_COUNTS)
        ],
    )


def _stratifiers() -> Resource:
    return _words(
        STRATIFIERS,
        "Divisions of published figures",
        "By what a published figure is divided.",
        {"nation": "England or Wales", "region": "A region of England", "organisation": "A trust or health board"},
    )


def _standing() -> Resource:
    return _words(
        FIGURE_STANDING,
        "Standing of published figures",
        "Whether a published figure may still change.",
        {
            "provisional": "Reports are still expected, so the figure may change",
            "final": "No more reports are expected",
        },
    )


def _words(address: str, title: str, description: str, codes: dict[str, str]) -> Resource:
    """A code system of codes and their words alone."""
    return _system(
        local_name(address), title, description, {}, [{"code": code, "display": words} for code, words in codes.items()]
    )


def _property(name: str, value: str, *, code: bool = False) -> Resource:
    return {"code": name, "valueCode" if code else "valueString": value}


_PROPERTIES = {
    "nation": "The code is in this nation's list only; without it, in those of England and Wales alike",
    "standard-code": "The code of the national standard or of SNOMED CT",
    "sure": "How well the code is sourced",
    "rule": "The name of the rule",
    "severity": "error keeps a record out; warning asks a person to look",
    "scope": "What the rule looks at: file, cell, row, rows of a file, register",
    "record": "The kind of record that the rule is about; without it, every kind",
    "field": "A field that the rule speaks of; the first is where the finding is shown",
    "section": "The section of the return",
    "stage": "When it is asked for: notification, completion, optional",
}


def _system(
    name: str, title: str, description: str, types: dict[str, str], concepts: list[Resource], *, complete: bool = True
) -> Resource:
    properties = [{"code": code, "description": _PROPERTIES[code], "type": kind} for code, kind in types.items()]
    return present(
        {
            **head(Artefact.CODE_SYSTEM, name, title, description),
            "caseSensitive": True,
            "valueSet": canonical(Artefact.VALUE_SET, name),
            "content": "complete" if complete else "fragment",
            "count": len(concepts) if complete else None,
            "property": properties,
            "concept": concepts,
        }
    )


def _all_of(system: Resource) -> Resource:
    """The value set of everything in a code system."""
    return {
        **head(
            Artefact.VALUE_SET, system["id"], system["title"], f"All codes of the code system. {system['description']}"
        ),
        "immutable": True,
        "compose": {"include": [{"system": system["url"]}]},
    }
