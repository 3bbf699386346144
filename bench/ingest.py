"""A full scene into a store: the command, xarray and Dask by hand, and the bare work."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import data
from bench.measure import Row
from bench.product import product
from ingest.pipeline import IngestOptions

_DECODED_MB = len(data.BANDS) * data.SIDE_PX**2 * 2 / 1e6


def rows() -> Iterator[Row]:
    """Yield a row a kind of scene. Each is a process from start to end."""
    yield from _four_bands()
    yield _product()


def _product() -> Row:
    """Take a whole product, beside the bare decoding of its files on as many threads."""
    safe = product()
    bare = data.child("-m", "bench.bare_decode", str(safe), str(IngestOptions().jobs))
    with tempfile.TemporaryDirectory(dir=data.CACHE) as folder:
        ours = data.copernicube("ingest", str(safe), "--store", f"{folder}/store")
    return Row(
        what="ingest a Sentinel-2 L2A product, 33 bands of up to 10980 x 10980, JPEG 2000; "
        "bare is decoding",
        ours_s=ours.seconds,
        bare_s=bare.seconds,
        note=f"ours {ours.cpu_seconds:.0f} s of CPU, {ours.peak_mb:.0f} MB at the peak; "
        f"bare {bare.cpu_seconds:.0f} s of CPU",
    )


def _four_bands() -> Iterator[Row]:
    """Yield the row of four bands as COGs, and that of 140 small scenes."""
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
