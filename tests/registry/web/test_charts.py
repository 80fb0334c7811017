"""The chart over time: its drawing, its sentence and its table say the same."""

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from registry.web.charts import Break, Chart, Point, Target, columns, notes, rows, sentence
from registry.web.drawing import drawing, tick_words, ticks

SVG = "{http://www.w3.org/2000/svg}"


def point(year: int, month: int, value: float | None, *, provisional: bool = False, trusts: int | None = 118) -> Point:
    start = date(year, month, 1)
    low, high = (None, None) if value is None else (value - 0.07, value + 0.07)
    return Point(start, f"{start:%B %Y}", value, low, high, provisional, trusts, "1,205", "812,340", "fewer than 10")


SERIES = (
    point(2025, 3, 1.60),
    point(2025, 4, 1.55),
    point(2025, 5, None),
    point(2025, 6, 1.48),
    point(2026, 3, 1.42),
    point(2026, 4, 1.31, provisional=True),
)


def chart(points: tuple[Point, ...] = SERIES, **other: object) -> Chart:
    base = Chart("hat-rate", "HAT rate", "the HAT rate", "per 1,000 admissions", points)
    return Chart(**{**{name: getattr(base, name) for name in Chart.__slots__}, **other})


def tree(made: Chart, *, narrow: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(drawing(made, narrow=narrow))


def marks(made: Chart, kind: str, narrow: bool = False) -> list[ElementTree.Element]:
    return [node for node in tree(made, narrow=narrow).iter() if node.get("class") == f"hat-chart__{kind}"]


def test_the_sentence_names_the_latest_final_value() -> None:
    assert sentence(chart()) == (
        "In March 2026 the HAT rate was 1.42 per 1,000 admissions (95% interval 1.35 to 1.49); 118 trusts. In March 2025 it was 1.60."
    )


def test_a_value_without_an_interval_says_why() -> None:
    alone = Point(date(2026, 1, 1), "January 2026", 0.9, bare="count below 20: no interval")
    assert rows(chart((alone,)))[0].interval == "count below 20: no interval"


def test_nothing_final_is_said_plainly() -> None:
    waiting = (point(2026, 4, 1.3, provisional=True), point(2026, 5, None, provisional=True))
    assert sentence(chart(waiting)) == "There is no final figure for the HAT rate yet."
    none = sentence(chart((Point(date(2026, 1, 1), "January 2026", None, absent="fewer than 10"),)))
    assert none == "There is no final figure for the HAT rate that could be shown here: fewer than 10."
    assert sentence(chart(())) == "There is no final figure for the HAT rate yet."


def test_a_share_is_told_in_percent_with_its_target() -> None:
    share = (Point(date(2026, 3, 1), "March 2026", 0.8904, trusts=1),)
    made = chart(
        share,
        percent=True,
        decimals=1,
        unit="% of admissions",
        subject="the share",
        target=Target(0.95, "The target of 95%"),
    )
    assert (
        sentence(made) == "In March 2026 the share was 89.0% of admissions; 1 trust. The target of 95% was not reached."
    )


def test_no_comparison_across_a_break() -> None:
    assert "2025" not in sentence(chart(breaks=(Break(date(2025, 9, 1), "a new definition"),)))


def test_the_table_holds_every_period_with_reason_and_status() -> None:
    table = rows(chart())
    assert [row.period for row in table] == [p.label for p in SERIES]
    assert (table[2].value, table[2].interval) == ("fewer than 10", "")
    assert (table[4].value, table[4].interval, table[4].trusts) == ("1.42", "1.35 to 1.49", "118")
    assert [row.status for row in table] == ["final"] * 5 + ["provisional"]
    assert len(columns(chart())) == len(type(table[0]).__slots__)


@pytest.mark.parametrize("narrow", [False, True])
def test_the_drawing_is_labelled_and_obeys_the_content_policy(narrow: bool) -> None:
    root = tree(chart(breaks=(Break(date(2025, 4, 1), "x"),), target=Target(1.2, "The target")), narrow=narrow)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert description.text == sentence(chart(target=Target(1.2, "The target"), breaks=(Break(date(2025, 4, 1), "x"),)))
    for node in root.iter():
        assert node.tag.removeprefix(SVG) not in {"script", "style", "foreignObject"}
        assert not any(name == "style" or name.startswith("on") or "href" in name for name in node.attrib)


def test_provisional_points_are_hollow_and_a_blank_has_no_point() -> None:
    assert (len(marks(chart(), "final")), len(marks(chart(), "provisional"))) == (
        4 + 1,
        1 + 1,
    )  # one each in the legend
    assert all(node.get("fill") == "#ffffff" for node in marks(chart(), "provisional"))


def strokes(made: Chart) -> list[str | None]:
    """The lines between neighbours: those of the series' colour and width."""
    return [
        node.get("stroke-dasharray")
        for node in tree(made).iter(f"{SVG}line")
        if (node.get("stroke"), node.get("stroke-width")) == ("#005eb8", "2")
    ]


def test_the_line_has_gaps_at_blanks_missing_periods_and_breaks() -> None:
    assert strokes(chart()) == ["none", "4 3"]  # March-April 2025; March-April 2026, towards a provisional point
    assert strokes(chart(breaks=(Break(date(2025, 4, 1), "x"),))) == ["4 3"]


def test_a_break_outside_the_series_is_not_drawn_but_noted() -> None:
    made = chart(breaks=(Break(date(2019, 4, 1), "from 16 years"), Break(date(2025, 6, 1), "14 hours")))
    drawn = [node.text for node in tree(made).iter(f"{SVG}title")]
    assert "14 hours" in drawn
    assert "from 16 years" not in drawn
    assert notes(made) == ("A: from 16 years", "B: 14 hours")


def test_many_points_have_a_band_and_few_have_whiskers() -> None:
    many = tuple(point(2020 + place // 12, place % 12 + 1, 1.5) for place in range(36))
    assert {node.tag for node in marks(chart(many), "interval")} == {f"{SVG}polygon"}
    assert {node.tag for node in marks(chart(), "interval")} == {f"{SVG}line"}
    assert {node.tag for node in marks(chart(many[:20]), "interval", narrow=True)} == {f"{SVG}polygon"}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("points", [(), SERIES[:1], SERIES, (point(2026, 1, None),), (point(2026, 1, 0.0),)])
def test_everything_stands_inside_the_frame(points: tuple[Point, ...], narrow: bool) -> None:
    root = tree(chart(points), narrow=narrow)
    _, _, width, height = (float(part) for part in (root.get("viewBox") or "").split())
    for node in root.iter():
        for name, end in (
            ("x", width),
            ("x1", width),
            ("x2", width),
            ("cx", width),
            ("y", height),
            ("y1", height),
            ("cy", height),
        ):
            assert 0 <= float(node.get(name, 0)) <= end
    assert not re.search(r"nan|inf", str(drawing(chart(points), narrow=narrow)), re.IGNORECASE)


def test_words_from_outside_are_escaped() -> None:
    nasty = '<script>alert("1")</script>'
    made = chart((Point(date(2026, 1, 1), nasty, 1.0),), title=nasty, unit=nasty, target=Target(2, nasty), breaks=())
    assert "<script" not in drawing(made)
    assert nasty in str(ElementTree.tostring(tree(made), "unicode", "text"))


@pytest.mark.parametrize("ident", ["", "Hat", "1a", 'a" onload="x'])
def test_an_ident_that_is_no_name_is_refused(ident: str) -> None:
    with pytest.raises(ValueError, match="ident"):
        chart(ident=ident)


@pytest.mark.parametrize("points", [(SERIES[1], SERIES[0]), (SERIES[0], SERIES[0])])
def test_points_out_of_order_are_refused(points: tuple[Point, ...]) -> None:
    with pytest.raises(ValueError, match="order of time"):
        chart(points)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1.7, (0, 2.0, 0.5)), (80, 100, (80, 100, 5)), (0, 0.03, (0, 0.03, 0.005)), (0, 0, (0, 2e-9, 2e-10))],
)
def test_axes_have_round_steps_and_hold_both_ends(
    low: float, high: float, expected: tuple[float, float, float]
) -> None:
    got = ticks(low, high)
    assert got[0] <= low
    assert got[1] >= high
    assert (got[1] - got[0]) / got[2] <= 8
    if high:
        assert got == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "step", "words"),
    [(1.5, 0.5, "1.5"), (2.5, 2.5, "2.5"), (0.25, 0.25, "0.25"), (2000, 500, "2,000"), (0.005, 0.005, "0.005")],
)
def test_tick_words_have_the_digits_of_the_step(value: float, step: float, words: str) -> None:
    assert tick_words(value, step) == words


def test_a_percent_axis_near_the_top_ends_at_a_hundred() -> None:
    share = (Point(date(2026, 3, 1), "March 2026", 0.93),)
    words = [
        node.text for node in tree(chart(share, percent=True, axis_from=0.8, unit="% of admissions")).iter(f"{SVG}text")
    ]
    assert "% of admissions (axis starts at 80)" in words
    assert "100" in words
    assert "105" not in words
