"""The engine: one way from a query to an answer, for every service."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from datacube.cells import Cells
from datacube.encode.answer import Answer, EncodeJob, Encoder, answer_tag
from datacube.encode.credits import credits_of
from datacube.encode.kept import KeptDocuments
from datacube.encode.kept_files import KeptFiles
from datacube.errors import UnknownNameError
from datacube.evaluate.cluster import Cluster, taking
from datacube.evaluate.deep import over_blocks
from datacube.evaluate.handed import Handed
from datacube.evaluate.place import PlaceAnswer, read_layer
from datacube.evaluate.schedule import compute
from datacube.explain.explaining import explain
from datacube.explain.values import Explanation
from datacube.grid import Window
from datacube.plan import query
from datacube.plan.bind import DEFAULT_MAP_DAYS, Bound, bind
from datacube.plan.bind_place import bind_place, check_place
from datacube.plan.bindings import KeptBindings
from datacube.plan.cost import Cost, check, estimate, is_surely_little
from datacube.plan.map_limits import check_shown
from datacube.plan.nodes import Encode, Picture, Plan, contributing_scenes, scans
from datacube.plan.rules import rewrite_encode
from datacube.plan.style import StyleBook
from datacube.plan.udf import UserFunctions
from datacube.processing import Processor
from datacube.protocols import ANONYMOUS, Catalog, CatalogView, Limits, Principal, ReadCells
from datacube.render.book import ViewStyles
from datacube.render.fragment import FragmentContext
from datacube.service_provider import Credits, ServiceProvider
from datacube.wcps.bind.scope import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What answering needs; the composition root makes one a process."""

    catalog: Catalog
    cells: ReadCells
    styles: StyleBook
    encoders: Mapping[str, Encoder]
    """By media type."""
    limits: Limits
    default_map_days: int = DEFAULT_MAP_DAYS
    """Days before a layer's newest acquisition that a map without a time may show."""
    functions: UserFunctions = field(default_factory=dict)
    """Functions that the operator adds to WCPS."""
    provider: ServiceProvider = field(default_factory=ServiceProvider)
    """Whom files name as their source."""
    map_cells: ReadCells | None = None
    """Reads for maps, which come back to the same places: it may keep what it read."""
    documents: KeptDocuments = field(default_factory=KeptDocuments)
    """Made before, by revision and access."""
    pictures: KeptDocuments | KeptFiles = field(default_factory=KeptDocuments)
    """Maps that were made before, by ETag."""
    bindings: KeptBindings = field(default_factory=KeptBindings)
    """Maps that were bound before."""
    cluster: Cluster | None = None
    """Takes what is large enough."""

    def session(self, as_of: int | None = None, principal: Principal = ANONYMOUS) -> "Session":
        """Pin a revision, by default the newest, for one request.

        Raises
        ------
        RevisionError
            If `as_of` lies ahead of the newest revision or was purged.
        """
        view = self.catalog.view(as_of=as_of, principal=principal)
        return Session(engine=self, view=view, principal=principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One request's view of the world."""

    engine: Engine
    view: CatalogView
    principal: Principal

    @property
    def revision(self) -> int:
        """The pinned revision."""
        return self.view.revision

    @property
    def styles(self) -> StyleBook:
        """The styles of map layers: those that the catalogue keeps, and the engine's."""
        engine = self.engine
        context = FragmentContext(view=self.view, limits=engine.limits, functions=engine.functions)
        return ViewStyles(house=engine.styles, context=context)

    def bind(self, asked: query.Encode) -> Bound:
        """Bind a query and rewrite it by the rules; reads no cells.

        Raises
        ------
        RequestError
            Whatever is wrong with the request.
        """
        pinned = self.revision, self.view.derived, self.principal.access
        return self.engine.bindings.get(pinned, asked, lambda: self._bound(asked, pinned))

    def _bound(self, asked: query.Encode, pinned: Hashable) -> Bound:
        engine = self.engine
        bound = bind(
            asked,
            self.view,
            self.styles,
            engine.limits,
            default_map_days=engine.default_map_days,
            keep=engine.bindings.meant(pinned),
        )
        return replace(bound, encode=rewrite_encode(bound.encode))

    def estimate(self, bound: Bound) -> Cost:
        """Estimate what the answer costs."""
        return estimate(bound.encode)

    def etag(self, bound: Bound) -> str:
        """Return the digest of a bound plan, its slots and the asker's access.

        A scene elsewhere, or a newer revision that changes no slot of the plan,
        gives the same.
        """
        access = frozenset(self._access(bound.encode))
        return answer_tag(bound.encode.key, access, self.engine.provider)

    def credits(self, plan: Plan | Picture | Encode) -> Credits:
        """Return whom a file made from a bound plan names as its sources."""
        return credits_of(plan, self.view, self.engine.provider)

    def answer(self, asked: query.Encode) -> Answer:
        """Bind, check the cost, evaluate and encode.

        Raises
        ------
        RequestError
            Whatever is wrong with the request, or what it would cost.
        StoreDamagedError
            If a recorded shard cannot be read.
        """
        encoder = self._encoder(asked.media_type)
        return self._encoded(self.bind(asked), encoder)

    def encode(self, bound: Bound) -> Answer:
        """Check the cost of a bound plan, evaluate and encode it, as `answer` does."""
        return self._encoded(bound, self._encoder(bound.encode.media_type))

    def kept(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return a document that was made of `key` at this revision for this access, or make it."""
        return self.engine.documents.get((self.revision, self.principal.access, key), make)

    def place(self, asked: query.Place) -> PlaceAnswer:
        """Tell what layers hold at a place.

        Raises
        ------
        RequestError
            Whatever is wrong with the request, or what it would cost.
        StoreDamagedError
            If a recorded shard cannot be read.
        """
        engine = self.engine
        check_shown(asked.layers, asked.time, engine.limits)
        layers = bind_place(asked, self.view, self.styles, default_map_days=engine.default_map_days)
        check_place(layers, engine.limits, series=asked.series)
        deadline = monotonic() + engine.limits.seconds

        cells = over_blocks(engine.cells, tuple(b for layer in layers for b in layer.deep))

        def read(plan: Plan) -> Cells:
            return compute(plan, cells, limits=engine.limits, deadline=deadline)

        return PlaceAnswer(
            layers=tuple(read_layer(layer, read, series=asked.series) for layer in layers),
            series=asked.series,
            revision=self.revision,
        )

    def query(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> tuple[Answer, ...]:
        """Answer a query of WCPS: one answer a result whose `where` holds, in order.

        `compat` takes rasdaman's rules for nulls; `uploads` are the files that `decode`
        names. Numbers and texts are of `text/plain`.

        Raises
        ------
        RequestError
            Whatever is wrong with the query, with the place as a note; what all its results
            together would cost; an array that is not encoded.
        StoreDamagedError
            If a recorded shard cannot be read.
        """
        return self.processor(compat=compat, uploads=uploads).answers(text)

    def explain(
        self, text: str, *, compat: bool = False, uploads: tuple[Upload, ...] = ()
    ) -> Explanation:
        """Tell what `query` would do and cost; reads no cells, and refuses none for its cost.

        Raises
        ------
        RequestError
            Whatever is wrong with the query, with the place as a note.
        """
        return explain(self.processor(compat=compat, uploads=uploads), text)

    def processor(self, *, compat: bool = False, uploads: tuple[Upload, ...] = ()) -> Processor:
        """Return the stages of `query`, for those who need one alone."""
        engine = self.engine
        return Processor(
            view=self.view,
            cells=engine.cells,
            encoders=engine.encoders,
            limits=engine.limits,
            functions=engine.functions,
            provider=engine.provider,
            cluster=engine.cluster,
            compat=compat,
            uploads=uploads,
        )

    def compute(self, plan: Plan, window: Window | None = None) -> Cells:
        """Evaluate a bound plan at once, within the limits.

        The size of a `window`, such as a chunk of a view, is the caller's to bound: estimating
        the whole plan for each of its parts would cost more than reading them.
        """
        cluster = None
        if window is None:
            cost = estimate(plan)
            check(cost, self.engine.limits)
            cluster = taking(self.engine.cluster, cost)
        return compute(
            plan, self.engine.cells, window=window, limits=self.engine.limits, cluster=cluster
        )

    def _encoder(self, media_type: str) -> Encoder:
        encoder = self.engine.encoders.get(media_type)
        if encoder is None:
            raise UnknownNameError("format", media_type, tuple(self.engine.encoders))
        return encoder

    def _encoded(self, bound: Bound, encoder: Encoder) -> Answer:
        etag, pictures = self.etag(bound), self.engine.pictures
        is_map = isinstance(bound.encode.source, Picture)
        scenes = contributing_scenes(bound.encode)
        found = pictures.find(etag) if is_map else None
        body = encoder(self._job(bound, scenes)) if found is None else found
        if is_map and isinstance(body, bytes):
            pictures.keep(etag, body)
        return Answer(
            body=body,
            media_type=bound.encode.media_type,
            revision=bound.revision,
            scenes=scenes,
            etag=etag,
            notes=bound.notes,
        )

    def _job(self, bound: Bound, scenes: tuple[str, ...]) -> EncodeJob:
        engine = self.engine
        cluster = None
        if not is_surely_little(bound.encode, engine.limits):
            cost = estimate(bound.encode)
            check(cost, engine.limits)
            cluster = taking(engine.cluster, cost)
        is_map = isinstance(bound.encode.source, Picture)
        handed = Handed(
            read=(engine.map_cells if is_map else None) or engine.cells,
            limits=engine.limits,
            deadline=monotonic() + engine.limits.seconds,
            cluster=cluster,
        )
        return EncodeJob(
            node=bound.encode,
            compute=handed,
            scenes=scenes,
            limits=engine.limits,
            credits=partial(self.credits, bound.encode),
        )

    def _access(self, encode: Encode) -> tuple[str, ...]:
        read = {scan.cube for scan in scans(encode)}
        return tuple(cube.access for cube in self.view.cubes() if cube.name in read)
