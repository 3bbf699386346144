"""From the text of a query to what is told of it."""

from collections import Counter
from dataclasses import dataclass, field, replace

from datacube.errors import LimitExceededError
from datacube.explain.outline import outline
from datacube.explain.running import COUNTED_CELLS, lazy_run_of, run_of
from datacube.explain.values import Explanation, Told
from datacube.explain.words import cut
from datacube.plan.cost import Cost, Done, check, estimate
from datacube.plan.encoding_memory import POLYGONS
from datacube.plan.nodes import Encode, Picture, Plan, contributing_scenes, scans
from datacube.plan.rules import RULES, Rule
from datacube.processing import Processor, together
from datacube.wcps.bind.query import Result
from datacube.wcps.bind.scope import describe
from datacube.wcps.bind.values import Constant, Encoded, Polygons, Raster, Value

MAX_RESULTS = 10
"""Most results that are told one by one; all of them count in the cost."""
TOO_DEEP = "the query builds on itself too often to be planned"


def explain(processor: Processor, text: str) -> Explanation:
    """Bind, rewrite and weigh a query; reads no cells, and refuses none for its cost.

    Raises
    ------
    RequestError
        Whatever is wrong with the query, with the place as a note.
    """
    try:
        return _Explaining(processor=processor).explanation(text)
    except RecursionError:
        raise LimitExceededError(TOO_DEEP) from None


@dataclass(slots=True, kw_only=True)
class _Explaining:
    """One query on its way."""

    processor: Processor
    applied: Counter[str] = field(default_factory=Counter)
    """Places at which each rule changed a plan."""

    def explanation(self, text: str) -> Explanation:
        bound = self.processor.bind(text)
        rules = tuple(map(self._counted, RULES))
        told: list[Told] = []
        costs: list[Cost] = []
        conditions: list[Cost] = []
        done: Done = {}
        for at, result in enumerate(bound):
            root = self._prepared(result.value, rules)
            where = None if result.where is None else self.processor.prepare(result.where, rules)
            if where is not None:
                conditions.append(_weighed(where, done))
            if root is not None:
                costs.append(_weighed(root, done))
            if at < MAX_RESULTS:
                told.append(self._told(result, root, where))
        total = together([*costs, *conditions])
        return Explanation(
            revision=self.processor.view.revision,
            results=tuple(told),
            left_out=len(bound) - len(told),
            cost=total,
            limits=self.processor.limits,
            refusal=self._refusal(together(conditions)) or self._refusal(together(costs)),
            rules=tuple(self.applied.most_common()),
        )

    def _counted(self, rule: Rule) -> Rule:
        def apply(plan: Plan) -> Plan:
            made = rule(plan)
            if made.key != plan.key:
                self.applied[rule.__name__] += 1
            return made

        return apply

    def _prepared(self, value: Value, rules: tuple[Rule, ...]) -> Encode | Plan | None:
        """Return what is evaluated for a result; None where nothing is."""
        match value:
            case Encoded(root=Encode(source=source) as root) if not isinstance(source, Picture):
                return replace(root, source=self.processor.prepare(source, rules))
            case Encoded(root=root):
                return root
            case Polygons(plan=plan):
                made = self.processor.prepare(plan, rules)
                return Encode(source=made, media_type=POLYGONS)
            case Raster(plan=plan):
                return self.processor.prepare(plan, rules)
            case _:
                return None

    def _told(self, result: Result, root: Encode | Plan | None, where: Plan | None) -> Told:
        condition = None if where is None else _told_plan("condition", where, _weighed(where))
        name = _name(result.value)
        if root is None:
            return Told(result=name, notes=("nothing is read",), condition=condition)
        plan = root.source if isinstance(root, Encode) else root
        notes = self._notes(result.value, plan)
        if isinstance(plan, Picture):
            cost = _weighed(root)
            return Told(result=name, cost=cost, notes=notes, condition=condition)
        told = _told_plan(name, plan, _weighed(root), notes)
        if isinstance(result.value, Raster) and plan.domain.axes:
            told = replace(told, run=lazy_run_of(plan))
        return replace(told, condition=condition)

    def _notes(self, value: Value, plan: Plan | Picture) -> tuple[str, ...]:
        """Return what whoever asks may want to know before the query is run."""
        notes = []
        if isinstance(value, Raster) and value.plan.domain.axes:
            notes.append(
                'an array that is not encoded: services want encode(..., "image/tiff") or a '
                "reduction, Python gets a lazy array"
            )
        if isinstance(value, Encoded) and value.root.media_type not in self.processor.encoders:
            notes.append(f"the format {value.root.media_type} is not offered")
        if not isinstance(plan, Picture) and plan.domain.size > COUNTED_CELLS:
            notes.append("too many cells to count what would be read for them")
        read = scans(plan)
        if read and not any(stack.slots for scan in read for stack in scan.stacks):
            notes.append("no scene lies in the area and times that are asked for: all is null")
        if self.processor.compat:
            notes.append("nulls go by rasdaman's rules")
        return tuple(notes)

    def _refusal(self, cost: Cost) -> str:
        try:
            check(cost, self.processor.limits)
        except LimitExceededError as error:
            return str(error)
        return ""


def _weighed(root: Encode | Plan, done: Done | None = None) -> Cost:
    """Return the estimate; of what is too large to be cut into blocks, the output alone."""
    plan = root.source if isinstance(root, Encode) else root
    if isinstance(plan, Picture) or plan.domain.size <= COUNTED_CELLS:
        return estimate(root, done)
    output = plan.domain.size * sum(f.numpy_dtype.itemsize + 1 for f in plan.fields)
    return Cost(chunks=0, decoded_bytes=0, output_bytes=output, peak_memory_bytes=output)


def _told_plan(name: str, plan: Plan, cost: Cost, notes: tuple[str, ...] = ()) -> Told:
    return Told(
        result=name,
        outline=outline(plan),
        cost=cost,
        run=run_of(plan),
        scenes=len(contributing_scenes(plan)),
        notes=notes,
    )


def _name(value: Value) -> str:
    match value:
        case Encoded(root=root):
            return f"encode {root.media_type}"
        case Polygons(format=format_):
            return f"polygonize {cut(format_)}"
        case Raster(plan=plan):
            return "coverage" if plan.domain.axes else "number"
        case Constant(value=number):
            return f"number {cut(str(number))}" if number is not None else "null"
        case _:
            return describe(value)
