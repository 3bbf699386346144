"""Legends of files: raster attribute tables, colour tables, flags."""

import re
from collections.abc import Callable, Mapping

from lxml import etree

from datacube.cube import ClassValue
from datacube.errors import UnsupportedSourceError
from ingest.recipes.sources import SourceFile
from ingest.recipes.sources.raster import RasterFile
from ingest.recipes.sources.source import Variable

MAX_CLASSES = 4096
GREY = (128, 128, 128)
_NAME, _VALUE, _RED, _GREEN, _BLUE = 2, 5, 6, 7, 8
"""What GDAL calls the uses of columns (`GDALRATFieldUsage`)."""
_TEXT = 2
"""Type of a column of text (`GDALRATFieldType`)."""

type _Row = tuple[str, ...]


def legend_of(source: SourceFile, variable: Variable) -> tuple[ClassValue, ...]:
    """Return the classes that a file lists for a variable, by value; none where it lists none.

    Those of GDAL's raster attribute table, in the file or beside it (`.aux.xml`, `.vat.dbf`), go
    before a colour table, which gives the colours that the table has not.

    Raises
    ------
    UnsupportedSourceError
        If the table has more than `MAX_CLASSES` rows.
    """
    if isinstance(source, RasterFile) and variable.name.isdecimal():
        colours = {each.value: each.colour for each in variable.classes}
        found = parse_table(source.description(), int(variable.name), colours)
        if len(found) > MAX_CLASSES:
            raise UnsupportedSourceError(
                f"{source.name}: the attribute table has {len(found)} rows; a legend has at most "
                f"{MAX_CLASSES}"
            )
        if found:
            return found
    return variable.classes


def parse_table(
    document: bytes, band: int, colours: Mapping[int, tuple[int, int, int]]
) -> tuple[ClassValue, ...]:
    """Return the rows of the attribute table of a band, counted from 1, in GDAL's XML.

    A row counts where its value is a whole number and its name is not empty. Values and names
    are in the columns of these uses; else in the one called `Value`, and the first of text.
    Colours are in columns of their uses, which GDAL makes 0..255; else in `colours`; else grey.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.fromstring(document, parser)
    table = root.find(f"*[@band='{band}']/GDALRasterAttributeTable")
    if table is None:
        return ()
    fields = [
        (
            field.findtext("Name", ""),
            int(field.findtext("Type", "0")),
            int(field.findtext("Usage", "0")),
        )
        for field in table.findall("FieldDefn")
    ]
    value = _column(fields, lambda name, _, use: use == _VALUE or name.casefold() == "value")
    name = _column(fields, lambda _, __, use: use == _NAME)
    if name is None:
        name = _column(fields, lambda _, kind, __: kind == _TEXT)
    if value is None or name is None:
        return ()
    rows = [tuple(cell.text or "" for cell in row.findall("F")) for row in table.findall("Row")]
    whole = [row for row in rows if _whole(row[value]) is not None and row[name].strip()]
    painted = _colours(fields, whole)
    found: dict[int, ClassValue] = {}
    for number, row in enumerate(whole):
        at, title = int(float(row[value])), row[name].strip()
        colour = painted[number] if painted else colours.get(at, GREY)
        found.setdefault(
            at, ClassValue(value=at, name=_meaning(title, at), title=title, colour=colour)
        )
    return _distinct([found[at] for at in sorted(found)])


def _column(
    fields: list[tuple[str, int, int]], wanted: Callable[[str, int, int], bool]
) -> int | None:
    return next((n for n, field in enumerate(fields) if wanted(*field)), None)


def _whole(text: str) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _colours(
    fields: list[tuple[str, int, int]], rows: list[_Row]
) -> list[tuple[int, int, int]] | None:
    """Return the colours of rows; None where the table has none."""
    uses = [use for _, _, use in fields]
    if not {_RED, _GREEN, _BLUE} <= set(uses):
        return None
    places = [uses.index(use) for use in (_RED, _GREEN, _BLUE)]
    shades = [[min(255, max(0, int(row[at] or 0))) for at in places] for row in rows]
    return [(red, green, blue) for red, green, blue in shades]


def _meaning(title: str, value: int) -> str:
    """Make a CF flag meaning of a title.

    >>> _meaning("Broad-leaved forest", 23)
    'broad_leaved_forest'
    """
    return re.sub(r"\W+", "_", title.casefold()).strip("_") or f"class_{value}"


def _distinct(classes: list[ClassValue]) -> tuple[ClassValue, ...]:
    """Add the value to names that several classes have."""
    names = [each.name for each in classes]
    return tuple(
        each
        if names.count(each.name) == 1
        else ClassValue(
            value=each.value,
            name=f"{each.name}_{each.value}",
            title=each.title,
            colour=each.colour,
        )
        for each in classes
    )
