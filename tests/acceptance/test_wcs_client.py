"""The PyPI client `wcs` against the server, unmodified."""

from wcs.service import WebCoverageService


def test_it_lists_and_describes(demo_url: str) -> None:
    service = WebCoverageService(f"{demo_url}/ows")
    coverages = service.list_coverages()
    assert coverages
    for name, coverage in coverages.items():
        full = service.list_full_info(name)
        assert full.name == name
        assert coverage.lon.low < coverage.lon.high
        assert full.bbox.axes[0].name == "ansi"
        assert full.bbox.axes[0].coefficients == sorted(full.bbox.axes[0].coefficients)
        for axis, grid in zip(full.bbox.axes[1:], full.grid_bbox.axes[1:], strict=True):
            cells = grid.high - grid.low + 1
            assert abs(axis.resolution) * cells == axis.high - axis.low
        assert full.range_type.fields
        assert full.to_short_str()
