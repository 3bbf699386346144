"""QGIS draws and reads known places, and its temporal controller steps through their times."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.acceptance.places import (
    SIDE_PX,
    Case,
    case_of,
    cases,
    check_colours,
    check_values,
    rtc_files,
    source,
)
from tests.builders.qgis import QgisSession, colours, found_qgis

TEMPORAL = "&type=wmst&allowTemporalUpdates=true&temporalSource=provider"
WORLD_SETS = {"EPSG:3857": "WebMercatorQuad", "EPSG:4326": "WorldCRS84Quad"}
BANDS = ("B02", "B03", "B04")
"""The first of every optical coverage, in its order."""
_GRAIN_M = 1 / 64


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QgisSession]:
    """Return one QGIS for all tests, since it takes seconds to start."""
    folder = tmp_path_factory.mktemp("qgis")
    found_qgis(folder)
    session = QgisSession(folder)
    yield session
    session.close()


def exact(case: Case) -> Case:
    """Return a case whose numbers binary fractions hold.

    QGIS rounds the corners of its picture outward to whole pixels. Where the last digit of a
    coordinate is lost it asks for 161 rows of the extent of 160, and shows them half a pixel aside.
    """
    if case.view.crs == "EPSG:4326":
        return case  # Its pixels are binary fractions of a degree.
    x0, y0, x1, _ = (round(number / _GRAIN_M) * _GRAIN_M for number in case.view.box)
    side = round((x1 - x0) / SIDE_PX / _GRAIN_M) * _GRAIN_M * SIDE_PX
    return replace(case, view=replace(case.view, box=(x0, y0, x0 + side, y0 + side)))


def day(case: Case, number: int) -> str:
    """Return the UTC day of a place's time."""
    if case.name != "south":
        return case.place.time
    stamp = rtc_files()[number].name.split("_")[4]
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"


def source_of(case: Case, address: str, further: str = "") -> str:
    """Return what a person's layer is made of."""
    return (
        f"crs={case.view.crs}&dpiMode=7&format=image/png&layers={case.place.layer}"
        f"&styles={case.place.style}{further}&url={address}"
    )


def drawn(
    session: QgisSession, case: Case, layer: str, step: tuple[str, ...] = ()
) -> NDArray[np.uint8]:
    target = session.folder / "drawn.png"
    session(
        "draw",
        source=layer,
        crs=case.view.crs,
        box=case.view.box,
        side_px=SIDE_PX,
        target=str(target),
        step=step,
    )
    return colours(target)


def check_map(session: QgisSession, address: str, case: Case, number: int = 0) -> None:
    """Let QGIS draw a place on the day of one of its times."""
    when = day(case, number)
    step = (f"{when}T00:00:00Z", f"{when}T23:59:59Z")
    case = exact(case)
    shown = drawn(session, case, source_of(case, address, TEMPORAL), step)
    check_colours(case, shown, number=number)


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
@pytest.mark.parametrize("case", cases("qgis-wms"))
def test_maps_at_a_time(session: QgisSession, places_url: str, case: Case, version: str) -> None:
    # A version in the address of a layer, escaped, goes into every request.
    check_map(session, f"{places_url}/ows?VERSION%3D{version}", case)


@pytest.mark.skipif(not rtc_files(), reason="needs the test data: set COPERNICUBE_TESTDATA")
@pytest.mark.parametrize("number", [4, 9])
def test_the_temporal_controller_steps(session: QgisSession, places_url: str, number: int) -> None:
    check_map(session, f"{places_url}/ows", case_of("south", "EPSG:3857"), number)


@pytest.mark.parametrize("case", cases("qgis-wmts"))
def test_tiles_of_wmts(session: QgisSession, places_url: str, case: Case) -> None:
    """At the default time, and at those that the layer's dimension is set to."""
    tiles = WORLD_SETS.get(case.view.crs, case.place.native_tiles)
    address = f"{places_url}/wmts/1.0.0/WMTSCapabilities.xml"
    for number in (0, 4) if case.name == "south" else (0,):
        when = f"&tileDimensions=time%3D{day(case, number)}&tileMatrixSet={tiles}"
        shown = drawn(session, case, source_of(case, address, when))
        check_colours(case, shown, number=number)


@pytest.mark.parametrize("case", cases("qgis-wcs"))
def test_coverages(session: QgisSession, places_url: str, case: Case) -> None:
    """QGIS speaks 1.0.0, and asks for the time that is set in the layer's source."""
    target = session.folder / "cells"
    view, place = case.view, case.place
    session(
        "read",
        parts={
            "url": f"{places_url}/ows",
            "identifier": place.coverage,
            "crs": view.crs,
            "time": place.time,
        },
        box=view.box,
        columns=SIDE_PX,
        rows=SIDE_PX,
        target=str(target),
    )
    cells = np.fromfile(target, "<f8").reshape(-1, SIDE_PX, SIDE_PX)
    names = BANDS if len(place.bands) > 1 else place.bands
    check_values(case, cells[[names.index(band) for band in place.bands]])


@pytest.mark.parametrize("form", ["text", "html", "feature"])
def test_a_click_tells_the_stored_numbers(session: QgisSession, places_url: str, form: str) -> None:
    case = case_of("pole", "EPSG:32633")
    x, y = case.place.centre
    told = session(
        "identify",
        source=source_of(case, f"{places_url}/ows"),
        point=(x + 5, y - 5),
        box=case.view.box,
        side_px=SIDE_PX,
        form=form,
    )
    planes, transform, _ = source("pole")
    column, row = (int(number) for number in ~transform @ (x + 5, y - 5))
    for band, plane in zip(case.place.bands, planes, strict=True):
        assert f"{band}" in told
        assert f"{plane[row, column]:.0f}" in told
