"""Random queries that mostly bind: texts that know the axes and bands of the made cubes.

The trees of `tests.builders.queries` show what parses; these reach planning, evaluation
and encoding, with a wrong name, bound or type here and there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.builders.made import T_TIMES
from tests.builders.near_words import (
    AXES,
    BANDS,
    CONDENSERS,
    FORMATS,
    MATHS,
    METHODS,
    NUMBERS,
    OPERATORS,
    PARAMETERS,
    PERIODS,
    PLACES,
    REDUCERS,
    TYPES,
)


@dataclass(slots=True)
class Writer:
    """Writes one query after the other from random numbers."""

    random: Random
    bound: dict[str, str] = field(default_factory=dict)
    """Cubes by the variables that stand for them."""
    named: list[str] = field(default_factory=list)
    """Variables of lets and iterators in scope."""
    focus: str = "a"
    """The variable that most of a query is about, so that operands share their axes."""

    def query(self) -> str:
        """Return a query."""
        cubes = self.random.choices(tuple(AXES), k=self.random.choice((1, 1, 2, 3)))
        self.bound = dict(zip("abc", cubes, strict=False))
        self.named = []
        self.focus = self.random.choice(tuple(self.bound))
        text = "for " + ", ".join(f"${v} in ({self._sources(c)})" for v, c in self.bound.items())
        lets = []
        for name in ("m", "n")[: self.random.choice((0, 0, 0, 1, 2))]:
            lets.append(f"${name} := {self._let()}")
            self.named.append(name)
        text += " let " + ", ".join(lets) if lets else ""
        if self._one_in(8):
            text += f" where {self._truth(2)}"
        return f"{text} return {self._result()}"

    def _one_in(self, number: int) -> bool:
        return self.random.randrange(number) == 0

    def _pick(self, *forms: Callable[[], str]) -> str:
        return self.random.choice(forms)()

    def _sources(self, cube: str) -> str:
        return f"{cube}, {self.random.choice(tuple(AXES))}" if self._one_in(10) else cube

    def _result(self) -> str:
        depth = self.random.choice((1, 2, 2, 3, 4))
        kind = self.random.randrange(20)
        if kind < 8:
            return f"{self._reducer()}({self._cells(depth)})"
        if kind < 16:
            further = ""
            if self._one_in(4):
                quoted = self.random.choice(PARAMETERS).replace('"', '\\"')
                further = f', "{quoted}"'
            return f'encode({self._cells(depth)}, "{self.random.choice(FORMATS)}"{further})'
        if kind == 16:
            form = self.random.choice(('"gml"', '"json", "outputType=GeneralGridCoverage"'))
            return f"describe({self._cells(depth)}, {form})"
        if kind == 17:
            form = self.random.choice(("GeoJSON", "ESRI Shapefile", "gpkg", "csv"))
            return f'polygonize({self._cells(depth)}, "{form}", {self.random.choice("48")})'
        return self._pick(lambda: self._number(depth), self._told, lambda: self._truth(depth))

    def _let(self) -> str:
        return self._pick(
            lambda: self._cells(2),
            lambda: self._number(2),
            lambda: f"[{self._item(self._cube())}]",
            self._polygon,
        )

    def _variable(self) -> str:
        return self.random.choice(tuple(self.bound)) if self._one_in(6) else self.focus

    def _cube(self) -> str:
        return self.bound[self._variable()]

    def _leaf(self) -> str:
        variable = self._variable()
        bands = BANDS.get(self.bound[variable], ("v",))
        ends = ("", "", f".{self.random.choice(bands)}", ".0", ".1", ".B99")
        weights = (4, 0, 4, 1, 0.1, 0.02)
        if self.named and self._one_in(4):
            return f"${self.random.choice(self.named)}"
        return f"${variable}{self.random.choices(ends, weights)[0]}"

    def _cells(self, depth: int) -> str:
        if depth <= 0:
            return self._leaf() if not self._one_in(6) else self.random.choice(NUMBERS)
        inner = depth - 1
        cells = self._cells
        return self._pick(
            self._leaf,
            lambda: self._operation(inner),
            lambda: self._operation(inner),
            lambda: f"{self.random.choice(MATHS)}({cells(inner)})",
            lambda: f"({self.random.choice(TYPES)}) {cells(0)}",
            lambda: f"not({cells(inner)})",
            lambda: f"bit((int) ({cells(inner)}), {self._number(0)})",
            lambda: f"({cells(inner)} is {self.random.choice(('', 'not '))}null)",
            lambda: f"({cells(inner)} null values [{self._nulls()}])",
            lambda: f"{{r: {cells(inner)}; g: {cells(inner)}; b: {cells(0)}}}",
            lambda: (
                f"(switch case {cells(inner)} > {self._number(1)} return {cells(inner)}"
                f" case {self._truth(1)} return {cells(0)} default return {cells(0)})"
            ),
            lambda: self._subset(inner),
            lambda: self._subset(inner),
            lambda: self._subset(inner),
            lambda: self._scale(inner),
            lambda: f"extend({cells(inner)}, {{{self._items(2)}}})",
            lambda: self._warp(inner),
            lambda: self._clip(inner),
            lambda: f"(flip {cells(inner)} along {self._axis()})",
            lambda: (
                f"(sort {cells(inner)} along {self._axis()}"
                f" {self.random.choice(('asc', 'desc'))} by {self._reducer()}({cells(0)}))"
            ),
            lambda: self._condense(inner),
            lambda: self._construct(inner),
            lambda: self._coverage(inner),
        )

    def _operation(self, depth: int) -> str:
        operator = self.random.choice(OPERATORS)
        left, right = self._cells(depth), self._cells(depth)
        if self._one_in(3):
            right = self._number(1)
        if operator in ("max", "min", "pow", "mod", "atan2"):
            return f"{operator}({left}, {right})"
        return f"({left} {operator} {right})"

    def _nulls(self) -> str:
        return self.random.choice(("0", "3", "-32768", "1:5", "3, 7:9", "nan", "*:3", "1e300"))

    def _truth(self, depth: int) -> str:
        return f"{self._number(depth)} {self.random.choice(('>', '<', '='))} {self._number(depth)}"

    def _number(self, depth: int) -> str:
        if depth <= 0:
            return self.random.choice(NUMBERS)
        return self._pick(
            lambda: self.random.choice(NUMBERS),
            lambda: f"{self._reducer()}({self._cells(depth - 1)})",
            lambda: f"({self._number(depth - 1)} + {self._number(0)})",
            lambda: self._condense(depth - 1),
        )

    def _reducer(self) -> str:
        name = self.random.choice(REDUCERS)
        return name if not self._one_in(30) else "cellCount"

    def _told(self) -> str:
        variable = self._variable()
        axis = self._axis(self.bound[variable])
        form = self.random.choice(
            (
                "identifier({})",
                "crsSet({})",
                "imageCrs({})",
                "imageCrsDomain({})",
                "domain({})",
                "nullSet({})",
                "interpolationDefault({}, v)",
                "interpolationSet({}, v)",
                f"domain({{}}, {axis}).lo",
                f"domain({{}}, {axis}).resolution",
                f"imageCrsDomain({{}}, {axis}).hi",
                f'domain({{}}, {axis}, "CRS:1")',
                f"imageCrsDomain({{}}, {axis})",
                f"allmonths(domain({{}}, {axis}))",
            )
        )
        source = f"${variable}" if not self._one_in(3) else self._cells(2)
        return form.format(source)

    def _axis(self, cube: str = "") -> str:
        if self._one_in(40):
            return "Nowhere"
        return self.random.choice(AXES[cube or self._cube()])

    def _place(self, axis: str) -> str:
        if axis == "ansi":
            day = self.random.choice((*T_TIMES, "2020", "2020-05", "2019-12-31", "2023-08-15"))
            return f'"{day}"'
        if self._one_in(15):
            return self.random.choice(("*", self._number(1), "domain($a, Lat).lo"))
        low, high = PLACES.get(axis, (0, 9))
        value = self.random.uniform(low, high)
        return f"{round(value)}" if axis in "ij" or self._one_in(2) else f"{value:.3f}"

    def _item(self, cube: str) -> str:
        axis = self._axis(cube)
        if self._one_in(5):
            low = self.random.randint(-2, 20)
            high = low + self.random.randint(-1, 12)
            at = f"{low}:{high}" if self._one_in(2) else f"{low}"
            return f'{axis}:"CRS:1"({at})'
        if self._one_in(12):
            crs = self.random.choice(("EPSG:4326", "EPSG:3857", "EPSG:32633", "OGC:AnsiDate"))
            west, east = sorted(self.random.uniform(-20, 40) for _ in "ab")
            return f'{axis}:"{crs}"({west:.2f}:{east:.2f})'
        if self._one_in(2):
            return f"{axis}({self._place(axis)})"
        ends = [self._place(axis), self._place(axis)]
        if not self._one_in(8):
            ends.sort(key=lambda text: (0.0, text) if '"' in text else (_value(text), text))
        return f"{axis}({ends[0]}:{ends[1]})"

    def _items(self, most: int) -> str:
        cube = self._cube()
        items = [self._item(cube) for _ in range(self.random.randint(1, most))]
        distinct = {item.partition("(")[0].partition(":")[0]: item for item in items}
        return ", ".join(distinct.values())

    def _subset(self, depth: int) -> str:
        source = self._cells(depth)
        if self.named and self._one_in(8):
            return f"{source}[${self.random.choice(self.named)}]"
        if self._one_in(6):
            return f"{self.random.choice(('trim', 'slice'))}({source}, {{{self._items(2)}}})"
        return f"({source}[{self._items(3)}])"

    def _scale(self, depth: int) -> str:
        axis = self._axis()
        cells = self.random.choice((0, 3, 9, 50, 200))
        to = self.random.choice(
            (
                "0.5",
                "2",
                "0.1",
                "{0.3}",
                "0",
                f"{{{axis}(0.5)}}",
                f"{{{axis}(3.7)}}",
                f'{{{axis}:"CRS:1"(0:{cells})}}',
                "{imageCrsDomain($a)}",
                f"{{{self._items(2)}}}",
            )
        )
        further = f", {{{self.random.choice(METHODS)}}}" if self._one_in(3) else ""
        return f"scale({self._cells(depth)}, {to}{further})"

    def _warp(self, depth: int) -> str:
        crs = self.random.choice(
            (
                '"EPSG:3857"',
                '"EPSG:4326"',
                '"EPSG:32633"',
                '"EPSG:3035"',
                '"EPSG:5514"',
                '"CRS:1"',
                '{Lat:"EPSG:3857", Lon:"EPSG:3857"}',
                '{E:"EPSG:4326", N:"EPSG:4326"}',
            )
        )
        further = ""
        if self._one_in(2):
            further = f", {{{self.random.choice((*METHODS, ''))}}}"
            if self._one_in(2):
                size = self.random.choice((0.1, 1, 100, 30000, 1e6))
                further += f", {{X:{size}, Y:{size}}}"
                if self._one_in(2):
                    further += ", {domain($a)}"
        return f"crsTransform({self._cells(depth)}, {crs}{further})"

    def _point(self, axes: tuple[str, ...]) -> str:
        return " ".join(f"{self.random.uniform(*PLACES.get(a, (0, 9))):.2f}" for a in axes)

    def _polygon(self) -> str:
        axes = AXES[self._cube()][-2:]
        points = [self._point(axes) for _ in range(self.random.randint(2, 5))]
        return f"POLYGON(({', '.join([*points, points[0]])}))"

    def _clip(self, depth: int) -> str:
        axes = AXES[self._cube()][-2:]
        line = f"LineString({self._point(axes)}, {self._point(axes)}, {self._point(axes)})"
        named = ", ".join(axes)
        kind = self.random.randrange(8)
        shape = self._polygon() if kind < 4 else line
        if kind == 5:
            shape = f"CURTAIN(projection({named}), {line})"
        if kind == 6:
            track = f"LineString({self._point(('height', *axes))}, {self._point(('x', *axes))})"
            shape = f"CORRIDOR(projection({named}), {track}, {self._polygon()})"
        if kind == 7:
            shape = self._polygon().replace("POLYGON(", "MULTIPOLYGON((") + ")"
        if self.named and self._one_in(6):
            shape = f"${self.random.choice(self.named)}"
        crs = ', "EPSG:4326"' if self._one_in(6) else ""
        ended = " with coordinates" if self._one_in(6) else ""
        return f"(clip({self._cells(depth)}, {shape}{crs}){ended})"

    def _domain(self, axis: str) -> str:
        variable = self._variable()
        low = self.random.randint(0, 5)
        return self.random.choice(
            (
                f"{low}:{low + self.random.randint(-1, 9)}",
                "0:3",
                "1:1",
                f"imageCrsDomain(${variable}, {axis})",
                f"domain(${variable}, {axis})",
                '"2020-01-01", "2020-05-01"',
                f'"2020-01":"2020-06":{self.random.choice(PERIODS)}',
                f"allmonths(domain(${variable}, ansi))",
                f"years(domain(${variable}, ansi))",
            )
        )

    def _iterators(self) -> tuple[str, list[str]]:
        names = ["p", "q", "r"][: self.random.choice((1, 1, 2))]
        cube = self._cube()
        texts = [f"${n} {(axis := self._axis(cube))}({self._domain(axis)})" for n in names]
        return ", ".join(texts), names

    def _inside(self, names: list[str], depth: int) -> str:
        """Return cells in which iterators may be named."""
        self.named.extend(names)
        one = self.random.choice(names)
        cube = self._variable()
        axis = self._axis(self.bound[cube])
        made = self._pick(
            lambda: self._cells(depth),
            lambda: f"${one}",
            lambda: f'${cube}[{axis}:"CRS:1"(${one})]',
            lambda: f'${cube}[{axis}:"CRS:1"(${one} + 1)]',
            lambda: f"${cube}[{axis}(${one})]",
            lambda: f'avg(${cube}[{axis}:"CRS:1"(${one}:${one} + 2)])',
            lambda: f"(${one} * {self._cells(depth)})",
        )
        del self.named[-len(names) :]
        return made

    def _condense(self, depth: int) -> str:
        over, names = self._iterators()
        where = f" where {self._inside(names, 0)} > 2" if self._one_in(4) else ""
        operator = self.random.choice(CONDENSERS)
        return f"(condense {operator} over {over}{where} using {self._inside(names, depth)})"

    def _construct(self, depth: int) -> str:
        over, names = self._iterators()
        if self._one_in(5):
            listed = ";".join(self.random.choice(NUMBERS) for _ in range(3))
            axis = self._axis()
            return f"(coverage k over $p {axis}(-1:1) value list <{listed}>)"
        return f"(coverage k over {over} values {self._inside(names, depth)})"

    def _coverage(self, depth: int) -> str:
        crs, axes, names = self.random.choice(
            (
                ("OGC:Index2D", "x index (1:5), y index (0:3)", ["x", "y"]),
                ("OGC:Index1D", "x index (-1:5)", ["x"]),
                (
                    "EPSG:4326",
                    "Lat regular (0:4) resolution 1, Lon regular (0:4) resolution 0.5",
                    ["Lat", "Lon"],
                ),
                (
                    "EPSG:4326+OGC:AnsiDate",
                    "Lat regular (0:4) resolution -1, Lon index (1:2)",
                    ["Lat"],
                ),
                ("OGC:AnsiDate", 'd irregular ("2020-01-01","2020-02-01")', ["d"]),
            )
        )
        kind = self.random.choice(("int", "unsigned char", "float", "double", "boolean", "text"))
        value = f"{{v: {self._inside(names, depth)}}}" if self._one_in(2) else names[0]
        return (
            f'(coverage k domain crs "{crs}" with {axes}'
            f" range type v quantity {kind} range set {value})"
        )


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
