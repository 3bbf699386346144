from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacube.errors import InvalidParameterError
from ogc.kvp import Kvp, MissingParameterError, as_of, integer

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f"))


@given(TEXT)
def test_a_value_survives_a_query_string(value: str) -> None:
    kvp = Kvp.parse(urlencode({"Key": value}))
    assert kvp.one("kEY", default="absent") == (value.strip() or "absent")


def test_keys_have_no_case_and_plus_is_a_space() -> None:
    assert Kvp.parse("LaYeRs=a+b%2Bc").one("layers") == "a b+c"


def test_a_missing_value_names_the_parameter() -> None:
    with pytest.raises(MissingParameterError, match="WIDTH") as error:
        Kvp.parse("width=").one("width")
    assert error.value.parameter == "WIDTH"


def test_equal_repetitions_count_once_and_different_ones_are_refused() -> None:
    assert Kvp.parse("format=a&FORMAT=a").one("format") == "a"
    with pytest.raises(InvalidParameterError, match="2 times"):
        Kvp.parse("format=a&FORMAT=b").one("format")


def test_numbered_keys_belong_together() -> None:
    kvp = Kvp.parse("SUBSET=a(1)&subset0=b(2)&SubSet11=c(3)&subsettingcrs=x&subset=")
    assert kvp.many("subset") == ("a(1)", "b(2)", "c(3)")


@pytest.mark.parametrize(
    "text",
    [
        "a=%FF",
        "a=%00",
        "a=%EF%BF%BF",
        "&".join(f"k{i}=1" for i in range(501)),
        "a=" + "x" * 500_001,
        "k" * 101 + "=1",
    ],
)
def test_what_no_client_sends_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterError):
        Kvp.parse(text)


def test_revisions() -> None:
    assert as_of(Kvp.parse("as_of=12")) == 12
    assert as_of(Kvp.parse("x=1")) is None
    for wrong in ("-1", "1.5", "2023-01-01", "9" * 400):
        with pytest.raises(InvalidParameterError, match="AS_OF"):
            as_of(Kvp.parse(f"AS_OF={wrong}"))


def test_integers_are_ascii_and_bounded() -> None:
    assert integer("+7", "N", low=1, high=7) == 7
    for wrong in ("", "8", "0", "٣", "1e1", " 1", "1_0"):
        with pytest.raises(InvalidParameterError, match="1 to 7"):
            integer(wrong, "N", low=1, high=7)
