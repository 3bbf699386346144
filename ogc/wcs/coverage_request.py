"""What a request for cells says, in whatever version."""

from dataclasses import dataclass

from pyproj import CRS

from datacube.plan.query import Method, ScaleFactor, ScaleSize, Slice, Trim
from ogc.wcs.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCoverage:
    """A request for cells."""

    coverage_id: str
    subsets: tuple[Trim | Slice, ...] = ()
    within: tuple[Trim | Slice, ...] = ()
    """What cuts a part that has a name of its own out of the coverage, before anything else."""
    times: tuple[Trim | Slice, ...] = ()
    """Times of a list; the axis stays where they are several. Then `subsets` has none of time."""
    subsetting_crs: CRS | None = None
    """Of bounds of x and y that name none; None: the coverage's."""
    output_crs: CRS | None = None
    """None: that of the bounds."""
    bands: tuple[str, ...] = ()
    """Names and `from:to` intervals; empty means all."""
    scaling: tuple[ScaleFactor | ScaleSize, ...] = ()
    method: Method = Method.NEAREST
    """How scaled and warped cells are made."""
    methods: tuple[tuple[str, Method], ...] = ()
    """Of axes, by name, that have their own."""
    media_type: str = ""
    """Empty: the coverage's native format."""
    multipart: bool = False
    """The answer is a description with the file beside it."""
    target: Target | None = None
    """The lattice that is asked for, instead of a scale; None: that of the other fields."""
    defaults: bool = False
    """Of time and further axes that no subset cuts, the newest and the first place are meant."""
    files: bool = False
    """The answer is a list of its one file, with the file beside it."""
    general: bool = False
    """What describes the cells is in CIS 1.1, else in CIS 1.0."""
