"""The one crypto module: what goes in comes out, at its own place, under its own key, and nowhere else."""

import hashlib
import hmac
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import identifiers
from registry.identifiers import IdentifierError

MASTER, OTHER = bytes(range(32)), bytes(range(1, 33))
DATA = bytes(range(2, 34))
NUMBERS = ["9434765919", "9434765870", "4010232137"]

texts = st.text(st.characters(codec=None), max_size=200)  # every code point, lone surrogates too
columns = st.lists(st.none() | texts, max_size=20)
streams = st.binary(max_size=300)


def _aads(count: int, column: str = "note", tenant_id: int = 7) -> list[bytes]:
    return identifiers.cell_aads(tenant_id, "case", map(str, range(count)), column)


@given(columns)
def test_a_column_comes_back_as_it_was(values: list[str | None]) -> None:
    sealed = identifiers.seal_column(DATA, values, _aads(len(values)))
    assert identifiers.open_column(DATA, sealed, _aads(len(values))) == values
    for value, cell, aad in zip(values, sealed, _aads(len(values)), strict=True):
        assert (cell is None) == (value is None)
        if cell is not None and value is not None:
            assert identifiers.open_sealed(DATA, cell, aad) == value
            assert len(cell) == 1 + 12 + len(value.encode("utf-8", "surrogatepass")) + 16


@given(texts)
def test_sealing_the_same_twice_does_not_show_it(value: str) -> None:
    one, other = identifiers.seal_column(DATA, [value, value], [b"place", b"place"])
    assert one != other
    assert identifiers.open_sealed(DATA, identifiers.seal(DATA, value, b"place"), b"place") == value


@pytest.mark.parametrize(
    "elsewhere",
    [
        identifiers.cell_aad(7, "case", "13", "nhs_number"),
        identifiers.cell_aad(7, "case", "12", "birth_date"),
        identifiers.cell_aad(8, "case", "12", "nhs_number"),
        identifiers.cell_aad(7, "rca", "12", "nhs_number"),
        b"",
    ],
)
def test_ciphertext_pasted_elsewhere_does_not_open(elsewhere: bytes) -> None:
    here = identifiers.cell_aad(7, "case", "12", "nhs_number")
    sealed = identifiers.seal(DATA, NUMBERS[0], here)
    assert identifiers.open_sealed(DATA, sealed, here) == NUMBERS[0]
    with pytest.raises(IdentifierError, match="changed, moved"):
        identifiers.open_sealed(DATA, sealed, elsewhere)


places = st.tuples(st.integers(0, 99), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))


@given(places, places)
def test_two_places_never_have_the_same_bytes(one: tuple[int, str, str, str], other: tuple[int, str, str, str]) -> None:
    assert (identifiers.cell_aad(*one) == identifiers.cell_aad(*other)) == (one == other)


@given(st.integers(0, 37), st.integers(1, 255))
def test_any_changed_byte_is_noticed_the_version_too(at: int, change: int) -> None:
    sealed = bytearray(identifiers.seal(DATA, "123456789", b"place"))
    assert len(sealed) == 38
    sealed[at] ^= change
    with pytest.raises(IdentifierError):
        identifiers.open_sealed(DATA, bytes(sealed), b"place")


@given(st.binary(max_size=60))
def test_rubbish_does_not_open_and_is_not_shown(rubbish: bytes) -> None:
    with pytest.raises(IdentifierError) as caught:
        identifiers.open_sealed(DATA, rubbish, b"place")
    assert str(caught.value).startswith(("This is no sealed cell", "A sealed cell does not open"))
    assert caught.value.__context__ is None


def test_another_key_does_not_open() -> None:
    sealed = identifiers.seal(DATA, "canary", b"place")
    with pytest.raises(IdentifierError) as caught:
        identifiers.open_sealed(OTHER, sealed, b"place")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused_everywhere(key: bytes) -> None:
    for use in (
        lambda: identifiers.seal_column(key, ["x"], [b""]),
        lambda: identifiers.open_sealed(key, bytes(40), b""),
        lambda: identifiers.match_keys(key, NUMBERS),
        lambda: identifiers.match_key(key, NUMBERS[0]),
        lambda: identifiers.derive(key, "change"),
        lambda: identifiers.wrap(key, 1, DATA),
        lambda: identifiers.wrap(MASTER, 1, key),
        lambda: list(identifiers.seal_parts(key, io.BytesIO(b"x"), b"")),
    ):
        with pytest.raises(IdentifierError, match="32 bytes"):
            use()


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        identifiers.seal_column(DATA, ["a", "b"], [b""])


@given(st.integers(1, 10**6), st.integers(1, 255))
def test_a_data_key_is_wrapped_for_its_own_trust(tenant_id: int, version: int) -> None:
    wrapped = identifiers.wrap(MASTER, tenant_id, DATA, version=version)
    assert identifiers.key_version(wrapped) == version
    assert identifiers.unwrap(MASTER, tenant_id, wrapped) == DATA
    assert DATA not in wrapped
    for master, tenant, bytes_ in (
        (OTHER, tenant_id, wrapped),
        (MASTER, tenant_id + 1, wrapped),
        (MASTER, tenant_id, bytes([version % 255 + 1]) + wrapped[1:]),
    ):
        with pytest.raises(IdentifierError):
            identifiers.unwrap(master, tenant, bytes_)


@given(st.sets(st.integers(0, 2**31 - 1), min_size=1, max_size=4), st.integers(0, 2**31 - 1))
def test_a_master_key_that_has_forgotten_trusts_serves_all_others(forgotten: set[int], other: int) -> None:
    master = MASTER
    for each in sorted(forgotten):
        master = identifiers.without(master, each)
        assert identifiers.without(master, each) == master
    for each in forgotten:
        with pytest.raises(IdentifierError, match="forgotten"):
            identifiers.unwrap(master, each, identifiers.wrap(MASTER, each, DATA))
    if other not in forgotten:
        assert identifiers.unwrap(master, other, identifiers.wrap(MASTER, other, DATA)) == DATA
    assert MASTER.hex().encode() not in master


def test_what_was_wrapped_by_the_master_key_itself_still_opens_until_it_has_forgotten_somebody() -> None:
    place = identifiers.canonical("hat", "data key", 7)
    old = identifiers.seal(MASTER, "k" * 32, place)
    assert identifiers.unwrap(MASTER, 7, old) == b"k" * 32
    with pytest.raises(IdentifierError):
        identifiers.unwrap(MASTER, 8, old)
    with pytest.raises(IdentifierError):
        identifiers.unwrap(identifiers.without(MASTER, 9), 7, old)


def test_the_root_of_a_key_outlives_it_and_tells_nothing_of_it() -> None:
    root = identifiers.root_of(DATA)
    wrapped = identifiers.wrap(MASTER, 7, OTHER, root=root)
    assert identifiers.unwrap_with_root(MASTER, 7, wrapped) == (OTHER, root)
    assert identifiers.unwrap_with_root(MASTER, 7, identifiers.wrap(MASTER, 7, DATA)) == (DATA, root)
    assert identifiers.expand(root, "change") == identifiers.derive(DATA, "change")
    assert root != DATA


def test_what_opens_by_version_takes_the_right_key_and_refuses_one_that_is_not_there() -> None:
    aad = _aads(1)[0]
    cells = [identifiers.seal(DATA, "one", aad), identifiers.seal(OTHER, "two", aad, version=2)]
    assert identifiers.open_column({1: DATA, 2: OTHER}, cells, [aad, aad]) == ["one", "two"]
    with pytest.raises(IdentifierError, match="not there"):
        identifiers.open_sealed({1: DATA}, cells[1], aad)


def test_a_version_is_one_byte_and_tells_which_key_to_take() -> None:
    keys = {1: DATA, 2: OTHER}
    sealed = [identifiers.seal(keys[version], "x", b"place", version=version) for version in keys]
    assert [identifiers.open_sealed(keys[identifiers.key_version(cell)], cell, b"place") for cell in sealed] == [
        "x",
        "x",
    ]
    for version in (0, 256):
        with pytest.raises(IdentifierError, match="between 1 and 255"):
            identifiers.seal_column(DATA, ["x"], [b""], version=version)
    with pytest.raises(IdentifierError):
        identifiers.key_version(b"")


def test_new_data_keys_differ() -> None:
    assert len({identifiers.new_data_key() for _ in range(100)}) == 100


def test_matching_is_the_full_hmac_and_the_same_one_by_one_and_by_column() -> None:
    expected = [hmac.new(MASTER, number.encode(), hashlib.sha256).digest() for number in NUMBERS]
    assert identifiers.match_keys(MASTER, [*NUMBERS, None]) == [*expected, None]
    assert [identifiers.match_key(MASTER, number) for number in NUMBERS] == expected
    assert identifiers.match_key(OTHER, NUMBERS[0]) != expected[0]


@pytest.mark.parametrize(
    "number", ["", "943 476 5919", "943476591", "94347659190", "９４３４７６５９１９", "943476591x"]
)
def test_only_a_normalised_number_is_matched(number: str) -> None:
    for use in (lambda: identifiers.match_key(MASTER, number), lambda: identifiers.match_keys(MASTER, [number])):
        with pytest.raises(IdentifierError) as caught:
            use()
        assert not number or number not in str(caught.value)


def test_a_derived_key_serves_one_purpose() -> None:
    assert identifiers.derive(DATA, "change") == identifiers.derive(DATA, "change")
    assert (
        len(
            {identifiers.derive(DATA, "change"), identifiers.derive(DATA, "other"), identifiers.derive(OTHER, "change")}
        )
        == 3
    )
    assert len(identifiers.derive(DATA, "change")) == 32


@given(streams, st.integers(1, 64))
def test_a_stream_comes_back_as_it_was(content: bytes, size: int) -> None:
    parts = list(identifiers.seal_parts(DATA, io.BytesIO(content), b"submission 5", size=size))
    assert len(parts) == max(1, -(-len(content) // size))
    assert b"".join(identifiers.open_parts(DATA, parts, b"submission 5")) == content


@given(st.binary(min_size=40, max_size=100), st.data())
def test_parts_that_are_cut_off_swapped_doubled_or_moved_do_not_open(content: bytes, data: st.DataObject) -> None:
    parts = list(identifiers.seal_parts(DATA, io.BytesIO(content), b"submission 5", size=10))
    at = data.draw(st.integers(0, len(parts) - 1))
    swapped = list(parts)
    swapped[at], swapped[at - 1] = swapped[at - 1], swapped[at]
    broken = [parts[:at], parts[:at] + parts[at + 1 :], [*parts[: at + 1], *parts[at:]], swapped, []]
    for parts_ in broken:
        with pytest.raises(IdentifierError):
            list(identifiers.open_parts(DATA, parts_, b"submission 5"))
    for key, prefix in ((OTHER, b"submission 5"), (DATA, b"submission 6")):
        with pytest.raises(IdentifierError):
            list(identifiers.open_parts(key, parts, prefix))


def test_a_long_stream_is_held_a_part_at_a_time() -> None:
    """Each part is given before the part after the next is read."""
    stream = io.BytesIO(bytes(10 * identifiers.PART_BYTES))
    sealed = identifiers.seal_parts(DATA, stream, b"")
    next(sealed)
    assert stream.tell() == 2 * identifiers.PART_BYTES
    assert len(list(sealed)) == 9


parts_lists = st.lists(st.none() | st.integers() | st.text(max_size=4) | st.binary(max_size=4), max_size=4)


@given(parts_lists, parts_lists)
def test_two_lists_never_have_the_same_canonical_bytes(one: list[object], other: list[object]) -> None:
    same = identifiers.canonical(*one) == identifiers.canonical(*other)  # type: ignore[arg-type]  # drawn from those types
    assert same == (one == other and [type(part) for part in one] == [type(part) for part in other])


def test_macs_are_hmac_sha_256_and_compared_whole() -> None:
    assert identifiers.mac(MASTER, b"x") == hmac.new(MASTER, b"x", hashlib.sha256).digest()
    assert identifiers.same(b"ab", b"ab")
    assert not identifiers.same(b"ab", b"ac")
    assert identifiers.digest(b"x") == hashlib.sha256(b"x").digest()
