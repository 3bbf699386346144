from dataclasses import replace

import numpy as np
import pytest
from pyproj import CRS

from datacube.axes import IrregularAxis, RegularAxis
from datacube.encode.cf import (
    cf_coordinates,
    cf_dataset_attrs,
    cf_grid_mapping,
    cf_grid_mapping_attrs,
    cf_time,
    cf_variable_attrs,
    cf_variables,
)
from datacube.grid import Grid, index_crs
from datacube.plan.nodes import Domain, Field
from datacube.service_provider import Credits
from tests.builders.plans import UTM_33, reflectance, scene_classes, time_axis, utm_grid


def stored(name: str) -> Field:
    return Field(name=name, dtype="int16", nodata=-32768, band=reflectance(name))


def test_a_measured_band() -> None:
    attributes = cf_variable_attrs(stored("B04"))
    assert attributes["units"] == "1"
    assert (attributes["scale_factor"], attributes["add_offset"]) == (0.0001, 0.0)
    (variable,) = cf_variables((stored("B04"),), Domain(grid=utm_grid(4, 4)))
    assert variable.attributes == {**attributes, "grid_mapping": "spatial_ref"}


def test_classes_have_flags_and_neither_unit_nor_scale() -> None:
    band = scene_classes()
    attributes = cf_variable_attrs(Field(name="SCL", dtype="uint8", nodata=0, band=band))
    assert attributes["flag_values"] == (4, 6, 9)
    assert attributes["flag_colors"] == "#00a000 #0000c8 #ffffff"
    assert not {"units", "scale_factor", "add_offset"} & set(attributes)


def test_a_computed_field_has_nothing_to_say_but_its_grid() -> None:
    field = Field(name="value", dtype="float32", nodata=float("nan"))
    (variable,) = cf_variables((field,), Domain(grid=utm_grid(4, 4)))
    assert variable.attributes == {"grid_mapping": "spatial_ref"}


def test_the_crs_survives_the_grid_mapping() -> None:
    attributes = cf_grid_mapping_attrs(utm_grid(4, 4))
    assert CRS.from_cf(attributes) == UTM_33
    assert attributes["GeoTransform"] == "303000.0 10.0 0.0 5398000.0 0.0 -10.0"


def test_times_are_exact_microseconds() -> None:
    values = cf_time(time_axis()).values
    assert values.dtype == np.int64
    expected = ["2023-08-10T10:00:31.024000", "2023-08-15T09:50:31.123456"]
    assert values.astype("datetime64[us]").astype(str).tolist() == expected


def test_other_axes_keep_their_names_and_units() -> None:
    outer = (
        IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.0)),
        RegularAxis(name="bin", uom="1", start=0, step=0.5, size=3),
    )
    height, steps, y, x = cf_coordinates(Domain(outer=outer, grid=utm_grid(4, 4)))
    assert [c.name for c in (height, steps, y, x)] == ["height", "bin", "y", "x"]
    assert height.attributes["units"] == "m"
    assert (height.values.tolist(), steps.values.tolist()) == ([2, 10], [0.25, 0.75, 1.25])


def test_an_index_grid_has_its_own_axes_and_no_crs() -> None:
    i, j = (
        RegularAxis(name=name, uom="1", start=0, step=1, first=3, size=2, index=True)
        for name in "ij"
    )
    domain = Domain(grid=Grid(crs=index_crs("i", "j"), x=j, y=i))
    rows, cols = cf_coordinates(domain)
    assert (rows.name, rows.values.tolist()) == ("i", [3, 4])
    assert rows.values.dtype == np.int64
    assert (cols.name, cols.attributes) == ("j", {"long_name": "j"})
    assert cf_grid_mapping(domain) is None
    (variable,) = cf_variables((stored("B04"),), domain)
    assert "grid_mapping" not in variable.attributes


@pytest.mark.parametrize(("axis", "name"), [("y", "lat"), ("x", "lon")])
def test_what_a_slice_leaves_of_a_plane_is_named_as_in_the_plane(axis: str, name: str) -> None:
    crs = CRS.from_epsg(4326)
    made = {
        key: RegularAxis(name=key, uom="degree", start=0, step=1, size=4) for key in ("Lat", "Lon")
    }
    left = replace(made["Lat"] if axis == "y" else made["Lon"], crs=crs)
    assert cf_coordinates(Domain(outer=(left,)))[0].name == name


def test_a_field_never_takes_the_name_of_a_coordinate() -> None:
    fields = tuple(replace(stored("B04"), name=name) for name in ("x", "spatial_ref", "a/b"))
    names = [v.name for v in cf_variables(fields, Domain(grid=utm_grid(4, 4)))]
    assert names == ["x_", "spatial_ref_", "a_b"]


def test_dataset_attributes_leave_out_what_is_not_known() -> None:
    assert list(cf_dataset_attrs("", ())) == ["Conventions"]
    credited = Credits(attribution="Contains modified Copernicus Sentinel data 2015")
    attributes = cf_dataset_attrs("T", ("a", "b"), credited)
    assert list(attributes) == ["Conventions", "title", "attribution", "source_scenes"]
    assert attributes["source_scenes"] == "a, b"
