"""How much the parser reads, how deep, and how fast it says no."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from datacube.errors import LimitExceededError, QuerySyntaxError
from datacube.wcps.parser import MAX_CHARACTERS, _lark, parse
from datacube.wcps.printer import print_query
from datacube.wcps.syntax import (
    Operation,
    Text,
)
from tests.builders.trees import EXAMPLES, expression


def test_a_sum_of_25_000_terms_is_one_node() -> None:
    total = expression("$c" + "+$c" * 24_999)
    assert isinstance(total, Operation)
    assert len(total.operands) == 25_000


def test_a_sum_of_100_000_terms_is_refused_at_once() -> None:
    began = time.process_time()
    with pytest.raises(LimitExceededError, match="more than 60,000 words and signs") as caught:
        expression("$c" + "+$c" * 99_999)
    assert time.process_time() - began < 1
    assert caught.value.__notes__[0].endswith("^")


@pytest.mark.parametrize(
    "text", ["+".join(["$c"] * 29_000), "-".join(["(1)"] * 100) + "+1" * 29_000]
)
def test_the_longest_text_is_read_in_bounded_time(text: str) -> None:
    began = time.process_time()
    expression(text)
    # About 1.5 s where nothing else runs.
    assert time.process_time() - began < 10


def test_a_common_query_takes_about_a_millisecond() -> None:
    text = EXAMPLES[61]["query"]
    parse(text)
    began = time.process_time()
    for _ in range(50):
        parse(text)
    assert (time.process_time() - began) / 50 < 0.05


DEEP = {
    "brackets": "(" * 10_000 + "$c" + ")" * 10_000,
    "calls": "abs(" * 10_000 + "$c" + ")" * 10_000,
    "lists": "f($c, " + "{" * 10_000 + "}" * 10_000 + ")",
    "open brackets": "[({" * 10_000,
    "signs": "- " * 10_000 + "$c",
    "negations": "not " * 10_000 + "$c",
    "casts": "(float) " * 10_000 + "$c",
    "bands": "$c" + ".a" * 10_000,
    "subsets": "$c" + "[Lat(0)]" * 10_000,
    "nulls": "$c" + " is null" * 10_000,
    "discards": "$c" + " null mask discard" * 10_000,
    "changing operators": "$c" + " + 1 - 2" * 10_000,
    "switches": "switch case 1 return 1 default return " * 10_000 + "1",
    "condensers": "condense + over t x(1:2) using " * 10_000 + "1",
    "flips": "flip " * 10_000 + "$c" + " along x" * 10_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(
        LimitExceededError, match=r"nested more than 200 deep|60,000 words"
    ) as caught:
        expression(text)
    assert caught.value.__notes__[0].endswith("^")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("abs(", ")"),
        ("1 + (", ")"),
        ("{a: ", "}"),
        ("not ", ""),
        ("$c[", "]"),
        ('"a" . (', ")"),
        ("switch case 1 return 1 default return ", ""),
    ],
)
def test_nesting_below_the_limit_is_read_and_printed(opening: str, closing: str) -> None:
    depth = 95 if opening.startswith("{") else 190  # a field of a record is a level too
    query = parse(f"for $c in (A) return {opening * depth}$c{closing * depth}")
    assert parse(print_query(query)) == query


def test_threads_share_the_parser() -> None:
    texts = [example["query"] for example in EXAMPLES] * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(parse, texts)) == [parse(text) for text in texts]


def test_brackets_in_texts_and_comments_do_not_nest() -> None:
    assert expression(f"'{'(' * 300}' -- {'(' * 300}\n /* {'(' * 300} */") == Text(value="(" * 300)


@pytest.mark.parametrize(
    "text",
    ["/*" * 240_000, '"' + '\\"' * 240_000, "'\\'" * 160_000, "decode " * 70_000, "(\t" * 240_000],
)
def test_time_to_refuse_grows_no_faster_than_the_text(text: str) -> None:
    began = time.process_time()
    with pytest.raises((QuerySyntaxError, LimitExceededError)):
        expression(text)
    assert time.process_time() - began < 5


def test_long_queries_are_refused() -> None:
    with pytest.raises(LimitExceededError, match="500,001 characters; 500,000 are allowed"):
        parse(" " * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("digits", ["9" * 5000, "1e400"])
def test_endless_numbers_are_refused(digits: str) -> None:
    with pytest.raises(QuerySyntaxError, match="number"):
        expression(digits)


def test_making_the_parser_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("lark")
    logger.setLevel(logging.DEBUG)  # as pygeofilter leaves it
    _lark.cache_clear()
    parse("for $c in (A) return 1")
    assert not caplog.records
