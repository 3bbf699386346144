"""The list of cubes."""

from collections.abc import Iterator
from html import escape

from copernicube.client.cube import CubeView
from copernicube.client.offers import Offer, Source
from copernicube.client.queried import Queried
from datacube.errors import UnknownNameError


class Catalogue(Queried):
    """The cubes of a store or a server at one revision.

    ::

        catalogue = copernicube.open("my-store")
        cube = catalogue["S2_L2A_32633"]
    """

    def __init__(self, source: Source) -> None:
        by_cube: dict[str, list[Offer]] = {}
        for offer in source.offers():
            by_cube.setdefault(offer.cube, []).append(offer)
        super().__init__(source)
        self._cubes = {
            name: CubeView(source, tuple(offers)) for name, offers in sorted(by_cube.items())
        }

    @property
    def revision(self) -> int:
        """The revision that everything is read from, however much is ingested later."""
        return self._source.revision

    @property
    def cubes(self) -> tuple[CubeView, ...]:
        """The cubes, by name."""
        return tuple(self._cubes.values())

    def __getitem__(self, name: str) -> CubeView:
        """Return the cube called `name`.

        Raises
        ------
        UnknownNameError
            If there is none; the message lists the cubes.
        """
        if name not in self._cubes:
            raise UnknownNameError("cube", str(name), tuple(self._cubes))
        return self._cubes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._cubes

    def __iter__(self) -> Iterator[str]:
        return iter(self._cubes)

    def __len__(self) -> int:
        return len(self._cubes)

    def __repr__(self) -> str:
        head = f"<Catalogue {self._source.location}, revision {self.revision}>"
        if not self._cubes:
            return f"{head}\nno cubes"
        width = max(map(len, self._cubes))
        return "\n".join([head, *(f"  {c.name:{width}}  {c.summary}" for c in self.cubes)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{escape(cube.name)}</code></td><td>{escape(cube.title)}</td>"
            f"<td>{', '.join(map(escape, cube.bands))}</td>"
            f"<td>{escape(cube.period)}</td></tr>"
            for cube in self.cubes
        )
        return (
            f"<p><b>Catalogue</b> {escape(self._source.location)}, revision {self.revision}</p>"
            "<table><thead><tr><th>cube</th><th>title</th><th>bands</th><th>times</th></tr>"
            f"</thead><tbody>{rows}</tbody></table>"
        )
