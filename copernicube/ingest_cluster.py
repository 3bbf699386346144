"""Ingest on a Dask cluster: places are parted among workers, each of which writes and commits.

What is visible afterwards does not depend on who was first: precedence decides, not order.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched, chain
from math import ceil
from pathlib import Path

from datacube.evaluate.cluster import Cluster
from ingest.progress import IngestProgress
from ingest.summary import Summary

MOST_TOGETHER = 128
"""Places of one piece of work: as many small scenes as one commit takes."""
_PIECES = 4
"""Pieces a thread of the workers, so that the last ones do not wait for one another."""

type IngestPart = Callable[[tuple[str, ...]], Summary]
"""Ingests some places where it is called; travels by pickle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterIngest:
    """Places to be ingested by the workers of a cluster."""

    places: Sequence[str]
    """Addresses, or paths as every worker finds them."""
    part: IngestPart
    first_alone: bool
    """Whether the first place makes the cube that the others go into."""


def ingest_on(cluster: Cluster, asked: ClusterIngest, progress: IngestProgress) -> Summary:
    """Ingest places on a cluster; a scene that fails leaves the others alone.

    A piece whose worker dies is done again by another: what the dead one committed is there
    already and is skipped, what it only began is collected by `purge`.

    Raises
    ------
    SchedulerError
        If the cluster does not answer, or is lost; what was committed stays.
    """
    start = time.monotonic()
    places = tuple(asked.places)
    alone = places[:1] if asked.first_alone else ()
    others = places[len(alone) :]
    together = min(MOST_TOGETHER, max(1, ceil(len(others) / (_PIECES * cluster.threads()))))
    progress.plan(scenes=len(places), bands=0, nbytes=0)
    outcomes = []
    rounds = ([alone] if alone else [], batched(others, together, strict=False))
    for summary in chain.from_iterable(cluster.in_order(asked.part, work) for work in rounds):
        for outcome in summary.outcomes:
            progress.scene_done(outcome.line, bands_left=0, nbytes_left=0)
            outcomes.append(outcome)
    return Summary(outcomes=tuple(outcomes), seconds=time.monotonic() - start)


def absolute(place: str) -> str:
    """Return a path as every process finds it; addresses stay."""
    return place if "://" in place else str(Path(place).absolute())
