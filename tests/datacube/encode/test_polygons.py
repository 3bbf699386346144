"""Polygons, read back by OGR and compared with the cells they came from."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely
from rasterio.features import rasterize

from datacube.encode import polygons
from datacube.encode.polygons import polygonize
from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.grid import Grid, index_crs
from datacube.plan.nodes import Domain, Held
from datacube.protocols import Limits
from tests.builders.plans import geographic_grid, utm_grid
from tests.builders.results import compute, index_axis, result

RNG = np.random.default_rng(5)
CLASSES = np.repeat(np.repeat(RNG.integers(0, 4, (6, 8)), 3, 0), 3, 1).astype(np.uint8)
KNOWN = RNG.random(CLASSES.shape) > 0.1


def classes() -> Held:
    domain = Domain(grid=utm_grid(*CLASSES.shape))
    return result(domain, {"c": CLASSES}, valid={"c": KNOWN})


def made(plan: Held, format: str, connectedness: int = 4) -> tuple[bytes, str]:  # noqa: A002 the word of WCPS
    return polygonize(plan, compute, Limits(), format=format, connectedness=connectedness)


@pytest.mark.parametrize("name", ["GPKG", "FlatGeobuf", "ESRI Shapefile"])
def test_polygons_are_the_cells_they_came_from(tmp_path: Path, name: str) -> None:
    body, media_type = made(classes(), name)
    path = tmp_path / f"made{polygons.vector_format(name).suffix}"
    path.write_bytes(body)
    if media_type == "application/zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert {Path(n).suffix for n in archive.namelist()} >= {".shp", ".shx", ".dbf", ".prj"}
            archive.extractall(tmp_path)
        path = tmp_path / "polygons.shp"
    meta, _, wkb, (values,) = pyogrio.raw.read(str(path))
    assert meta["fields"].tolist() == ["value"]
    assert "32633" in meta["crs"] or "UTM zone 33N" in meta["crs"]
    burnt = rasterize(
        zip(shapely.from_wkb(wkb), values.tolist(), strict=True),
        CLASSES.shape,
        fill=99,
        transform=classes().domain.plane.transform,
    )
    np.testing.assert_array_equal(burnt, np.where(KNOWN, CLASSES, 99))


def test_geojson_is_in_longitude_and_latitude() -> None:
    body, media_type = made(classes(), "GeoJSON")
    assert media_type == "application/geo+json"
    features = json.loads(body)["features"]
    assert {f["properties"]["value"] for f in features} == {0, 1, 2, 3}
    hull = shapely.union_all([shapely.geometry.shape(f["geometry"]) for f in features]).bounds
    # (303,000, 5,398,000) in UTM 33N is about 12.30 E, 48.70 N.
    assert hull[0] == pytest.approx(12.32, abs=0.05)
    assert hull[3] == pytest.approx(48.70, abs=0.05)


def test_neighbours_at_a_corner() -> None:
    values = np.eye(3, dtype=np.uint8)
    plan = result(Domain(grid=geographic_grid(3, 3)), {"v": values}, valid={"v": values > 0})
    assert len(json.loads(made(plan, "json")[0])["features"]) == 3
    assert len(json.loads(made(plan, "json", 8)[0])["features"]) == 1


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float32", [0.5, 0.5, np.nan]),
        ("float64", [1 / 3, 1 / 3 + 1e-9, 2.0]),
        ("bool", [1, 1, 0]),
        ("int64", [2**40, -1, 5]),
        ("uint32", [2**32 - 1, 5, 5]),
    ],
)
def test_types(dtype: str, values: list[float]) -> None:
    domain = Domain(grid=geographic_grid(1, 3))
    plan = result(domain, {"v": np.array(values).astype(dtype)})
    found = [f["properties"]["value"] for f in json.loads(made(plan, "geojson")[0])["features"]]
    assert set(found) == {value for value in values if np.isfinite(value)}


def test_a_grid_without_a_place_on_the_earth() -> None:
    i, j = index_axis("i", 2), index_axis("j", 2)
    grid = Grid(crs=index_crs("i", "j"), y=i, x=j)
    plan = result(Domain(grid=grid), {"v": np.array([[1, 1], [2, 2]], np.uint8)})
    text = made(plan, "CSV")[0].decode()
    assert "POLYGON ((0 0,0 1,2 1,2 0,0 0))" in text.replace(", ", ",")
    with pytest.raises(InvalidParameterError, match="no place on the Earth"):
        made(plan, "KML")


def test_kml_is_kml() -> None:
    body, media_type = made(classes(), "KML")
    assert media_type.endswith("kml+xml")
    assert b"<Polygon>" in body


def test_nothing_valid_gives_no_polygons() -> None:
    none = {"v": np.zeros((2, 2), np.bool_)}
    plan = result(Domain(grid=utm_grid(2, 2)), {"v": np.zeros((2, 2), np.uint8)}, valid=none)
    assert json.loads(made(plan, "GeoJSON")[0])["features"] == []


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    square = Domain(grid=utm_grid(2, 2))
    with pytest.raises(UnknownNameError, match="unknown format 'DXF'; offered: GeoJSON, ESRI"):
        made(classes(), "DXF")
    with pytest.raises(InvalidParameterError, match="4 or 8 neighbours, not 6"):
        made(classes(), "GeoJSON", 6)
    with pytest.raises(InvalidParameterError, match="has complex64: cast it"):
        made(result(square, {"v": np.zeros((2, 2), np.complex64)}), "GeoJSON")
    with pytest.raises(InvalidParameterError, match="needs one band, the coverage has 2"):
        made(result(square, {"v": np.zeros((2, 2)), "w": np.zeros((2, 2))}), "GeoJSON")
    with pytest.raises(InvalidParameterError, match="needs two axes, the coverage has x"):
        made(result(Domain(outer=(index_axis("x", 2),)), {"v": np.zeros(2, "u1")}), "GeoJSON")
    monkeypatch.setattr(polygons, "MOST_POLYGONS", 3)
    with pytest.raises(LimitExceededError, match="more than 3 polygons"):
        made(classes(), "GeoJSON")
    with pytest.raises(LimitExceededError, match="432 cells; allowed are 100"):
        polygonize(classes(), compute, Limits(map_pixels=100), format="GeoJSON")
