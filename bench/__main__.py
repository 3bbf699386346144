"""Run the benchmarks, or those that are named: `python -m bench tiles series`.

`layouts` are codecs, chunks and shards; `peers` are map servers under load; `peers mapserver`
is ours beside one of them. A run of all writes its tables into `docs/benchmarks.md`; where a part
fails, the others still run, and the page stays as it is.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench import (
    analytics,
    archive,
    area,
    busy,
    catalogue,
    coverage,
    coverages,
    deep,
    documents,
    http,
    hundred,
    ingest,
    layouts,
    load,
    page,
    reduction,
    series,
    tiles,
)
from bench.measure import HEADER, Row, cells_line, line
from bench.rivals.run import PEERS, report

BENCHMARKS: dict[str, Callable[[], Iterator[Row]]] = {
    "tiles": tiles.rows,
    "http": http.rows,
    "load": load.rows,
    "coverage": coverage.rows,
    "coverages": coverages.rows,
    "busy": busy.rows,
    "documents": documents.rows,
    "series": series.rows,
    "deep": deep.rows,
    "hundred": hundred.rows,
    "analytics": analytics.rows,
    "area": area.rows,
    "reduction": reduction.rows,
    "catalogue": catalogue.rows,
    "archive": archive.rows,
    "ingest": ingest.rows,
}


def main() -> None:
    """Print each row as soon as it is known, and the tables of the map servers after them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    choices = [*BENCHMARKS, "layouts", "peers", *PEERS, []]
    parser.add_argument("names", nargs="*", choices=choices, metavar="NAME")
    asked: list[str] = parser.parse_args().names
    names = asked or [*BENCHMARKS, "layouts", "peers"]
    told, failed, took = _Told(), [], []
    if not asked:
        told.line(page.conditions())
        told.line("")
    for part, make in _parts(names):
        begun = time.monotonic()
        try:
            for text in make():
                told.line(text)
        except Exception:  # noqa: BLE001  # the other parts are still worth knowing
            traceback.print_exc()
            failed.append(part)
        took.append((part, time.monotonic() - begun))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    if not asked:
        parts = ", ".join(f"{part} {seconds:.0f}" for part, seconds in took)
        whole = sum(seconds for _, seconds in took) / 60
        told.line(f"\nAll of it took {whole:.0f} minutes; in seconds: {parts}.")
        page.write(told.lines)


class _Told:
    """Lines that were printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)
        print(text, flush=True)


def _parts(names: Sequence[str]) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
    """Yield the parts by name: those of one table, then those that have tables of their own."""
    rows = [name for name in names if name in BENCHMARKS]
    if rows:
        yield "the header", _header
    for name in rows:
        yield name, partial(_rows, name)
    if "layouts" in names:
        yield "layouts", layouts.table
    if len(rows) + ("layouts" in names) < len(names):
        yield "peers", partial(_peers, [name for name in names if name in PEERS])


def _header() -> Iterator[str]:
    yield cells_line(("part", *HEADER))
    yield cells_line(["---"] * (len(HEADER) + 1))


def _rows(name: str) -> Iterator[str]:
    for row in BENCHMARKS[name]():
        yield line(row, name)


def _peers(names: Sequence[str]) -> Iterator[str]:
    yield ""
    yield from report(names)


if __name__ == "__main__":
    main()
