"""A full scene into a store: the command, xarray and Dask by hand, and the bare work."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import data
from bench.measure import Row

_DECODED_MB = len(data.BANDS) * data.SIDE_PX**2 * 2 / 1e6


def rows() -> Iterator[Row]:
    """Yield one row, and one for the 140 small scenes. Each is a process from start to end."""
    scene = data.big_scene()
    with tempfile.TemporaryDirectory(dir=data.CACHE) as folder:
        took = {}
        for name, arguments in (
            ("bare", ("-m", "bench.bare_ingest", "bare")),
            ("dask", ("-m", "bench.bare_ingest", "dask")),
            ("ours", ("-m", "copernicube", "ingest", str(scene), "--store")),
        ):
            target = Path(folder) / name
            took[name] = data.child(*arguments, str(target))
            shutil.rmtree(target)
        rates = "; ".join(
            f"{name} {_DECODED_MB / done.seconds:.0f} MB/s, {done.cpu_seconds:.0f} s of CPU, "
            f"{done.peak_mb:.0f} MB at the peak"
            for name, done in sorted(took.items(), reverse=True)
        )
        yield Row(
            what=f"ingest {len(data.BANDS)} bands of {data.SIDE_PX} x {data.SIDE_PX}",
            ours_s=took["ours"].seconds,
            peer_s=took["dask"].seconds,
            bare_s=took["bare"].seconds,
            note=rates,
        )
        small = data.copernicube("ingest", str(data.ROMANIA), "--store", f"{folder}/small")
        yield Row(
            what="ingest 140 scenes of 100 x 100",
            ours_s=small.seconds,
            note=f"{small.seconds / 140 * 1e3:.0f} ms a scene, {small.cpu_seconds:.0f} s of CPU",
        )
