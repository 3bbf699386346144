"""What pygeoapi asks of a collection: its schema and the shape of its grid."""

from typing import TYPE_CHECKING, Any

from pygeoapi.provider.base import BaseProvider

from ogc.api.collections import band_schema

if TYPE_CHECKING:
    from datacube.cube import Coverage


class CoverageProvider(BaseProvider):  # type: ignore[misc]  # pygeoapi has no annotations
    """Describes a coverage of the catalogue.

    pygeoapi makes one for every request and for every entry of a list, so it costs
    nothing: all it says stands in the `Coverage` that it is given as `data`. Cells go
    out by our own route, which stands before pygeoapi's.
    """

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        coverage: Coverage = provider_def["data"]
        grid = coverage.grid
        self.axes = [axis.name for axis in coverage.domain_axes]
        self._coverage = coverage
        self._coverage_properties = {
            "width": grid.x.size,
            "height": grid.y.size,
            "resx": abs(grid.x.step),
            "resy": abs(grid.y.step),
        }

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The bands by name, as JSON Schema."""
        return self.get_fields()

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """Return the bands by name, as JSON Schema, in the product's order."""
        schemas: dict[str, dict[str, Any]] = {}
        for number, band in enumerate(self._coverage.bands, start=1):
            schemas[band.name] = band_schema(band) | {"x-ogc-propertySeq": number}
        return schemas
