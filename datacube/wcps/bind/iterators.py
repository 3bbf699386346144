"""Iterators as axes of plans: their arithmetic and their values.

The body of a condenser or constructor is bound once, with each iterator as one more
leading axis of its plans. Subsets that follow iterators are in `following`.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from datacube.axes import Axis
from datacube.cells import Cells
from datacube.errors import InvalidParameterError
from datacube.plan.digest import digest
from datacube.plan.functions import apply
from datacube.plan.nodes import (
    POINT,
    Coordinate,
    Domain,
    Field,
    Held,
    HeldCells,
    Literal,
    Plan,
    Spread,
)
from datacube.times import Period
from datacube.wcps.bind.periods import parse_duration, parse_time, seconds
from datacube.wcps.bind.scope import Scope, describe
from datacube.wcps.bind.values import (
    Constant,
    Coordinates,
    Index,
    Moments,
    Raster,
    Value,
    Words,
)

_GREATEST = 2**62


class NotVectorisableError(InvalidParameterError):
    """A body cannot be bound once for all places of these iterators, but place by place."""

    def __init__(self, message: str, iterators: Sequence[str]) -> None:
        super().__init__(message)
        self.iterators = tuple(iterators)
        """Identities of the iterators that must stand still."""


# Arithmetic


def index_operation(operator: str, values: Sequence[Value]) -> Value | None:
    """Return what `+ - * concat` of iterators, numbers and texts comes to; None if no such thing.

    Sums and differences of indices, and products with a number, are indices. `concat`
    joins texts place by place. A time plus or minus a duration (`$t + "P1M"`) is a time.
    One value with `-` is negated.
    """
    if operator == "concat":
        return _joined(values)
    if any(isinstance(value, Moments | Words) for value in values):
        return _shifted(operator, values)
    parts = [affine(value) for value in values]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    match operator, known:
        case "-", [one]:
            return _checked(_scaled(one, -1))
        case "+", [one, other]:
            return _checked(_added(one, other))
        case "-", [one, other]:
            return _checked(_added(one, _scaled(other, -1)))
        case "*", [one, other] if not one.terms:
            return _checked(_scaled(other, one.offset))
        case "*", [one, other] if not other.terms:
            return _checked(_scaled(one, other.offset))
        case _:
            return None


def affine(value: Value | None) -> Index | None:
    """Return an index, or a whole number as one; None where it is something else."""
    if isinstance(value, Index):
        return value
    number: object = value.value if isinstance(value, Constant) else None
    if isinstance(number, int) and not isinstance(number, bool):
        return Index(offset=number, terms=())
    return None


def _added(one: Index, other: Index) -> Index:
    factors = dict(one.terms)
    for name, factor in other.terms:
        factors[name] = factors.get(name, 0) + factor
    return _index(one.offset + other.offset, factors)


def _scaled(index: Index, factor: int) -> Index:
    return _index(index.offset * factor, {name: f * factor for name, f in index.terms})


def _index(offset: int, factors: dict[str, int]) -> Index:
    return Index(offset=offset, terms=tuple((n, f) for n, f in factors.items() if f))


def _checked(index: Index) -> Index | None:
    # Larger numbers wrap, as those of cells do.
    fits = all(abs(n) < _GREATEST for n in (index.offset, *(f for _, f in index.terms)))
    return index if fits else None


def _joined(values: Sequence[Value]) -> Value | None:
    lists = [_texts(value) for value in values]
    names = {v.iterator for v in values if isinstance(v, Moments)} - {""}
    known = [texts for texts in lists if texts is not None]
    if len(known) < len(lists) or len(names) > 1:
        return None
    places = max(map(len, known))
    joined = tuple(
        "".join(texts[at if len(texts) > 1 else 0] for texts in known) for at in range(places)
    )
    if not any(isinstance(v, Moments) for v in values):
        return Words(text=joined[0])
    return Moments(iterator=next(iter(names), ""), texts=joined)


def _texts(value: Value) -> tuple[str, ...] | None:
    match value:
        case Moments(texts=texts):
            return texts
        case Words(text=text):
            return (text,)
        case _:
            number = affine(value)
            return None if number is None or number.terms else (str(number.offset),)


def _shifted(operator: str, values: Sequence[Value]) -> Value | None:
    match operator, values:
        case "+" | "-", [Words() | Moments() as when, Words(text=duration)] if "P" in duration:
            length = duration.strip()
        case _:
            return None
    parse_duration(length)
    sign = ""
    if operator == "-":
        length, sign = (length[1:], "") if length[0] == "-" else (length.lstrip("+"), "-")
    texts = tuple(parse_time(f"{text} {sign}{length}").text for text in _texts(when) or ())
    return (
        Words(text=texts[0])
        if isinstance(when, Words)
        else Moments(iterator=when.iterator, texts=texts)
    )


def compare_times(operator: str, values: Sequence[Value], scope: Scope) -> Value | None:
    """Compare an iterator over times with another, or with a time in quotes.

    Times are compared as long as they were written: one is before another where it ends
    before the other starts, and equal to it where they have a moment in common. Returns
    None where neither value is an iterator over times, or both walk along other axes.

    Raises
    ------
    InvalidParameterError
        If a text is no time.
    """
    names = {name for value in values for name in iterators_of(value)}
    timed = all(isinstance(value, Moments | Words) for value in values)
    walking = any(isinstance(value, Moments) for value in values)
    if operator not in _COMPARISONS or not timed or not walking or len(names) > 1:
        return None
    one, other = ([parse_time(text) for text in _texts(value) or ()] for value in values)
    places = max(len(one), len(other))
    compare = _COMPARISONS[operator]
    truths = [
        compare(one[at if len(one) > 1 else 0], other[at if len(other) > 1 else 0])
        for at in range(places)
    ]
    if not names:
        return Constant(value=truths[0])
    name = names.pop()
    domain = Domain(outer=(axis_of(name, scope),))
    return Raster(plan=held(np.array(truths), None, domain), iterators=(name,))


def _before(one: Period, other: Period) -> bool:
    return one.end <= other.start


_COMPARISONS: Mapping[str, Callable[[Period, Period], bool]] = {
    "<": _before,
    "<=": lambda one, other: not _before(other, one),
    ">": lambda one, other: _before(other, one),
    ">=": lambda one, other: not _before(one, other),
    "=": lambda one, other: not _before(one, other) and not _before(other, one),
    "!=": lambda one, other: _before(one, other) or _before(other, one),
}


# Values


def index_raster(value: Value, scope: Scope) -> Raster | None:
    """Return an iterator as cells over its own axis, or None where it has no number.

    Indices are int64, coordinates float64, times seconds since 1970 (float64); years and
    other parts of times, which are digits alone, are int64.

    Raises
    ------
    InvalidParameterError
        If a text is no time.
    """
    match value:
        case Index():
            return _index_cells(value, scope)
        case Coordinates(iterator=name, numbers=numbers):
            domain = Domain(outer=(axis_of(name, scope),))
            plan: Plan = Coordinate(axis=0, domain=domain, index=False)
            if all(isinstance(number, int) for number in numbers):
                plan = apply("cast int64", plan)
            return Raster(plan=plan, iterators=(name,))
        case Moments(iterator=name):
            places = _numbers(value)
            if not name:
                number: Plan = Literal(value=places[0], domain=POINT)
                whole = isinstance(places[0], int)
                return Raster(plan=apply("cast int64", number) if whole else number)
            domain = Domain(outer=(axis_of(name, scope),))
            return Raster(plan=held(np.array(places), None, domain), iterators=(name,))
        case _:
            return None


def _numbers(moments: Moments) -> list[int] | list[float]:
    if all(text.isascii() and text.isdecimal() for text in moments.texts):
        return [int(text) for text in moments.texts]
    return [seconds(period.start) for period in moments.periods]


def _index_cells(index: Index, scope: Scope) -> Raster:
    names = ordered([name for name, _ in index.terms], scope)
    domain = Domain(outer=tuple(axis_of(name, scope) for name in names))

    def literal(number: int) -> Plan:
        return apply("cast int64", Literal(value=number, domain=domain))

    if not names:
        return Raster(plan=literal(index.offset))
    parts: list[Plan] = []
    for name, factor in index.terms:
        plan: Plan = Coordinate(axis=names.index(name), domain=domain, index=True)
        parts.append(plan if factor == 1 else apply("*", plan, literal(factor)))
    if index.offset:
        parts.append(literal(index.offset))
    made = parts[0] if len(parts) == 1 else apply("+", *parts)
    return Raster(plan=made, iterators=names)


def held(values: np.ndarray, valid: np.ndarray | None, domain: Domain, name: str = "value") -> Held:
    """Return numbers as cells of a domain; all are valid unless `valid` says else."""
    shaped = values.reshape(domain.shape)
    known = np.ones(shaped.shape, dtype=bool) if valid is None else valid.reshape(shaped.shape)
    key = digest("held", shaped.dtype.str, shaped.shape, shaped.tobytes(), known.tobytes())
    return Held(
        held=HeldCells(key=key, cells=Cells((name,), (shaped,), (known,))),
        domain=domain,
        fields=(Field(name=name, dtype=shaped.dtype.name, nodata=None),),
    )


def nothing(fields: tuple[Field, ...], domain: Domain) -> Plan:
    """Return cells of a domain of which all are null."""
    zeros = tuple(np.zeros((), dtype=field.numpy_dtype) for field in fields)
    names = tuple(field.name for field in fields)
    unknown = (np.zeros((), dtype=bool),) * len(fields)
    key = digest("nothing", *(f.dtype for f in fields), *names)
    point = Held(
        held=HeldCells(key=key, cells=Cells(names, zeros, unknown)), domain=POINT, fields=fields
    )
    return point if domain == POINT else Spread(source=point, domain=domain, places=())


def axis_of(iterator: str, scope: Scope) -> Axis:
    """Return the axis of an iterator."""
    return dict(scope.iterators)[iterator]


def ordered(names: Sequence[str], scope: Scope) -> tuple[str, ...]:
    """Return iterators in the scope's order, each once."""
    return tuple(name for name, _ in scope.iterators if name in names)


def iterators_of(value: Value | None) -> tuple[str, ...]:
    """Return the iterators that a value depends on."""
    match value:
        case Index(terms=terms):
            return tuple(name for name, _ in terms)
        case Moments(iterator=name) | Coordinates(iterator=name):
            return (name,) if name else ()
        case Raster(iterators=names):
            return names
        case _:
            return ()


def still(value: Value) -> float | str:
    """Return a number or text that is known at binding.

    Raises
    ------
    NotVectorisableError
        If it depends on iterators.
    InvalidParameterError
        If it depends on cells, or is something else.
    """
    number: object = value.value if isinstance(value, Constant) else None
    if isinstance(number, int | float) and not isinstance(number, bool):
        return number
    match value:
        case Index(offset=offset, terms=()):
            return offset
        case Words(text=text) | Moments(iterator="", texts=(text,)):
            return text
        case _:
            pass
    names = iterators_of(value)
    if names:
        raise NotVectorisableError("a number is needed that no iterator changes", names)
    raise InvalidParameterError(
        f"a number or text that is known before any cell is read is needed, not {describe(value)}"
    )
