"""Legends that files bring along: attribute tables of GDAL in their three places."""

from datetime import date
from pathlib import Path
from struct import pack

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from datacube.cube import Aggregate, ClassValue
from tests.ingest.recipes.conftest import Kitchen
from tests.ingest.recipes.files import write_tiff

RECIPE = """
coverage: LC
files: lc.tif
bands: [{name: class, nodata: 0, classes: file}]
"""
CELLS = np.random.default_rng(3).choice(np.array([0, 1, 2, 7], "uint8"), (16, 16))
ROWS = (
    (7, "Rock", (90, 91, 92)),
    (1, "Broad-leaved forest", (0, 100, 0)),
    (2, "Wässer &amp; Meer", (0, 0, 200)),
)
CLASSES = (
    ClassValue(
        value=1, name="broad_leaved_forest", title="Broad-leaved forest", colour=(0, 100, 0)
    ),
    ClassValue(value=2, name="wässer_meer", title="Wässer & Meer", colour=(0, 0, 200)),
    ClassValue(value=7, name="rock", title="Rock", colour=(90, 91, 92)),
)


def table(columns: str, *rows: tuple[object, ...]) -> str:
    """Return a table as GDAL 3.6 writes it; a column is `name:type:use`."""
    fields = "".join(
        f'<FieldDefn index="{n}"><Name>{name}</Name><Type>{kind}</Type><Usage>{use}</Usage>'
        "</FieldDefn>"
        for n, (name, kind, use) in enumerate(column.split(":") for column in columns.split())
    )
    cells = "".join(
        f'<Row index="{n}">{"".join(f"<F>{cell}</F>" for cell in row)}</Row>'
        for n, row in enumerate(rows)
    )
    return (
        f'<GDALRasterAttributeTable tableType="thematic">{fields}{cells}</GDALRasterAttributeTable>'
    )


WHOLE = table(
    "Count:1:1 Value:0:5 Class_Name:2:2 Red:0:6 Green:0:7 Blue:0:8",
    *((99, value, title, *colour) for value, title, colour in ROWS),
)


def write_beside(folder: Path, text: str) -> Path:
    path = write_tiff(folder / "lc.tif", CELLS)
    beside = f'<PAMDataset><PAMRasterBand band="1">{text}</PAMRasterBand></PAMDataset>'
    path.with_suffix(".tif.aux.xml").write_text(beside, "utf-8")
    return path


def test_a_table_beside_the_file(kitchen: Kitchen) -> None:
    write_beside(kitchen.folder, WHOLE)
    kitchen.served(RECIPE)
    band = kitchen.band("LC", "class")
    assert band.classes == CLASSES
    assert band.aggregate is Aggregate.MODE


def test_a_table_in_the_file(kitchen: Kitchen, tmp_path: Path) -> None:
    """GDAL itself moves the table from beside one file into another."""
    with rasterio.open(write_beside(tmp_path, WHOLE)) as opened:
        rasterio.shutil.copy(opened, kitchen.folder / "lc.tif", driver="GTiff")
    assert [path.name for path in kitchen.folder.iterdir()] == ["lc.tif"]
    kitchen.served(RECIPE)
    assert kitchen.band("LC", "class").classes == CLASSES


def test_a_table_of_dbase_beside_the_file(kitchen: Kitchen) -> None:
    """As ArcGIS writes it, and the land cover of Corine comes."""
    path = write_tiff(kitchen.folder / "lc.tif", CELLS)
    rows = [b" " + f"{v:>9}{title:<40}".encode("latin-1") for v, title, _ in ROWS[:2]]
    fields = (("VALUE", "N", 9), ("LABEL3", "C", 40))
    described = b"".join(
        pack("<11sc4xBB14x", name.encode(), kind.encode(), width, 0) for name, kind, width in fields
    )
    day = date(2020, 1, 1)
    head = pack(
        "<BBBBIHH20x", 3, day.year - 1900, day.month, day.day, 2, 32 + 32 * 2 + 1, len(rows[0])
    )
    path.with_suffix(".tif.vat.dbf").write_bytes(
        head + described + b"\r" + b"".join(rows) + b"\x1a"
    )
    kitchen.served(RECIPE)
    found = [(c.value, c.title, c.colour) for c in kitchen.band("LC", "class").classes]
    assert found == [(1, "Broad-leaved forest", (128,) * 3), (7, "Rock", (128,) * 3)]


CASES = {
    "the first of text is the name": (
        table("OID:0:0 VALUE:0:0 LABEL:2:0 CODE:2:0", (0, 4, "sea", "x")),
        [(4, "sea", (128, 128, 128))],
    ),
    "equal names get their values": (
        table("Value:0:5 N:2:2", (1, "wood"), (2, "Wood")),
        [(1, "wood_1", (128,) * 3), (2, "wood_2", (128,) * 3)],
    ),
    "without a name, or between numbers, is no class": (
        table("Value:1:5 N:2:2", (1, ""), (2.5, "half"), (3, "whole")),
        [(3, "whole", (128,) * 3)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_of_a_table_is_a_class(kitchen: Kitchen, case: str) -> None:
    text, expected = CASES[case]
    write_beside(kitchen.folder, text)
    kitchen.served(RECIPE)
    assert [(c.value, c.name, c.colour) for c in kitchen.band("LC", "class").classes] == expected


def test_names_of_a_table_with_the_colours_of_a_colour_table(kitchen: Kitchen) -> None:
    path = write_beside(kitchen.folder, table("Value:0:5 N:2:2", (1, "forest"), (2, "sea")))
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {1: (0, 99, 0), 2: (0, 0, 99), 3: (9, 9, 9)})
    kitchen.served(RECIPE)
    found = [(c.value, c.name, c.colour) for c in kitchen.band("LC", "class").classes]
    assert found == [(1, "forest", (0, 99, 0)), (2, "sea", (0, 0, 99))]


def test_a_histogram_is_no_legend(kitchen: Kitchen) -> None:
    write_beside(kitchen.folder, table("Min:1:3 Max:1:4 Count:0:1", (0, 1, 5)))
    (outcome,) = kitchen.cook(RECIPE).outcomes
    assert "lc.tif has no legend; read are attribute tables" in str(outcome.note)
