"""Answering queries of WCPS: bind, rewrite, check the cost, evaluate, encode."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from datacube.encode.answer import Answer, EncodeJob, Encoder, answer_tag
from datacube.encode.credits import credits_of
from datacube.encode.documents import describe
from datacube.encode.polygons import polygonize
from datacube.errors import (
    InvalidParameterError,
    LimitExceededError,
    RequestError,
    UnknownNameError,
)
from datacube.evaluate.cells import evaluate
from datacube.evaluate.cluster import Cluster, taking
from datacube.evaluate.handed import Handed
from datacube.evaluate.memo import Shared
from datacube.plan.cost import Cost, Done, check, estimate
from datacube.plan.encode_parameters import parse_parameters
from datacube.plan.encoding_memory import POLYGONS
from datacube.plan.extent import check_extent
from datacube.plan.formats import TEXT
from datacube.plan.holding import cells_bytes
from datacube.plan.nodes import Encode, Picture, Plan, contributing_scenes, scans
from datacube.plan.resolve import resolve
from datacube.plan.rules import RULES, Rule, rewrite
from datacube.plan.udf import UserFunctions
from datacube.protocols import CatalogView, Limits, ReadCells
from datacube.service_provider import ServiceProvider
from datacube.wcps.bind.metadata import extents_text, interval_text
from datacube.wcps.bind.query import BINDERS, Result, bind_query
from datacube.wcps.bind.scope import Context, Upload, number
from datacube.wcps.bind.scope import describe as told
from datacube.wcps.bind.values import (
    About,
    Constant,
    Document,
    Encoded,
    Extents,
    Interval,
    Polygons,
    Raster,
    Value,
    Words,
)
from datacube.wcps.parser import parse
from datacube.wcps.places import locate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What the results of one request have in common."""

    deadline: float
    """In `time.monotonic` seconds."""
    shared: Shared = field(default_factory=dict)
    """Small reductions that were done for one of them."""
    cluster: Cluster | None = None
    """Takes the blocks, where all of them are large enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """One request's queries."""

    view: CatalogView
    cells: ReadCells
    encoders: Mapping[str, Encoder]
    """By media type."""
    limits: Limits
    functions: UserFunctions
    provider: ServiceProvider = field(default_factory=ServiceProvider)
    cluster: Cluster | None = None
    """Takes what is large enough."""
    compat: bool = False
    """Nulls go by rasdaman's rules."""
    uploads: tuple[Upload, ...] = ()

    def bind(self, text: str) -> tuple[Result, ...]:
        """Parse and bind a query; reads no cells.

        Raises
        ------
        RequestError
            Whatever is wrong with it, with the place as a note.
        """
        context = Context(
            text=text,
            view=self.view,
            limits=self.limits,
            binders=BINDERS,
            describe=self._describe,
            fold=self._fold,
            functions=self.functions,
            compat=self.compat,
            uploads=self.uploads,
        )
        return bind_query(parse(text), context)

    def prepare(self, plan: Plan, rules: tuple[Rule, ...] = RULES) -> Plan:
        """Rewrite a bound plan, find its slots, and rewrite it again; reads no cells.

        Raises
        ------
        LimitExceededError
            If a reduction or an order goes over more places than could be done in time.
        """
        first = rewrite(plan, rules)
        check_extent(first, self.limits)
        return rewrite(resolve(first, self.view), rules)

    def answers(self, text: str) -> tuple[Answer, ...]:
        """Answer a query: one answer a result whose `where` holds, in order.

        Raises
        ------
        RequestError
            Whatever is wrong with the query, or what all its results together would cost.
        InvalidParameterError
            If a result is an array that is not encoded.
        """
        made = self._shallow(text, arrays=False)
        return tuple(answer for answer in made if isinstance(answer, Answer))

    def results(self, text: str) -> tuple[Answer | Plan, ...]:
        """Answer a query, cells as plans that can be evaluated now or lazily.

        Numbers are plans without axes. What is encoded or a text is an `Answer`.

        Raises
        ------
        RequestError
            As `answers` does; the cost of plans is not checked.
        """
        return self._shallow(text, arrays=True)

    def _shallow(self, text: str, *, arrays: bool) -> tuple[Answer | Plan, ...]:
        """Run a query and refuse one whose plan is nested deeper than may be recursed into."""
        try:
            return tuple(self._run(text, arrays=arrays))
        except RecursionError:
            raise LimitExceededError(
                "the query builds on itself too often: each let of a chain, each operand of a "
                "run, each bracket is one more step; use fewer"
            ) from None

    def _run(self, text: str, *, arrays: bool) -> "Iterable[Answer | Plan]":
        bound = self.bind(text)
        if not arrays:
            for result in bound:
                _check_result(result, text)
        try:
            yield from self._results(bound, text, arrays=arrays)
        except RequestError as error:
            if bound:
                locate(error, text, bound[0].span)
            raise

    def _results(
        self, bound: Sequence[Result], text: str, *, arrays: bool
    ) -> "Iterable[Answer | Plan]":
        run = _Run(deadline=monotonic() + self.limits.seconds)
        done: Done = {}
        try:
            kept = self._holding(bound, run, done)
        except RequestError as error:
            if bound:
                locate(error, text, bound[0].where_span)
            raise
        prepared = [self._prepared(value) for value in kept]
        if not arrays:
            self._check_outputs(prepared)
        costs = [estimate(p, done) for p in map(_costly, prepared) if p is not None]
        if not arrays:
            check(together(costs), self.limits)
        run = replace(run, cluster=taking(self.cluster, together(costs)))
        sent = 0
        for value in prepared:
            if arrays and isinstance(value, Raster):
                yield value.plan
            elif arrays and isinstance(value, Constant):
                yield number(value)
            else:
                answer = self._answer(value, run)
                sent += len(answer.body) if isinstance(answer.body, bytes) else 0
                if sent > self.limits.output_bytes:
                    raise LimitExceededError(
                        f"the results together have {sent:,} bytes and more, over the limit of "
                        f"{self.limits.output_bytes:,} (LIMIT_OUTPUT_BYTES)"
                    )
                yield answer

    def _check_outputs(self, values: Sequence[Value]) -> None:
        """Refuse arrays by their shapes alone; an estimate lists the blocks of each."""
        plans = [root.source if isinstance(root, Encode) else root for root in map(_costly, values)]
        size = sum(
            cells_bytes(plan, plan.domain.window)
            for plan in plans
            if plan is not None and not isinstance(plan, Picture)
        )
        check(Cost(chunks=0, decoded_bytes=0, output_bytes=size, peak_memory_bytes=0), self.limits)

    def _holding(self, bound: Sequence[Result], run: _Run, done: Done) -> list[Value]:
        """Return the results whose `where` is true."""
        wheres = {
            at: self.prepare(result.where)
            for at, result in enumerate(bound)
            if result.where is not None
        }
        cost = together([estimate(plan, done) for plan in wheres.values()])
        check(cost, self.limits)
        run = replace(run, cluster=taking(self.cluster, cost))
        truths = {at: self._true(plan, run) for at, plan in wheres.items()}
        return [result.value for at, result in enumerate(bound) if truths.get(at, True)]

    def _true(self, plan: Plan, run: _Run) -> bool:
        cells = self._handed(run)(plan, plan.domain.window)
        return bool(cells.valid[0].all() and cells.values[0].all())

    def _prepared(self, value: Value) -> Value:
        match value:
            case Raster(plan=plan) | Polygons(plan=plan):
                return replace(value, plan=self.prepare(plan))
            case Encoded(root=Encode(source=source) as root) if not isinstance(source, Picture):
                return Encoded(root=replace(root, source=self.prepare(source)))
            case _:
                return value

    def _answer(self, value: Value, run: _Run) -> Answer:
        match value:
            case Encoded(root=root):
                return self._encoded(root, run)
            case Raster(plan=plan):
                return self._scalar(plan, run)
            case Polygons():
                return self._polygons(value, run)
            case Document(body=body, media_type=media_type):
                return self._document(body, media_type)
            case Constant():
                return self._scalar(number(value), run)
            case Words(text=text):
                return self._document(text.encode(), TEXT)
            case Interval():
                return self._document(interval_text(value).encode(), TEXT)
            case Extents():
                return self._document(extents_text(value).encode(), TEXT)
            case _:
                raise InvalidParameterError(f"{told(value)} is no result of a query")

    def _encoded(self, root: Encode, run: _Run) -> Answer:
        encoder = self.encoders.get(root.media_type)
        if encoder is None:
            raise UnknownNameError("format", root.media_type, tuple(self.encoders))
        scenes = contributing_scenes(root)
        job = EncodeJob(
            node=root,
            compute=self._handed(run),
            scenes=scenes,
            limits=self.limits,
            credits=partial(credits_of, root, self.view, self.provider),
        )
        return Answer(
            body=encoder(job),
            media_type=root.media_type,
            revision=self.view.revision,
            scenes=scenes,
            etag=self._etag(root),
        )

    def _scalar(self, plan: Plan, run: _Run) -> Answer:
        return self._encoded(Encode(source=plan, media_type=TEXT, compat=self.compat), run)

    def _polygons(self, value: Polygons, run: _Run) -> Answer:
        body, media_type = polygonize(
            value.plan,
            self._handed(run),
            self.limits,
            format=value.format,
            connectedness=value.connectedness,
        )
        return Answer(
            body=body,
            media_type=media_type,
            revision=self.view.revision,
            scenes=contributing_scenes(value.plan),
            etag=self._etag(value.plan, "polygons", value.format, value.connectedness),
        )

    def _document(self, body: bytes, media_type: str) -> Answer:
        return Answer(
            body=body,
            media_type=media_type,
            revision=self.view.revision,
            etag=answer_tag(media_type, body),
        )

    def _handed(self, run: _Run) -> Handed:
        return Handed(
            read=self.cells,
            limits=self.limits,
            deadline=run.deadline,
            shared=run.shared,
            cluster=run.cluster,
        )

    def _etag(self, node: Encode | Plan, *further: object) -> str:
        read = {scan.cube for scan in scans(node)}
        access = frozenset(cube.access for cube in self.view.cubes() if cube.name in read)
        return answer_tag(node.key, access, self.provider, *further)

    def _fold(self, plan: Plan) -> complex | None:
        cells = evaluate(plan, plan.domain.window, self.cells)
        if not cells.valid[0].all():
            return None
        made: complex = cells.values[0].item()
        return made

    def _describe(self, plan: Plan, about: About, text: str, parameters: str) -> Document:
        body, media_type = describe(
            plan.domain, plan.fields, about.identifier or "", text, parse_parameters(parameters)
        )
        return Document(body=body, media_type=media_type)


def together(costs: Sequence[Cost]) -> Cost:
    """Return the cost of several answers that are made one after another and kept."""
    output = sum(cost.output_bytes for cost in costs)
    working = max((cost.peak_memory_bytes - cost.output_bytes for cost in costs), default=0)
    return Cost(
        chunks=sum(cost.chunks for cost in costs),
        decoded_bytes=sum(cost.decoded_bytes for cost in costs),
        output_bytes=output,
        peak_memory_bytes=output + working,
    )


def _costly(value: Value) -> Encode | Plan | None:
    match value:
        case Encoded(root=root):
            return root
        case Polygons(plan=plan):
            return Encode(source=plan, media_type=POLYGONS)
        case Raster(plan=plan):
            return plan
        case _:
            return None


def _check_result(result: Result, text: str) -> None:
    value = result.value
    if isinstance(value, Raster) and value.plan.domain.axes:
        axes = ", ".join(f"{axis.name} ({axis.size} cells)" for axis in value.plan.domain.axes)
        error = InvalidParameterError(
            f'the result is an array ({axes}); name its format with encode(..., "image/tiff"), '
            "or reduce it to a number, as avg(...) does"
        )
        locate(error, text, result.span)
        raise error
