"""Run the benchmarks, or those that are named: `python -m bench tiles series`."""

import argparse
from collections.abc import Callable, Iterator

from bench import (
    analytics,
    area,
    busy,
    catalogue,
    coverage,
    coverages,
    documents,
    http,
    ingest,
    load,
    reduction,
    series,
    tiles,
)
from bench.measure import HEADER, Row, line

BENCHMARKS: dict[str, Callable[[], Iterator[Row]]] = {
    "tiles": tiles.rows,
    "http": http.rows,
    "load": load.rows,
    "coverage": coverage.rows,
    "coverages": coverages.rows,
    "busy": busy.rows,
    "documents": documents.rows,
    "series": series.rows,
    "analytics": analytics.rows,
    "area": area.rows,
    "reduction": reduction.rows,
    "catalogue": catalogue.rows,
    "ingest": ingest.rows,
}


def main() -> None:
    """Print one table, a row as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME")
    names: list[str] = parser.parse_args().names or list(BENCHMARKS)
    print(f"| {' | '.join(HEADER)} |")
    print(f"| {' | '.join(['---'] * len(HEADER))} |")
    for name in names:
        for row in BENCHMARKS[name]():
            print(line(row), flush=True)


if __name__ == "__main__":
    main()
