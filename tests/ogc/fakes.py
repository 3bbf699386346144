"""A session without an engine: two collections on three coverages, answers that are recorded."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pyproj import CRS

from datacube.axes import RegularAxis, TimeAxis
from datacube.cells import Cells
from datacube.cube import Band, ClassValue, Collection, Coverage, Cube
from datacube.deep import DeepBlock
from datacube.encode.answer import Answer
from datacube.errors import LimitExceededError, RevisionError, UnknownNameError
from datacube.evaluate.place import PlaceAnswer
from datacube.explain.values import Explanation
from datacube.grid import Grid, Window
from datacube.lattices import utm_group
from datacube.overviews import Mosaics, Overview, Part, TimeRange
from datacube.plan.bind import Bound
from datacube.plan.colour import Grey, Stretch
from datacube.plan.nodes import Plan
from datacube.plan.query import Encode, Map, Method, Place
from datacube.plan.style import BandTerm, Style
from datacube.protocols import Bbox, StoredStyle
from datacube.slots import Slot
from datacube.times import Acquisition
from datacube.wcps.bind.scope import Upload
from ogc.exchange import Reply, Site
from ogc.service import dispatch

REVISION = 7
NEWEST = datetime(2022, 12, 11, 10, 4, 9, 24000, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"
SITE = Site(url="http://127.0.0.1/ows", title="Test <cubes>")
BANDS = (
    Band(name="B04", title="Red", dtype="int16", nodata=-32768, group="r10m", scale=0.0001),
    Band(name="B08", title="Near infrared", dtype="int16", nodata=-32768, group="r10m"),
    Band(
        name="SCL",
        title="Scene classification",
        dtype="uint8",
        nodata=255,
        group="r10m",
        classes=(ClassValue(value=4, name="vegetation", title="Vegetation", colour=(0, 255, 0)),),
    ),
)


def _times(*instants: datetime) -> TimeAxis:
    return TimeAxis(
        acquisitions=tuple(
            Acquisition(reference=t, first=t, last=t + timedelta(seconds=30)) for t in instants
        )
    )


def utm_coverage() -> Coverage:
    group = utm_group(32633, CRS.from_epsg(32633), 10.0)
    cube = Cube(
        name="S2_L2A_32633",
        collection="S2_L2A",
        title="Sentinel-2 L2A, UTM 33N",
        crs=group.grid.crs,
        groups=(group,),
        bands=BANDS,
    )
    return Coverage(
        id="S2_L2A_32633",
        cube=cube,
        group="r10m",
        bands=BANDS,
        grid=group.grid.cover((399_960.0, 5_190_240.0, 509_760.0, 5_300_040.0)),
        time=_times(NEWEST - timedelta(days=10), NEWEST - timedelta(days=5), NEWEST),
        revision=3,
    )


def geographic_coverage() -> Coverage:
    grid = Grid(
        crs=CRS.from_epsg(4326),
        x=RegularAxis(name="Lon", uom="deg", start=10.0, step=0.25, size=40, first=-4),
        y=RegularAxis(name="Lat", uom="deg", start=50.0, step=-0.25, size=20),
    )
    band = Band(name="DEM", title="Height", dtype="float32", nodata=-9999.0, group="r", unit="m")
    cube = Cube(
        name="DEM_4326",
        collection="DEM",
        title="Elevation",
        crs=grid.crs,
        groups=(),
        bands=(band,),
    )
    return Coverage(
        id="DEM_4326",
        cube=cube,
        group="r",
        bands=(band,),
        grid=grid,
        time=_times(datetime(2020, 1, 1, tzinfo=UTC)),
        revision=2,
    )


class FakeStyles:
    """Every band in grey."""

    def styles(self, collection: Collection, bands: tuple[Band, ...]) -> tuple[Style, ...]:
        return tuple(
            Style(
                name=band.name,
                title=f"{collection.title}: {band.title}",
                abstract="",
                terms=(BandTerm(band=band.name),),
                rule=Grey(stretch=Stretch(low=0, high=1)),
                method=Method.LINEAR,
            )
            for band in bands
        )

    def style(self, collection: Collection, bands: tuple[Band, ...], name: str) -> Style:
        for style in self.styles(collection, bands):
            if name in {"", style.name}:
                return style
        raise UnknownNameError("style", name)


@dataclass(kw_only=True)
class FakeView:
    coverages: dict[str, Coverage]
    revision: int = REVISION

    def collections(self) -> Sequence[Collection]:
        ids = sorted({c.cube.collection for c in self.coverages.values()})
        return [self.collection(collection_id) for collection_id in ids]

    def collection(self, collection_id: str) -> Collection:
        return Collection(id=collection_id, title=f"{collection_id} & more", attribution="ESA")

    def cubes(self, collection_id: str | None = None) -> Sequence[Cube]:
        return [
            c.cube for c in self.coverages.values() if collection_id in {None, c.cube.collection}
        ]

    def stored_styles(self) -> Sequence[StoredStyle]:
        return ()

    @property
    def derived(self) -> int:
        return 0

    def mosaics(self, collection_id: str) -> None:
        del collection_id

    def overview(self, mosaics: Mosaics, shown: TimeRange | None) -> None:
        del mosaics, shown

    def overview_parts(self, overview: Overview, zoom: int, window: Window) -> Sequence[Part]:
        del overview, zoom, window
        return ()

    def coverage_ids(self) -> Sequence[str]:
        return sorted(self.coverages)

    def coverage(self, coverage_id: str) -> Coverage:
        if coverage_id not in self.coverages:
            raise UnknownNameError("coverage", coverage_id, tuple(self.coverage_ids()))
        return self.coverages[coverage_id]

    def slots(
        self,
        cube: str,
        *,
        bbox: Bbox | None = None,
        first: datetime | None = None,
        last: datetime | None = None,
        most: int | None = None,
    ) -> Sequence[Slot]:
        raise NotImplementedError((cube, bbox, first, last, most))

    def product_slots(self, cube: str, product_id: str) -> Sequence[Slot]:
        return [slot for slot in self.slots(cube) if slot.scene.product_id == product_id]

    def deep_blocks(self, *_: object) -> tuple[DeepBlock, ...]:
        """Return none: this view has no deep blocks."""
        return ()

    def newest(self, collection_id: str) -> datetime | None:
        times = [
            c.acquisitions[-1].reference
            for c in self.coverages.values()
            if c.cube.collection == collection_id
        ]
        return max(times, default=None)

    def counts(self) -> Mapping[str, int]:
        return {}


def _default_view() -> FakeView:
    coverages = (utm_coverage(), geographic_coverage())
    return FakeView(coverages={c.id: c for c in coverages})


@dataclass(kw_only=True)
class FakeSession:
    view: FakeView = field(default_factory=_default_view)
    styles: FakeStyles = field(default_factory=FakeStyles)
    asked: list[Encode] = field(default_factory=list)
    placed: list[Place] = field(default_factory=list)
    failure: Exception | None = None

    def query(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> tuple[Answer, ...]:
        raise UnknownNameError("coverage", f"{text[:20]} {compat} {len(uploads)}")

    def explain(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> Explanation:
        raise UnknownNameError("coverage", f"{text[:20]} {compat} {len(uploads)}")

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        del key
        return make()

    def place(self, asked: Place) -> PlaceAnswer:
        self.placed.append(asked)
        if self.failure is not None:
            raise self.failure
        return PlaceAnswer(layers=(), series=asked.series, revision=REVISION)

    def bind(self, asked: Encode) -> Bound:
        if self.failure is not None:
            raise self.failure
        raise AssertionError(f"documents bind nothing, but {asked}")

    def etag(self, bound: Bound) -> str:
        raise AssertionError(f"documents bind nothing, but {bound}")

    def encode(self, bound: Bound) -> Answer:
        raise AssertionError(f"documents encode nothing, but {bound}")

    def compute(self, plan: Plan) -> Cells:
        raise AssertionError(f"documents compute nothing, but {plan}")

    def answer(self, query: Encode) -> Answer:
        self.asked.append(query)
        if self.failure is not None:
            raise self.failure
        if isinstance(query.source, Map) and query.source.width_px > 8192:
            raise LimitExceededError(f"{query.source.width_px} px wide; allowed are 8192")
        return Answer(
            body=PNG,
            media_type=query.media_type,
            revision=REVISION,
            scenes=("S2A_X", "S2B_Y"),
            etag="abc",
            notes=("Default value used: time=2022-11-11/2022-12-11",),
        )


@dataclass(kw_only=True)
class Client:
    """Sends query strings to the services and keeps what the engine was asked."""

    session: FakeSession = field(default_factory=FakeSession)
    opened: list[int | None] = field(default_factory=list)

    def open(self, as_of: int | None) -> FakeSession:
        self.opened.append(as_of)
        if as_of is not None and as_of > REVISION:
            raise RevisionError(f"revision {as_of} lies ahead of {REVISION}", purged=False)
        return self.session

    def get(self, parameters: str) -> Reply:
        return dispatch(parameters, self.open, SITE)

    def body(self, parameters: str) -> bytes:
        reply = self.get(parameters)
        assert reply.status == 200, reply.body
        assert isinstance(reply.body, bytes)
        return reply.body
