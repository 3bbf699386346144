"""What constructions and clauses mean: each is compared with a tree written by hand."""

import pytest

from datacube.wcps import syntax
from datacube.wcps.syntax import (
    Complex,
    Condense,
    Expr,
    Iterator,
    Range,
    Record,
    RecordField,
    Text,
    Unary,
    Variable,
)
from tests.builders.trees import C, D, T, expression, n, operation

OVER = (Iterator(variable="t", axis="ansi", domain=Range(low=n(1), high=n(2))),)
MINUS_ONE = Unary(operator="-", operand=n(1))
CONSTRUCTIONS = {
    "condense + over $t ansi(1:2) using $c + $t": Condense(
        operator="+", iterators=OVER, where=None, using=operation("+", C, T)
    ),
    "2 * condense max over t ansi (1 : 2) where $t > 1 using $t * 2 - 1": operation(
        "*",
        n(2),
        Condense(
            operator="max",
            iterators=OVER,
            where=operation(">", T, n(1)),
            using=operation("-", operation("*", T, n(2)), n(1)),
        ),
    ),
    "condense median over $t ansi(1:2) using $c": Condense(
        operator="median", iterators=OVER, where=None, using=C
    ),
    "condense Quantile(0.9) over $t ansi(1:2) using $c": Condense(
        operator="quantile", parameters=(n(0.9),), iterators=OVER, where=None, using=C
    ),
    'coverage s over $t ansi("2020":"2021":"P1M"), $x x("a", "b") values $c': syntax.Construct(
        name="s",
        iterators=(
            Iterator(
                variable="t",
                axis="ansi",
                domain=Range(
                    low=Text(value="2020"), high=Text(value="2021"), step=Text(value="P1M")
                ),
            ),
            Iterator(
                variable="x",
                axis="x",
                domain=syntax.Listed(values=(Text(value="a"), Text(value="b"))),
            ),
        ),
        value=C,
    ),
    "coverage k over $t ansi(1:2) value list < -1; 0, (1, 2) >": syntax.ValueList(
        name="k",
        iterators=OVER,
        values=(MINUS_ONE, n(0), Complex(real=1.0, imaginary=2.0)),
    ),
    "switch case $c < 0 return 1 default return switch case $d return 2 default return 3": (
        syntax.Switch(
            cases=(syntax.Case(condition=operation("<", C, n(0)), value=n(1)),),
            default=syntax.Switch(cases=(syntax.Case(condition=D, value=n(2)),), default=n(3)),
        )
    ),
    'coverage c domain crs "EPSG:4326+OGC:AnsiDate" with x index (1:5),'
    ' lat regular (-1:2) resolution -0.5, d irregular ("2024-01-01", "2024-02-01")'
    " range type r quantity unsigned char, g range set {r: x, g: 0}": syntax.Coverage(
        name="c",
        crs="EPSG:4326+OGC:AnsiDate",
        axes=(
            syntax.IndexAxis(name="x", low=n(1), high=n(5)),
            syntax.RegularAxis(
                name="lat",
                low=MINUS_ONE,
                high=n(2),
                resolution=Unary(operator="-", operand=n(0.5)),
            ),
            syntax.IrregularAxis(
                name="d", values=(Text(value="2024-01-01"), Text(value="2024-02-01"))
            ),
        ),
        range_type=(
            syntax.RangeField(name="r", type="unsigned char"),
            syntax.RangeField(name="g", type=""),
        ),
        range_set=Record(
            fields=(
                RecordField(name="r", value=Variable(name="x")),
                RecordField(name="g", value=n(0)),
            )
        ),
    ),
}


@pytest.mark.parametrize(("text", "tree"), CONSTRUCTIONS.items())
def test_constructions(text: str, tree: Expr) -> None:
    assert expression(text) == tree
