"""WCS 2.0.1: scaling (OGC 12-039), interpolation (12-049), range subsetting (12-040)."""

from collections.abc import Mapping

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from tests.conformance.wcs20 import (
    NOT_FOUND,
    SCHEMAS,
    TIFF,
    Binding,
    Extension,
    Server,
    by_binding,
    listed,
)
from tests.ogc.conftest import Schemas

SPEC = "http://www.opengis.net/spec/WCS_service-extension_"
METHOD = "http://www.opengis.net/def/interpolation/OGC/1/"
SCAL = 'xmlns:s="http://www.opengis.net/wcs/scaling/1.0"'
INT = 'xmlns:i="http://www.opengis.net/wcs/interpolation/1.0"'
RSUB = 'xmlns:r="http://www.opengis.net/wcs/range-subsetting/1.0"'


def by_factor(factor: float | str) -> Extension:
    inner = f"<s:ScaleByFactor><s:scaleFactor>{factor}</s:scaleFactor></s:ScaleByFactor>"
    xml = f"<s:Scaling {SCAL}>{inner}</s:Scaling>"
    return Extension(kvp=(("SCALEFACTOR", str(factor)),), xml=xml)


def by_axis(kind: str, **values: str) -> Extension:
    """Return SCALEAXES, SCALESIZE or SCALEEXTENT; keys may repeat as `Lat`, `Lat_`."""
    group, item, *tags = {
        "SCALEAXES": ("ScaleAxesByFactor", "ScaleAxis", "scaleFactor"),
        "SCALESIZE": ("ScaleToSize", "TargetAxisSize", "targetSize"),
        "SCALEEXTENT": ("ScaleToExtent", "TargetAxisExtent", "low", "high"),
    }[kind]
    pairs = [(axis.rstrip("_"), value) for axis, value in values.items()]
    items = "".join(
        f"<s:{item}><s:axis>{axis}</s:axis>"
        + "".join(f"<s:{t}>{v}</s:{t}>" for t, v in zip(tags, value.split(":"), strict=True))
        + f"</s:{item}>"
        for axis, value in pairs
    )
    text = ",".join(f"{axis}({value})" for axis, value in pairs)
    inner = f"<s:{group}>{items}</s:{group}>"
    return Extension(kvp=((kind, text),), xml=f"<s:Scaling {SCAL}>{inner}</s:Scaling>")


def both(one: Extension, other: Extension) -> Extension:
    return Extension(kvp=(*one.kvp, *other.kvp), xml=one.xml + other.xml)


def scaled(values: NDArray[np.generic], rows: int, columns: int) -> NDArray[np.generic]:
    """Return the cells at the leading edge of each new cell, as the documents say."""
    height, width = values.shape
    at = np.ix_(np.arange(rows) * height // rows, np.arange(columns) * width // columns)
    return values[at]


@by_binding("scaling:req1-profile", "range-subsetting:req1-profile", "interpolation:req1-profile")
def test_the_profiles_are_listed(server: Server, binding: Binding) -> None:
    profiles = set(server.capabilities(binding).texts("Profile"))
    assert f"{SPEC}scaling/1.0/conf/scaling" in profiles
    assert f"{SPEC}range-subsetting/1.0/conf/record-subsetting" in profiles
    for name in ("", "-per-axis", "-nearest-neighbor", "-linear", "-cubic"):
        assert f"{SPEC}interpolation/1.0/conf/interpolation{name}" in profiles


@by_binding("scaling:req2-request", "scaling:req3-grid-coverages", "scaling:req17-keep-type")
def test_every_grid_is_scaled_and_keeps_its_type(
    server: Server, binding: Binding, schemas: Schemas
) -> None:
    for name in "AGM":
        answer = server.cells(binding, name, extension=by_factor(2.0))
        schemas.check(answer.bytes, *SCHEMAS)
        plain = server.cells(binding, name)
        assert answer.name == plain.name
        assert answer.sizes() == {axis: 2 * size for axis, size in plain.sizes().items()}
        names = [[one.get("name") for one in a.root.iter("{*}field")] for a in (answer, plain)]
        assert names[0] == names[1]


@by_binding("scaling:req4-mutually-exclusive")
def test_one_scaling_at_a_time(server: Server, binding: Binding) -> None:
    for other in (
        by_axis("SCALEAXES", Lat="2.0", Lon="2.0"),
        by_axis("SCALESIZE", Lat="10", Lon="10"),
        by_axis("SCALEEXTENT", Lat="10:20", Lon="20:30"),
    ):
        answer = server.cells(binding, "A", extension=both(by_factor(2.0), other))
        answer.fails("InvalidScaleFactor", NOT_FOUND)


@by_binding("scaling:req5-factor-positive", "scaling:req18-invalid-scale-factor")
def test_factors_are_positive(server: Server, binding: Binding) -> None:
    for wrong in ("0", "-1", "x"):
        answer = server.cells(binding, "A", extension=by_factor(wrong))
        answer.fails("InvalidScaleFactor", NOT_FOUND)
        answer = server.cells(binding, "A", extension=by_axis("SCALEAXES", Lat=wrong))
        answer.fails("InvalidScaleFactor", NOT_FOUND)


@by_binding("scaling:req6-axes-present")
def test_some_axis_is_named(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", extension=by_axis("SCALEAXES"))
    answer.fails("MissingParameterValue")


@by_binding("scaling:req7-size-positive")
def test_sizes_are_positive(server: Server, binding: Binding) -> None:
    for wrong in ("0", "-1", "1.5"):
        answer = server.cells(binding, "A", extension=by_axis("SCALESIZE", Lat=wrong))
        answer.fails("InvalidScaleFactor", NOT_FOUND)


@by_binding("scaling:req8-size-existing-axis", "scaling:req18-scale-axis-undefined")
def test_axes_of_sizes_exist(server: Server, binding: Binding) -> None:
    for kind in ("SCALESIZE", "SCALEAXES"):
        answer = server.cells(binding, "A", extension=by_axis(kind, axis_not_exist="10"))
        answer.fails("ScaleAxisUndefined", NOT_FOUND)


@by_binding("scaling:req9-unique-axis")
def test_an_axis_is_scaled_once(server: Server, binding: Binding) -> None:
    for kind in ("SCALESIZE", "SCALEAXES"):
        answer = server.cells(binding, "A", extension=by_axis(kind, Lat="10", Lat_="10"))
        answer.fails("InvalidScaleFactor", NOT_FOUND)


@by_binding("scaling:req10-extent-ordered", "scaling:req18-invalid-extent")
def test_extents_run_upwards(server: Server, binding: Binding) -> None:
    extent = by_axis("SCALEEXTENT", Lat="20:10", Lon="100:200")
    server.cells(binding, "A", extension=extent).fails("InvalidExtent", NOT_FOUND)


@by_binding("scaling:req11-extent-existing-axis")
def test_axes_of_extents_exist(server: Server, binding: Binding) -> None:
    extent = by_axis("SCALEEXTENT", axis_not_exist="10:20", Lon="100:200")
    server.cells(binding, "A", extension=extent).fails("ScaleAxisUndefined", NOT_FOUND)


@by_binding("scaling:req12-by-factor", "scaling:req19-factor-encoding", "scaling:req23-24-encoding")
def test_a_factor_is_that_of_every_axis(server: Server, binding: Binding) -> None:
    values = server.made.arrays["A"]["v"]
    one = server.cells(binding, "A", extension=by_factor(0.5))
    np.testing.assert_array_equal(one.tuples()[:, 0], scaled(values, 30, 30).ravel())
    other = by_axis("SCALEAXES", Lat="0.5", Lon="0.5")
    np.testing.assert_array_equal(
        server.cells(binding, "A", extension=other).tuples(), one.tuples()
    )


@by_binding("scaling:req13-axes-by-factor", "scaling:req20-axes-encoding")
def test_factors_of_axes(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", extension=by_axis("SCALEAXES", Lat="0.5", Lon="2"))
    assert answer.sizes() == {"Lat": 30, "Lon": 120}
    wanted = scaled(server.made.arrays["A"]["v"], 30, 120)
    np.testing.assert_array_equal(answer.tuples()[:, 0], wanted.ravel())


@by_binding("scaling:req14-to-size", "scaling:req16-other-axes", "scaling:req21-size-encoding")
def test_sizes_of_axes(server: Server, binding: Binding) -> None:
    values = server.made.arrays["A"]["v"]
    for sizes, rows, columns in (
        ({"Lat": "11", "Lon": "7"}, 11, 7),
        ({"Lat": "11.0"}, 11, 60),
        ({"Lon": "7"}, 60, 7),
    ):
        answer = server.cells(binding, "A", extension=by_axis("SCALESIZE", **sizes))
        assert answer.sizes() == {"Lat": rows, "Lon": columns}
        np.testing.assert_array_equal(answer.tuples()[:, 0], scaled(values, rows, columns).ravel())


@by_binding("scaling:req15-to-extent", "scaling:req22-extent-encoding")
def test_extents_of_axes(server: Server, binding: Binding) -> None:
    extent = by_axis("SCALEEXTENT", Lat="10:20", Lon="100:206")
    answer = server.cells(binding, "A", extension=extent)
    assert answer.limits() == {"Lat": (10, 20), "Lon": (100, 206)}
    wanted = scaled(server.made.arrays["A"]["v"], 11, 107)
    np.testing.assert_array_equal(answer.tuples()[:, 0], wanted.ravel())


def method(name: str) -> Extension:
    url = name if name.startswith("http") else METHOD + name
    xml = (
        f"<i:Interpolation {INT}><i:globalInterpolation>{url}</i:globalInterpolation>"
        "</i:Interpolation>"
    )
    return Extension(kvp=(("INTERPOLATION", url),), xml=xml)


def per_axis(*pairs: tuple[str, str]) -> Extension:
    items = "".join(
        f"<i:InterpolationPerAxis><i:axis>{axis}</i:axis><i:interpolationMethod>{METHOD}{name}"
        "</i:interpolationMethod></i:InterpolationPerAxis>"
        for axis, name in pairs
    )
    kvp = tuple(("INTERPOLATIONPERAXIS", f"{axis},{METHOD}{name}") for axis, name in pairs)
    return Extension(kvp=kvp, xml=f"<i:Interpolation {INT}>{items}</i:Interpolation>")


@by_binding(
    "interpolation:req2-capabilities-valid",
    "interpolation:req3-metadata",
    "interpolation:req4-distinct-urls",
)
def test_methods_are_listed_once(server: Server, binding: Binding, schemas: Schemas) -> None:
    answer = server.capabilities(binding)
    schemas.check(answer.bytes, *SCHEMAS)
    urls = answer.texts("InterpolationSupported")
    assert {METHOD + name for name in ("nearest-neighbor", "linear", "cubic")} <= set(urls)
    assert len(set(urls)) == len(urls)
    server.cells(binding, "A", extension=method(f"{METHOD}nothing")).fails(
        "InterpolationMethodNotSupported", NOT_FOUND
    )


BY_GDAL: Mapping[str, Resampling] = {
    "nearest-neighbor": Resampling.nearest,
    "linear": Resampling.bilinear,
    "cubic": Resampling.cubic,
}
CLASSES = {
    "nearest-neighbor": ("interpolation:req19-20-nearest-neighbor",),
    "linear": ("interpolation:req21-22-linear",),
    "cubic": ("interpolation:req25-26-cubic",),
}
ASKED = (
    "interpolation:req5-request",
    "interpolation:req6-uniform",
    "interpolation:req7-9-encoding",
)


@pytest.mark.parametrize(
    ("name", "binding"),
    [
        pytest.param(
            name,
            binding,
            id=f"{name}-{binding}",
            marks=[
                pytest.mark.requirement(f"wcs20:{one}:{binding}")
                for one in (*CLASSES[name], *ASKED)
            ],
        )
        for name in BY_GDAL
        for binding in Binding
    ],
)
def test_doubled_cells_are_gdals(server: Server, binding: Binding, name: str) -> None:
    extension = both(by_factor(2.0), method(name))
    answer = server.cells(binding, "A", form=TIFF, extension=extension)
    with rasterio.MemoryFile(answer.file) as file, file.open() as made:
        got, wanted = made.read(1).astype(int), np.zeros(made.shape, np.int16)
        reproject(
            server.made.arrays["A"]["v"],
            wanted,
            src_transform=from_origin(0, 30, 0.5, 0.5),
            src_crs="EPSG:4326",
            dst_transform=made.transform,
            dst_crs="EPSG:4326",
            resampling=BY_GDAL[name],
        )
    inner = np.s_[8:-8, 8:-8]
    # A value half way between two numbers may round to either.
    assert (np.abs(got - wanted)[inner] <= 1).mean() > 0.999
    assert np.ptp(got) > 100


@by_binding(
    "interpolation:req10-per-axis-profile",
    "interpolation:req11-per-axis-request",
    "interpolation:req15-per-axis-result",
    "interpolation:req16-18-per-axis-encoding",
)
def test_one_method_on_each_axis_of_the_plane(server: Server, binding: Binding) -> None:
    pairs = per_axis(("Lat", "linear"), ("Lon", "linear"))
    one = server.cells(binding, "A", extension=both(by_factor(2.0), pairs))
    other = server.cells(binding, "A", extension=both(by_factor(2.0), method("linear")))
    np.testing.assert_array_equal(one.tuples(), other.tuples())


@by_binding("interpolation:req12-one-method-an-axis")
def test_an_axis_has_one_method(server: Server, binding: Binding) -> None:
    twice = per_axis(("Lat", "linear"), ("Lat", "cubic"))
    answer = server.cells(binding, "A", extension=both(by_factor(2.0), twice))
    answer.fails("InterpolationMethodNotSupported", NOT_FOUND)


@by_binding("interpolation:req13-14-existing-axis")
def test_axes_of_methods_exist(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "A", extension=per_axis(("Q", "linear")))
    answer.fails("InvalidAxisLabel", NOT_FOUND)


@by_binding("interpolation:per-axis-methods-that-differ")
def test_axes_may_differ(server: Server, binding: Binding) -> None:
    pairs = per_axis(("Lat", "linear"), ("Lon", "nearest-neighbor"))
    answer = server.cells(binding, "A", extension=both(by_factor(2.0), pairs))
    assert answer.status == 200, answer.bytes


def bands(*items: str) -> Extension:
    """Return names and `from:to` intervals."""
    parts = []
    for one in items:
        first, colon, last = one.partition(":")
        ends = (
            f"<r:startComponent>{first}</r:startComponent><r:endComponent>{last}</r:endComponent>"
        )
        inner = f"<r:RangeInterval>{ends}</r:RangeInterval>"
        inner = inner if colon else f"<r:RangeComponent>{one}</r:RangeComponent>"
        parts.append(f"<r:RangeItem>{inner}</r:RangeItem>")
    xml = f"<r:RangeSubset {RSUB}>{''.join(parts)}</r:RangeSubset>"
    return Extension(kvp=(("RANGESUBSET", ",".join(items)),), xml=xml)


@pytest.mark.parametrize(
    ("items", "kept"),
    [
        (("r", "g", "b", "n"), (0, 1, 2, 3)),
        (("g",), (1,)),
        (("n", "r"), (3, 0)),
        (("r:n",), (0, 1, 2, 3)),
        (("g:b",), (1, 2)),
        (("n", "r:g"), (3, 0, 1)),
    ],
)
@by_binding(
    "range-subsetting:req2-request",
    "range-subsetting:req3-list",
    "range-subsetting:req5-expansion",
    "range-subsetting:req8-9-response",
    "range-subsetting:req10-14-encoding",
)
def test_bands_come_as_asked(
    server: Server, binding: Binding, items: tuple[str, ...], kept: tuple[int, ...]
) -> None:
    answer = server.cells(binding, "M", extension=bands(*items))
    np.testing.assert_array_equal(answer.tuples(), listed(server.made, "M")[:, kept])
    names = [one.get("name") for one in answer.root.iter("{*}field")]
    assert names == ["rgbn"[at] for at in kept]


@by_binding("range-subsetting:req4-existing-component")
def test_bands_exist(server: Server, binding: Binding) -> None:
    for items in (("x",), ("r", "x"), ("r:x",)):
        answer = server.cells(binding, "M", extension=bands(*items))
        answer.fails("NoSuchField", NOT_FOUND)


@by_binding("range-subsetting:req4-note-duplicates")
def test_a_band_may_come_again(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "M", extension=bands("r", "r", "r"))
    np.testing.assert_array_equal(answer.tuples(), listed(server.made, "M")[:, (0, 0, 0)])


@by_binding("range-subsetting:req6-interval-order")
def test_intervals_run_forwards(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "M", extension=bands("n:r"))
    answer.fails("IllegalFieldSequence")


@by_binding("range-subsetting:req7-all-components")
def test_every_band_comes_where_none_is_named(server: Server, binding: Binding) -> None:
    answer = server.cells(binding, "M")
    assert [one.get("name") for one in answer.root.iter("{*}field")] == list("rgbn")
    np.testing.assert_array_equal(answer.tuples(), listed(server.made, "M"))
