"""Trees of queries written by hand, and the texts of the reference."""

import json
from pathlib import Path

from datacube.wcps.parser import parse
from datacube.wcps.syntax import (
    Expr,
    Number,
    Operation,
    Variable,
)

EXAMPLES = [
    json.loads(line)
    for line in (Path(__file__).resolve().parents[1] / "datacube/wcps/examples.jsonl")
    .read_text()
    .splitlines()
]


C = Variable(name="c")
D = Variable(name="d")
T = Variable(name="t")


def n(value: float) -> Number:
    return Number(value=value)


def expression(text: str) -> Expr:
    return parse(f"for $c in (A) return {text}").result


def operation(operator: str, *operands: Expr) -> Operation:
    return Operation(operator=operator, operands=operands)
