"""Random queries of any form: an answer or a refusal, never another failure."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datacube.encode.answer import Answer
from datacube.errors import RequestError
from datacube.protocols import Limits
from datacube.wcps import syntax
from datacube.wcps.printer import print_query
from tests.builders.asked import processor
from tests.builders.made import Made
from tests.builders.queries import expressions

SOURCES = {"c": "A", "d": "T", "x": "G", "w": "W"}
BINDINGS = tuple(
    syntax.Binding(variable=name, sources=(syntax.Variable(name=source),))
    for name, source in SOURCES.items()
)
UNARY = ("-{}", "abs({})", "sqrt({})", "not ({})", "(short) {}", "{} is null", "{} null values [3]")
BINARY = ("{} + {}", "{} - {}", "{} / {}", "{} > {}", "max({}, {})", "{} overlay {}", "{} div {}")
LEAVES = ("$c", "$d.b4", "$d", "$x", "$w.u", "$w", "3", "0.5", "nan", "null", "true", "(1.0, 2.0)")
SHAPES = (
    "{}[Lat(3:9)]",
    '{}[ansi("2020-05-01")]',
    "scale({}, 0.5)",
    "avg({})",
    "median({})",
    "count({})",
    "{{a: {}; b: 1}}",
    "{}.0",
    "flip {} along Lat",
    "switch case {} > 3 return 1 default return null",
)
formulas = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.builds(lambda form, one: f"({form.format(one)})", st.sampled_from(UNARY), inner)
        | st.builds(
            lambda form, one, other: f"({form.format(one, other)})",
            st.sampled_from(BINARY),
            inner,
            inner,
        )
        | st.builds(lambda form, one: f"({form.format(one)})", st.sampled_from(SHAPES), inner)
    ),
    max_leaves=8,
)
QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


def run(cubes: Made, text: str, *, compat: bool = False) -> None:
    limits = Limits(seconds=20, memory_bytes=200_000_000, decoded_bytes=200_000_000)
    asked = replace(processor(cubes, compat=compat), limits=limits)
    with suppress(RequestError):
        assert all(isinstance(answer, Answer) for answer in asked.answers(text))


@settings(QUIET, max_examples=150)
@given(expr=expressions())
def test_any_syntax(expr: syntax.Expr, cubes: Made) -> None:
    run(cubes, print_query(syntax.Query(bindings=BINDINGS, result=expr)))


@settings(QUIET, max_examples=150)
@given(formula=formulas, encoded=st.sampled_from(["csv", "json", "tiff", ""]), compat=st.booleans())
def test_formulas_that_nearly_fit(formula: str, encoded: str, *, compat: bool, cubes: Made) -> None:
    result = f'encode({formula}, "{encoded}")' if encoded else f"avg({formula})"
    bound = ", ".join(f"${name} in ({source})" for name, source in SOURCES.items())
    run(cubes, f"for {bound} return {result}", compat=compat)


@pytest.mark.parametrize("open_", ["(", "{a: ", "abs(", "$c[", "-", "not "])
def test_deep_nesting_is_refused(open_: str, cubes: Made) -> None:
    run(cubes, f"for $c in (A) return {open_ * 10_000}$c")
