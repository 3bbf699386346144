"""What products offer beside their stored bands: pictures, and the names others know them by."""

import re
from dataclasses import dataclass

from datacube.cube import Band, Cube, Shade


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """One plane of a picture; see `Shade`."""

    name: str
    title: str
    band: str
    """Name of the stored band that it is painted from."""
    low: float
    high: float
    published: str
    """Name of the stored band that holds the plane as its producer made it, if any came."""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A coverage `<cube>_<suffix>` of each cube of a collection, painted when it is read."""

    collection: str
    suffix: str
    planes: tuple[Plane, ...]

    def bands(self, cube: Cube, present: frozenset[str]) -> tuple[Band, ...] | None:
        """Return the bands of a cube's picture; None where a band it needs is not `present`.

        The planes lie in the group of the bands they are made of, which is one for all.
        """
        stored = {band.name: band for band in cube.bands if band.name in present}
        sources = [stored.get(plane.band) for plane in self.planes]
        if len({band and band.group for band in sources}) != 1:
            return None
        return (
            tuple(
                _painted(plane, band, stored.get(plane.published))
                for plane, band in zip(self.planes, sources, strict=True)
                if band is not None
            )
            or None
        )


def _painted(plane: Plane, band: Band, published: Band | None) -> Band:
    same = published is not None and published.group == band.group
    return Band(
        name=plane.name,
        title=plane.title,
        dtype="uint8",
        nodata=0,
        group=band.group,
        wavelength_nm=band.wavelength_nm,
        aliases=plane.aliases,
        shade=Shade(
            band=band, low=plane.low, high=plane.high, published=published if same else None
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """A rule by which names that clients know mean coverages."""

    pattern: re.Pattern[str]
    """The whole of a name, with named groups."""
    coverage_id: str
    """The coverage meant, with the groups in braces: `S2_{level}_{epsg}_{part}`."""

    def meant(self, name: str) -> str | None:
        """Return the id that `name` means, or None.

        >>> rule = Renaming(pattern=re.compile(r"dem_(?P<epsg>[0-9]+)"), coverage_id="DEM_{epsg}")
        >>> rule.meant("dem_4326"), rule.meant("demo")
        ('DEM_4326', None)
        """
        found = self.pattern.fullmatch(name)
        return None if found is None else self.coverage_id.format(**found.groupdict())


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Everything that products offer beside their stored bands."""

    pictures: tuple[Picture, ...] = ()
    renamings: tuple[Renaming, ...] = ()

    def picture(self, collection: str, suffix: str) -> Picture | None:
        """Return the picture of a collection's cubes that ends in `suffix`, or None."""
        for picture in self.pictures:
            if (picture.collection, picture.suffix) == (collection, suffix):
                return picture
        return None

    def meant(self, name: str) -> str:
        """Return the coverage id that a name means by the first rule that fits, else nothing."""
        found = (rule.meant(name) for rule in self.renamings)
        return next((meant for meant in found if meant is not None), "")


NO_OFFERS = Offers()
