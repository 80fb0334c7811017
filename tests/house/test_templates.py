"""Every template compiles, is used, and keeps to the content policy: no inline style or script, nothing let through unescaped."""

import re

import pytest
from jinja2 import nodes

from registry.web import pages
from tests.house.committed import texts

NAMES = sorted(path.relative_to(pages.TEMPLATES).as_posix() for path in pages.TEMPLATES.rglob("*.html"))
FORBIDDEN = re.compile(
    r"\|\s*safe\b|<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)|autoescape", re.IGNORECASE
)


def source(name: str) -> str:
    return (pages.TEMPLATES / name).read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles_and_keeps_to_the_content_policy(name: str) -> None:
    assert pages.environment().get_template(name)
    assert not FORBIDDEN.search(source(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_form_that_changes_something_carries_the_token(name: str) -> None:
    forms = re.findall(r"<form\b.*?</form>", source(name), re.DOTALL | re.IGNORECASE)
    for form in forms:
        posts = re.search(r'method="post"', form, re.IGNORECASE)
        assert not posts or re.search(r"token_field\(\)", form)


def test_every_template_is_used() -> None:
    code = " ".join(text for path, text in texts().items() if path.parts[0] == "registry" and path.suffix == ".py")
    environment = pages.environment()
    named = set()
    for name in NAMES:
        tree = environment.parse(source(name))
        for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            named |= {const.value for const in node.find_all(nodes.Const)}
    assert not [name for name in NAMES if name not in named and f'"{name}"' not in code]


@pytest.mark.parametrize("name", NAMES)
def test_no_template_takes_a_name_that_every_page_needs(name: str) -> None:
    """Who is signed in, and the form token, are found by it: a macro or variable of that name breaks the page for them alone."""
    assert not re.search(r"{%-?\s*(macro|set)\s+request\b", source(name))
