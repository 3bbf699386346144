"""What a query may ask of an encoder: the parameters of `encode` in WCPS."""

from dataclasses import dataclass
from enum import StrEnum

type Rgba = tuple[int, int, int, int]
"""Red, green, blue, alpha, each 0 to 255."""

GENERAL_GRID = "GeneralGridCoverage"
"""The coverage type of CIS 1.1."""
OUTPUT_TYPES = ("GridCoverage", GENERAL_GRID)
"""What `outputType` may say: CIS 1.0, CIS 1.1."""


class ColourMapKind(StrEnum):
    """How a colour map meets values."""

    VALUES = "values"
    """A value has the colour listed for it, else none."""
    INTERVALS = "intervals"
    """A value has the colour of the interval it lies in."""
    RAMP = "ramp"
    """A value has a colour between those of its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourMap:
    """Colours by value, ascending."""

    kind: ColourMapKind
    colours: tuple[tuple[float, Rgba], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeoReference:
    """Where the file says it lies, instead of where the coverage does."""

    crs: str | None = None
    bbox: tuple[float, float, float, float] | None = None
    """Min x, min y, max x, max y."""
    gcps: tuple[tuple[float, float, float, float], ...] = ()
    """Pixel, line, x, y."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeParameters:
    """The JSON parameters of `encode`, read once."""

    nodata: tuple[float, ...] = ()
    """One for all bands, or one a band."""
    colour_map: ColourMap | None = None
    palette: tuple[Rgba, ...] = ()
    """Colour table of a one-band file."""
    transpose: tuple[int, int] | None = None
    """Positions of two axes to be swapped, counted as the coverage's CRS lists them."""
    metadata: tuple[tuple[str, str], ...] = ()
    """Pairs written into the file's metadata, sorted."""
    geo_reference: GeoReference | None = None
    options: tuple[tuple[str, str], ...] = ()
    """Format options by name, in upper case, sorted: `QUALITY`, `COMPRESS`, ..."""
    dimensions: tuple[str, ...] = ()
    """Names of the dimensions in a netCDF file."""
    variables: tuple[str, ...] = ()
    """Names of the variables in a netCDF file."""
    variable_metadata: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Attributes by variable."""
    extension: str = ""
    """An XML element that GML has among its metadata; files of other formats have none."""
    output_type: str = ""
    """`GridCoverage` or `GeneralGridCoverage`; empty is the format's usual one."""


NO_PARAMETERS = EncodeParameters()
"""Most encodings have none."""
