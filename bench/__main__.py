"""Run the benchmarks, or those that are named: `python -m bench tiles series`.

`peers` are map servers under load; `peers mapserver` is ours beside one of them.
"""

import argparse
from collections.abc import Callable, Iterator

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
    ingest,
    load,
    reduction,
    series,
    tiles,
)
from bench.measure import HEADER, Row, line
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
    "analytics": analytics.rows,
    "area": area.rows,
    "reduction": reduction.rows,
    "catalogue": catalogue.rows,
    "archive": archive.rows,
    "ingest": ingest.rows,
}


def main() -> None:
    """Print one table, a row as soon as it is known, and that of the map servers after it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    choices = [*BENCHMARKS, "peers", *PEERS, []]
    parser.add_argument("names", nargs="*", choices=choices, metavar="NAME")
    names: list[str] = parser.parse_args().names or [*BENCHMARKS, "peers"]
    rows = [name for name in names if name in BENCHMARKS]
    if rows:
        print(f"| {' | '.join(HEADER)} |")
        print(f"| {' | '.join(['---'] * len(HEADER))} |")
    for name in rows:
        for row in BENCHMARKS[name]():
            print(line(row), flush=True)
    if len(rows) < len(names):
        for text in report([name for name in names if name in PEERS]):
            print(text, flush=True)


if __name__ == "__main__":
    main()
