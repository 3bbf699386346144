"""Definitions and records as JSON: what they were before cubes had further axes, they stay."""

from dataclasses import replace
from math import isnan

import pytest

from datacube.axes import IrregularAxis, RegularAxis
from datacube.catalog.codec import (
    cube_from_json,
    cube_to_json,
    dump,
    windows_from_json,
    windows_to_json,
)
from datacube.cube import Cube
from datacube.grid import Grid, Window, index_crs
from datacube.lattices import free_group
from datacube.slots import SlotWindow
from tests.datacube.catalog.making import make_cube, make_windows

CUBE_KEYS = {"name", "collection", "title", "access", "crs", "groups", "bands"}
GROUP_KEYS = {"name", "x", "y", "array_origin"}
AXIS_KEYS = {"name", "uom", "start", "step", "first", "size"}


def made() -> Cube:
    """Return a cube that has all that scenes do not."""
    axes = (
        IrregularAxis(name="height", uom="m", coefficients=(2.0, 10.5)),
        RegularAxis(name="member", uom="1", start=0, step=1, size=4, index=True),
    )
    i, j = (
        RegularAxis(name=name, uom="1", start=0, step=1, size=9, index=True) for name in ("i", "j")
    )
    crs = index_crs("i", "j")
    plain = make_cube()
    group = free_group(Grid(crs=crs, x=j, y=i), "r10m", axes=axes)
    (band, *_) = (band for band in plain.bands if band.group == "r10m")
    return replace(
        plain, crs=crs, groups=(group,), bands=(replace(band, gapless=True),), timed=False
    )


def test_a_cube_of_any_axes_is_read_as_it_was_written() -> None:
    assert cube_from_json(cube_to_json(made())) == made()


def test_a_cube_of_scenes_is_written_as_ever() -> None:
    written = cube_to_json(make_cube())
    assert set(written) == CUBE_KEYS
    assert all(set(group) == GROUP_KEYS for group in written["groups"])
    assert all(set(group["x"]) == AXIS_KEYS for group in written["groups"])
    assert "gapless" not in dump(written)
    assert cube_from_json(written) == make_cube()


def test_what_scenes_do_not_have_may_be_missing() -> None:
    written = cube_to_json(made())
    del written["timed"], written["bands"][0]["gapless"]
    for group in written["groups"]:
        del group["axes"], group["x"]["index"]
    read = cube_from_json(written)
    assert read.timed
    assert read.axes == ()
    assert not read.groups[0].grid.x.index
    assert not read.bands[0].gapless


def test_windows_list_their_ends_axis_by_axis() -> None:
    windows = (
        SlotWindow(group="r1", window=Window(((1, 2), (0, 4), (-5, 6), (7, 8))), levels=3),
        *make_windows(),
    )
    written = windows_to_json(windows)
    assert written[0] == ["r1", 1, 2, 0, 4, -5, 6, 7, 8, 3]
    assert written[1] == ["r10m", 600_000, 600_960, 96_000, 96_960, 1]
    assert windows_from_json(written) == windows


@pytest.mark.parametrize("nodata", [float("nan"), -32768.0])
def test_nodata_survives(nodata: float) -> None:
    plain = make_cube()
    cube = replace(plain, bands=tuple(replace(band, nodata=nodata) for band in plain.bands))
    (band, *_) = cube_from_json(cube_to_json(cube)).bands
    assert (isnan(band.nodata) and isnan(nodata)) or band.nodata == nodata
