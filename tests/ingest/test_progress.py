"""What a person at a terminal sees."""

import io
import re

from rich.console import Console

from ingest.progress import Bar


def test_the_bar_shows_scenes_bands_rate_and_time_left() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, _environ={})

    with Bar(console) as bar:
        bar.plan(scenes=3, bands=6, nbytes=8_000_000)
        bar.wrote(2_000_000)
        bar.band_done()
        bar.scene_done("failed one; broken", bands_left=1, nbytes_left=2_000_000)
        bar.wrote(1_000_000)

    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert "failed one; broken" in plain
    # What the failed scene left unwritten is no longer waited for.
    last = [line for line in plain.splitlines() if "scenes" in line][-1]
    assert "1/3 scenes" in last
    assert "1/5 bands" in last
    assert re.search(r"\d+\.\d MB/s", last)
    # Dashes until a speed is known.
    assert re.search(r"(\d:\d\d:\d\d|-:--:--)", last)
