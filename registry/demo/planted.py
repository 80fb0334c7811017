"""What the demonstration must contain: cases out of scope, stays given wrongly, cases that two trusts know."""

import numpy as np
import polars as pl

from registry.demo.chance import draw
from registry.demo.scene import FIRST_TRUST, JOINED_LATE, SECOND_TRUST

col, lit = pl.col, pl.lit

UNDER_16 = "under_16"
TOO_LATE = "over_90_days"
SUPERFICIAL = "superficial"
LINE_RELATED = "line_related"
PREGNANT = "pregnancy_without_stay"
READMISSION = "readmission_as_index"
EARLIER = "earlier_stay_given"
UNCONFIRMED = "clinical_only"
IMMOBILISED = "immobilised"

_SHARES: dict[str | None, float] = {
    None: 958,
    UNDER_16: 3,
    TOO_LATE: 4,
    SUPERFICIAL: 6,
    LINE_RELATED: 6,
    PREGNANT: 3,
    READMISSION: 5,
    EARLIER: 8,
    UNCONFIRMED: 3,
    IMMOBILISED: 4,
}
_PAIRS = 16
_PROPOSED = 0.008
_TRANSFERRED = 0.02


def with_twists(cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A few cases turned into each of the special ones, named in `twist`. Those found after death and those about births
    are left as they are, so that no twist contradicts them."""
    drawn = draw(rng, cases.height, _SHARES)
    plain = (col("confirmation") != "post_mortem") & (col("admission_group") != "obstetric") & (col("mix") == "general")
    frame = cases.with_columns(
        twist=pl.when(plain).then(drawn), earlier_from=lit(None, pl.Int64), earlier_to=lit(None, pl.Int64)
    )
    frame = frame.with_columns(years=pl.Series(rng.integers(18, 40, cases.height)))
    for change in (_out_of_scope, _other_clots, _unclear_stays, _given_with_earlier_stay):
        frame = frame.with_columns(**change())
    return frame.drop("years")


def _when(twist: str, value: pl.Expr, column: str) -> pl.Expr:
    return pl.when(col("twist") == twist).then(value).otherwise(col(column))


def _out_of_scope() -> dict[str, pl.Expr]:
    """A child of fifteen; a clot found 91 days or more after discharge; a leg in plaster without an admission."""
    immobilised = col("twist") == IMMOBILISED
    return {
        "born": _when(UNDER_16, col("admitted") - 15 * 366 - 100, "born"),
        "found": _when(TOO_LATE, col("left") + 91 + col("years"), "found"),
        "notified": _when(TOO_LATE, col("left") + 100 + col("years"), "notified"),
        "in_stay": col("in_stay") & ~col("twist").is_in([TOO_LATE, IMMOBILISED]).fill_null(False),
        "diagnosis_setting": pl.when(col("twist").is_in([TOO_LATE, IMMOBILISED]))
        .then(lit("clinic"))
        .otherwise("diagnosis_setting"),
        "patient_classification": _when(IMMOBILISED, lit("not_admitted"), "patient_classification"),
        "admission_group": _when(IMMOBILISED, lit("orthopaedic_trauma"), "admission_group"),
        "main_specialty": _when(IMMOBILISED, lit("110"), "main_specialty"),
        "left": pl.when(immobilised).then("admitted").otherwise("left"),
    }


def _other_clots() -> dict[str, pl.Expr]:
    """A clot of another kind, of a line, or never confirmed."""
    surface, line = col("twist") == SUPERFICIAL, col("twist") == LINE_RELATED
    other = surface | line
    return {
        "vte_type": pl.when(surface).then(lit("superficial")).when(line).then(lit("dvt")).otherwise("vte_type"),
        "dvt_site": pl.when(line).then(lit("upper_limb")).when(~surface.fill_null(False)).then("dvt_site"),
        "dvt_side": pl.when(line).then(lit("left")).when(~surface.fill_null(False)).then("dvt_side"),
        "pe_extent": pl.when(~other.fill_null(False)).then("pe_extent"),
        "line_related": pl.when(line).then(lit("yes")).when(~surface.fill_null(False)).then("line_related"),
        "confirmation": pl.when(other)
        .then(lit("ultrasound"))
        .when(col("twist") == UNCONFIRMED)
        .then(lit("clinical_only"))
        .otherwise("confirmation"),
    }


def _unclear_stays() -> dict[str, pl.Expr]:
    """A readmission given as index stay; a clot in pregnancy with no stay before: both found on the day of admission."""
    pregnant = col("twist") == PREGNANT
    at_once = col("twist").is_in([READMISSION, PREGNANT])
    stay = pl.max_horizontal(col("left") - col("admitted"), 3)
    return {
        "found": pl.when(at_once).then("admitted").otherwise("found"),
        "left": pl.when(at_once).then(col("admitted") + stay).otherwise("left"),
        "in_stay": col("in_stay") | at_once.fill_null(False),
        "diagnosis_setting": pl.when(at_once).then(lit("index_stay")).otherwise("diagnosis_setting"),
        "patient_classification": pl.when(at_once).then(lit("ordinary")).otherwise("patient_classification"),
        "present_on_admission": pl.when(pregnant)
        .then(lit("yes"))
        .when(at_once)
        .then(lit("unknown"))
        .otherwise("present_on_admission"),
        "sex": pl.when(pregnant).then(lit("female")).otherwise("sex"),
        "born": pl.when(pregnant).then(col("admitted") - col("years") * 366).otherwise("born"),
        "admission_group": _when(PREGNANT, lit("obstetric"), "admission_group"),
        "main_specialty": _when(PREGNANT, lit("501"), "main_specialty"),
        "pregnancy_status": _when(PREGNANT, lit("pregnant"), "pregnancy_status"),
    }


def _given_with_earlier_stay() -> dict[str, pl.Expr]:
    """The stay that is given is the readmission, and the index stay is given as the earlier one."""
    closed = (col("found") > col("closed_on").to_physical()).fill_null(False)
    there = (col("twist") == EARLIER) & ~col("in_stay") & ~closed
    return {
        "earlier_from": pl.when(there).then("admitted"),
        "earlier_to": pl.when(there).then("left"),
        "admitted": pl.when(there).then("found").otherwise("admitted"),
        "left": pl.when(there).then(col("found") + 4).otherwise("left"),
        "in_stay": col("in_stay") | there.fill_null(False),
        "diagnosis_setting": pl.when(there).then(lit("readmission")).otherwise("diagnosis_setting"),
        "patient_classification": pl.when(there).then(lit("ordinary")).otherwise("patient_classification"),
        "present_on_admission": pl.when(there).then(lit("yes")).otherwise("present_on_admission"),
    }


def with_neighbours(cases: pl.DataFrame, traits: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """`neighbour`: for each case another general organisation of its region that is open throughout, null where there is none."""
    general = traits.filter((col("mix") == "general") & col("closed_on").is_null() & (col("code") != JOINED_LATE))
    listed = general.select("region", other="code").sort("region", "other")
    listed = listed.with_columns(place=pl.int_range(pl.len()).over("region"), many=pl.len().over("region"))
    mine = listed.select(code="other", own="place")
    turn = pl.Series(rng.integers(0, 1_000_000, cases.height))
    frame = cases.join(listed.select("region", "many").unique(), on="region", how="left", maintain_order="left")
    frame = frame.join(mine, on="code", how="left", maintain_order="left")
    step = (
        pl.when(col("own").is_null())
        .then(turn % col("many"))
        .otherwise((col("own") + 1 + turn % (col("many") - 1)) % col("many"))
    )
    frame = frame.with_columns(
        place=pl.when((col("many") > 1) | col("own").is_null()).then(step).cast(listed["place"].dtype)
    )
    found = frame.join(listed.drop("many"), on=["region", "place"], how="left", maintain_order="left")
    return cases.with_columns(neighbour=found["other"])


def with_other_trusts(cases: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Some cases proposed to another trust, some begun by transfer; the newest of FIRST_TRUST awaits SECOND_TRUST's answer."""
    chance = pl.Series(rng.random(cases.height))
    ordinary = col("twist").is_null() & ~col("in_stay")
    proposed = pl.when(ordinary & (chance < _PROPOSED)).then("neighbour")
    moved = pl.when(col("twist").is_null() & (chance > 1 - _TRANSFERRED)).then("neighbour")
    own = (col("code") == FIRST_TRUST) & ordinary
    newest = own & (col("notified") == col("notified").filter(own).max())
    frame = cases.with_columns(
        attributed_organisation=pl.when(newest).then(lit(SECOND_TRUST)).otherwise(proposed), transferred_from=moved
    )
    return frame.with_columns(
        transferred_from=pl.when(col("attributed_organisation").is_null()).then("transferred_from")
    )


def with_pairs(cases: pl.DataFrame, today: int, rng: np.random.Generator) -> pl.DataFrame:
    """Some cases once more: the same person, reported by a neighbour a few days later, half of them as the first trust's."""
    fit = (
        col("twist").is_null()
        & ~col("in_stay")
        & (col("found") - col("left") <= 75)
        & (col("found") + 20 <= today)
        & col("nhs_number").is_not_null()
        & col("neighbour").is_not_null()
        & col("attributed_organisation").is_null()
        & col("dies_on").is_null()
    )
    able = cases.with_row_index("at").filter(fit)["at"]
    chosen = able.gather(rng.permutation(able.len())[:_PAIRS])
    again = cases.gather(chosen.sort()).with_columns(
        reporter=col("code"), later=pl.Series(rng.integers(1, 12, chosen.len())), second=pl.int_range(pl.len()) % 2 == 0
    )
    reported = again.with_columns(
        code=col("neighbour"),
        found=col("found") + col("later"),
        notified=col("found") + col("later") + 3,
        attributed_organisation=pl.when("second").then("reporter"),
        diagnosis_setting=lit("emergency_department"),
        how_found=lit("imaging_list"),
        transferred_from=lit(None, pl.String),
        twist=lit("pair"),
    )
    return pl.concat([cases, reported.drop("reporter", "later", "second")])
