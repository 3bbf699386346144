"""The page of a whole run: what stands between its two marks in `docs/benchmarks.md`."""

import os
import platform
import re
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- written by `make bench`: begin -->", "<!-- written by `make bench`: end -->"
_PACKAGES = ("copernicube", "numpy", "opencv-python-headless", "zarr", "zarrs", "rasterio", "dask")
_PEERS = ("xarray", "odc-stac")


def conditions() -> str:
    """Tell when, at which commit and on what a run was begun."""
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    told = [f"{name} {text}" for name in (*_PACKAGES, *_PEERS) if (text := _version(name))]
    return (
        f"Begun {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC at commit {_commit()}, "
        f"{os.cpu_count()} x {found[1] if found else 'unknown'}, {pages / 1e9:.0f} GB; "
        f"Python {platform.python_version()}, {', '.join(told)}; "
        f"load of the machine before {os.getloadavg()[0]:.1f}."
    )


def write(lines: Sequence[str]) -> None:
    """Put the lines of a run between the marks of the page.

    Raises
    ------
    ValueError
        If the page has no such marks.
    """
    text = PAGE.read_text()
    begin, end = text.find(BEGIN), text.find(END)
    if not 0 <= begin < end:
        raise ValueError(f"{PAGE} has no lines {BEGIN} and {END} in this order")
    made = "\n".join(lines).strip()
    PAGE.write_text(f"{text[: begin + len(BEGIN)]}\n\n{made}\n\n{text[end:]}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    told = subprocess.run(  # noqa: S603  # a fixed command
        ["git", "-C", str(PAGE.parents[1]), "describe", "--always", "--dirty"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"
