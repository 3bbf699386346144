"""Areas of equal value as polygons, in the formats of GDAL's vector drivers."""

import tempfile
import zipfile
from array import array
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from shapely.geometry import shape

from datacube.cells import Valid, Values
from datacube.encode.answer import Compute
from datacube.errors import InvalidParameterError, LimitExceededError, UnknownNameError
from datacube.plan.encoding_memory import MOST_EDGES
from datacube.plan.nodes import Field, Plan
from datacube.protocols import Limits

MOST_POLYGONS = 1_000_000
"""Polygons of one answer; noise has one a cell."""

_NOWHERE = 'LOCAL_CS["Grid without a place on the Earth"]'
"""CRS of polygons of a grid that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFormat:
    """A format of polygons."""

    driver: str
    """GDAL's name."""
    media_type: str
    suffix: str
    """Of the file; several files are zipped."""
    on_earth: bool = False
    """Coordinates are longitude and latitude in WGS 84, whatever the CRS of the coverage."""
    options: tuple[tuple[str, str], ...] = ()
    """Layer options."""


FORMATS = (
    VectorFormat(
        driver="GeoJSON",
        media_type="application/geo+json",
        suffix=".geojson",
        on_earth=True,
        options=(("RFC7946", "YES"),),
    ),
    VectorFormat(driver="ESRI Shapefile", media_type="application/zip", suffix=".shp"),
    VectorFormat(driver="GPKG", media_type="application/geopackage+sqlite3", suffix=".gpkg"),
    VectorFormat(driver="FlatGeobuf", media_type="application/octet-stream", suffix=".fgb"),
    VectorFormat(
        driver="KML",
        media_type="application/vnd.google-earth.kml+xml",
        suffix=".kml",
        on_earth=True,
    ),
    VectorFormat(
        driver="CSV", media_type="text/csv", suffix=".csv", options=(("GEOMETRY", "AS_WKT"),)
    ),
)
"""The formats offered, the usual one first."""
_ALIASES = {
    "shapefile": "esri shapefile",
    "shp": "esri shapefile",
    "geopackage": "gpkg",
    "json": "geojson",
    "fgb": "flatgeobuf",
}


def polygonize(
    plan: Plan,
    compute: Compute,
    limits: Limits,
    *,
    format: str,  # noqa: A002 the word of WCPS
    connectedness: int = 4,
) -> tuple[bytes, str]:
    """Return the areas of equal value of a coverage as polygons, and the media type.

    The coverage has two axes and one field of real numbers or Booleans. Cells that are
    null belong to no polygon; nor do NaN and infinities. Each polygon has the attribute
    `value`. Cells that touch at a corner only belong together where `connectedness` is
    8. Without a place on the Earth coordinates are those of the axes. Shapefiles come
    zipped.

    Raises
    ------
    UnknownNameError
        If the format is not offered; the message lists those that are.
    InvalidParameterError
        If the coverage or `connectedness` is another, or the format needs a place on the
        Earth.
    LimitExceededError
        If there are more than `MOST_POLYGONS`, or more cells than a map may have pixels.
    """
    kind = vector_format(format)
    if connectedness not in {4, 8}:
        raise InvalidParameterError(
            f"polygonize joins 4 or 8 neighbours, not {connectedness}", parameter="polygonize"
        )
    field = _one_field(plan)
    grid = plan.domain.plane
    if kind.on_earth and not grid.on_earth:
        raise InvalidParameterError(
            f"{kind.driver} holds longitudes and latitudes, and the coverage has no place on "
            "the Earth: ask for GPKG or CSV",
            parameter="polygonize",
        )
    if plan.domain.size > limits.map_pixels:
        raise LimitExceededError(
            f"polygonize of {plan.domain.size} cells; allowed are {limits.map_pixels} "
            "(LIMIT_MAP_PIXELS)"
        )
    values, valid = _whole(plan, field, compute)
    geometries, numbers = _areas(values, valid, connectedness, grid.transform)
    crs = grid.crs.to_wkt() if grid.on_earth else _NOWHERE
    return _written(kind, geometries, numbers.astype(_attribute_type(field)), crs), kind.media_type


def vector_format(text: str) -> VectorFormat:
    """Return the format called `text`, by GDAL's name, a common short one or the media type.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists the formats.
    """
    asked = _ALIASES.get(text.strip().casefold(), text.strip().casefold())
    for kind in FORMATS:
        if asked in {kind.driver.casefold(), kind.media_type}:
            return kind
    raise UnknownNameError("format", text[:80], tuple(kind.driver for kind in FORMATS))


def _one_field(plan: Plan) -> Field:
    if len(plan.domain.axes) != 2:
        names = ", ".join(axis.name for axis in plan.domain.axes) or "none"
        raise InvalidParameterError(
            f"polygonize needs two axes, the coverage has {names}: slice it", parameter="polygonize"
        )
    if len(plan.fields) != 1:
        raise InvalidParameterError(
            f"polygonize needs one band, the coverage has {len(plan.fields)}: select one",
            parameter="polygonize",
        )
    dtype = plan.fields[0].numpy_dtype
    if dtype.kind not in "biuf" or dtype.name == "uint64":
        raise InvalidParameterError(
            f"polygonize needs real numbers below 2**63, the band has {dtype.name}: cast it",
            parameter="polygonize",
        )
    return plan.fields[0]


def _whole(plan: Plan, field: Field, compute: Compute) -> tuple[Values, Valid]:
    values, valid = compute(plan, plan.domain.window).band(field.name)
    if field.numpy_dtype.kind == "f":
        valid = valid & np.isfinite(values)
    return values, valid


def _areas(
    values: Values, valid: Valid, connectedness: int, transform: object
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return polygons as WKB, and their values."""
    kinds = {"bool": "uint8", "float16": "float32"}
    plain = values.astype(kinds.get(values.dtype.name, values.dtype.name), copy=False)
    found: list[bytes] = []
    numbers = array("d")
    # GDAL looks at no clock: what has too many edges is not begun.
    edges = int(np.count_nonzero(plain[1:] != plain[:-1]))
    edges += int(np.count_nonzero(plain[:, 1:] != plain[:, :-1]))
    if edges > MOST_EDGES:
        raise LimitExceededError(
            f"polygons of {edges:,} edges between cells; {MOST_EDGES:,} are allowed: "
            "round or classify the values"
        )
    for geometry, value in shapes(plain, valid, connectedness, transform):
        if len(found) == MOST_POLYGONS:
            raise LimitExceededError(
                f"there are more than {MOST_POLYGONS} polygons: round or classify the values"
            )
        # A fifth of what a geometry takes.
        found.append(shapely.to_wkb(shape(geometry)))
        numbers.append(value)
    return np.array(found, np.object_), np.array(numbers, np.float64)


def _attribute_type(field: Field) -> str:
    if field.numpy_dtype.kind == "f":
        return "float64"
    return "int64" if field.dtype in {"uint32", "int64"} else "int32"


def _written(
    kind: VectorFormat, geometries: NDArray[np.object_], numbers: Values, crs: str
) -> bytes:
    # It loads pandas where that is installed, and a starting server would wait for it.
    import pyogrio.raw  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="copernicube-") as folder:
        path = Path(folder) / f"polygons{kind.suffix}"
        pyogrio.raw.write(
            str(path),
            geometries,
            [numbers],
            ["value"],
            driver=kind.driver,
            geometry_type="Polygon",
            crs=crs,
            layer_options=dict(kind.options),
        )
        files = sorted(Path(folder).iterdir())
        if kind.media_type != "application/zip":
            return path.read_bytes()
        body = BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                # A fixed time, so that equal answers have equal bytes.
                archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
        return body.getvalue()
