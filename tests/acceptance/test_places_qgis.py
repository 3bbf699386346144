"""QGIS draws known places, and its temporal controller steps through their times."""

from pathlib import Path

import pytest

from tests.acceptance.places import SIDE_PX, Case, case_of, cases, check_colours, rtc_files
from tests.builders.qgis import Qgis, drawn_by_qgis

TEMPORAL = "type=wmst&allowTemporalUpdates=true&temporalSource=provider"


def draw(qgis: Qgis, folder: Path, url: str, case: Case, further: str, *, number: int = 0) -> None:
    """Draw a case with further parts of the layer's source, and compare it."""
    stamp = rtc_files()[number].name.split("_")[4] if case.name == "south" else ""
    day = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}" if stamp else case.place.time
    shown = drawn_by_qgis(
        qgis,
        folder / "qgis.png",
        address=f"{url}/ows",
        layer=case.place.layer,
        style=f"{case.place.style}&{further}",
        crs=case.view.crs,
        box=case.view.box,
        side_px=SIDE_PX,
        step=(f"{day}T00:00:00Z", f"{day}T23:59:59Z"),
    )
    check_colours(case, shown, number=number)


@pytest.mark.parametrize("case", cases("qgis-wms"))
def test_qgis_draws_places_at_a_time(
    qgis: Qgis, tmp_path: Path, places_url: str, case: Case
) -> None:
    draw(qgis, tmp_path, places_url, case, TEMPORAL)


@pytest.mark.skipif(not rtc_files(), reason="needs the test data: set COPERNICUBE_TESTDATA")
@pytest.mark.parametrize("number", [4, 9])
def test_the_temporal_controller_steps(
    qgis: Qgis, tmp_path: Path, places_url: str, number: int
) -> None:
    draw(qgis, tmp_path, places_url, case_of("south", "EPSG:3857"), TEMPORAL, number=number)
