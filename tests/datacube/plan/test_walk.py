"""Walking plans: a node that several places use comes once, in order of first use."""

from datacube.plan.functions import apply
from datacube.plan.nodes import Literal, Plan, Trim, distinct, is_formula, leaves
from tests.builders.plans import held, reflectance, utm_grid

PLANE = utm_grid(4, 5)
RED, BLUE = (held((reflectance(name),), PLANE).plan for name in ("B04", "B02"))
TWO = Literal(value=2, domain=RED.domain)
SUM = apply("+", RED, TWO)
CUT = Trim(source=BLUE, domain=BLUE.domain)
ROOT = apply("*", SUM, apply("-", CUT, SUM), RED)


def keys(*nodes: Plan) -> list[str]:
    return [node.key for node in nodes]


def test_nodes_come_once_before_what_they_are_made_of() -> None:
    difference = apply("-", CUT, SUM)
    assert keys(*distinct(ROOT)) == keys(ROOT, SUM, RED, TWO, difference, CUT, BLUE)
    assert keys(*distinct(CUT, SUM, ROOT)) == keys(CUT, BLUE, SUM, RED, TWO, ROOT, difference)


def test_nothing_is_told_of_what_lies_below_a_refused_node() -> None:
    formula = keys(*distinct(ROOT, enters=is_formula))
    assert CUT.key in formula
    assert BLUE.key not in formula


def test_leaves_come_in_order_of_first_use() -> None:
    assert keys(*leaves(ROOT)) == keys(RED, TWO, BLUE)
