"""What is told of a query."""

from dataclasses import dataclass
from enum import StrEnum

from datacube.plan.cost import Cost
from datacube.protocols import Limits


class Level(StrEnum):
    """How much is told."""

    PLAN = "plan"
    """The plan, and what it costs."""
    COST = "cost"
    """What it costs and where it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The cells along one axis."""

    axis: str
    cells: int
    first: int
    """Grid index of the first cell."""
    last: int
    """Grid index of the last cell."""
    low: float | str
    """Least coordinate: the outer edge, the index, the least listed number, the first time."""
    high: float | str
    """Greatest coordinate."""
    unit: str
    """Empty where coordinates are times or indices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of a plan."""

    number: int
    """From 1, as the tree reads from top to bottom."""
    operation: str
    """The kind of node in lower case: `scan`, `apply`, `reduce`, ..."""
    facts: tuple[tuple[str, str | int | tuple[str, ...]], ...]
    """What the node says of itself, in order."""
    spans: tuple[Span, ...]
    """Its axes."""
    fields: tuple[tuple[str, str], ...]
    """Name and type of each."""
    inputs: tuple[int, ...]
    """Numbers of the steps that it is made of; one may stand below several."""
    left_out: int
    """Further inputs that are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A plan in steps."""

    steps: tuple[Step, ...]
    nodes: int
    """Nodes of the plan, each part once."""
    left_out: tuple[tuple[str, int], ...]
    """Kinds and numbers of the nodes that are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A reduction to few cells, which is done once before the blocks that use it."""

    operator: str
    cells: int
    """Of the result."""
    parts: int
    """Parts of the result."""
    steps: int
    """Blocks of the reduced axes that each part takes in turn."""
    times: int = 1
    """Reductions of this kind and size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where a plan is evaluated."""

    where: str
    """`inline`: in the thread that asks; `threads`; `dask`: when Python asks for the cells."""
    threads: int
    """Threads that evaluate blocks at one time; 0 where Dask decides."""
    blocks: int | None
    """Blocks that the result is cut into, before an encoder cuts it along its own tiles."""
    reductions: tuple[Reduction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One result, or the condition of one."""

    result: str
    """What it is: `encode image/tiff`, `number`, `text`, ..."""
    outline: Outline | None = None
    """None where nothing is evaluated."""
    cost: Cost | None = None
    run: Run | None = None
    scenes: int = 0
    """Scenes that may contribute."""
    notes: tuple[str, ...] = ()
    condition: "Told | None" = None
    """The `where`, which is evaluated first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a query will do."""

    revision: int
    results: tuple[Told, ...]
    """The first ones."""
    left_out: int
    """Further results, which count in `cost` too."""
    cost: Cost
    """Of all results together."""
    limits: Limits
    refusal: str = ""
    """Why the query would be refused; empty where it would not."""
    rules: tuple[tuple[str, int], ...] = ()
    """Rules that changed the plans, and at how many places."""
