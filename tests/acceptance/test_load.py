"""More connections than places: every answer is the map, or an honest 503."""

from pathlib import Path

import httpx2
import pytest

from bench.crowd import Crowd
from tests.builders.served import served

MAP = (
    "/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=&crs=CRS:84"
    "&bbox=-75.65,37.66,-75.6,37.7&width={width}&height=50&format=image/png"
)
CONNECTIONS, EACH = 200, 2


@pytest.mark.parametrize("waiting", [20, 500])
def test_many_connections(demo_store: Path, waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPERNICUBE_QUEUE_WAITING", str(waiting))
    monkeypatch.setenv("COPERNICUBE_QUEUE_SECONDS", "100")
    paths = [MAP.format(width=width) for width in range(50, 70)]
    with served(demo_store) as url:
        before = httpx2.get(url + paths[0], timeout=60)
        crowd = Crowd(
            port=int(url.rpartition(":")[2]),
            paths=paths,
            connections=CONNECTIONS,
            requests=EACH,
            patience_s=0.1,
        )
        told = crowd.run()
        assert not told.failures
        assert sum(told.statuses.values()) == CONNECTIONS * EACH
        assert told.unexplained == 0
        # With a place in the queue for each connection nobody is sent away.
        assert set(told.statuses) == ({200, 503} if waiting < CONNECTIONS else {200})
        after = httpx2.get(url + paths[0], timeout=60)
        assert (after.status_code, after.content) == (200, before.content)
