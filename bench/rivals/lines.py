"""What is measured of a server, and the table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.rivals.load import CONNECTIONS, Rate, drive, wake
from bench.servers import Server

HEADER = (
    *("what", "a second", "median", "p99", "CPU each", "kB", "worker's peak"),
    *("time / bare", "rate / MapServer", "rate / titiler", "rate / xpublish-tiles", "rate / plain"),
)
_FIRST_RATIO = 7
WARM_UP_S = 2.0


@dataclass(slots=True, kw_only=True)
class Line:
    """A server and what it is asked for."""

    what: str
    group: str
    """What is drawn; lines of one group are compared."""
    server: Server
    paths: Sequence[str]
    against: str = ""
    """Column of `HEADER` in which the others of the group stand beside this one; empty: none."""
    drawer: Server | None = None
    """What draws, where it is not `server` itself."""
    rates: list[Rate] = field(default_factory=list)
    cpu_s: float = 0.0
    """Processor time of the server in all rounds."""
    answers: float = 0.0
    """Number of answers in all rounds."""
    _asked: int = 0

    def load(self, seconds: float) -> Rate:
        """Go on asking where the last load ended."""
        rate = drive(self.server.port, self.paths, seconds, first=self._asked % len(self.paths))
        self._asked += int(rate.a_second * seconds)
        return rate

    def take_turn(self, seconds: float) -> None:
        """Measure one round."""
        before = self._cpu_s()
        rate = self.load(seconds)
        self.cpu_s += self._cpu_s() - before
        self.answers += rate.a_second * seconds
        self.rates.append(rate)

    def _cpu_s(self) -> float:
        return sum(one.cpu_s() for one in (self.server, self.drawer) if one is not None)

    @property
    def middle(self) -> Rate:
        """The round with the median number of answers."""
        return sorted(self.rates, key=lambda rate: rate.a_second)[len(self.rates) // 2]

    def cells(self, group: Sequence["Line"]) -> tuple[str, ...]:
        """Return the row in the order of `HEADER`."""
        rate = self.middle
        memory_mb = (self.drawer or self.server).worker_memory_mb()
        return (
            f"{self.group}: {self.what}",
            f"{rate.a_second:.0f}",
            f"{rate.median_s * 1e3:.1f} ms",
            f"{rate.p99_s * 1e3:.1f} ms",
            f"{self._cpu_each_s * 1e3:.1f} ms",
            f"{rate.answer_bytes / 1e3:.0f}",
            f"{memory_mb:.0f} MB",
            *(self._beside(column, group) for column in HEADER[_FIRST_RATIO:]),
        )

    @property
    def _cpu_each_s(self) -> float:
        return self.cpu_s / self.answers

    def _beside(self, column: str, group: Sequence["Line"]) -> str:
        """Return the ratio of what the column's name says, and in brackets of processor time."""
        others = [line for line in group if line.against == column]
        if not others or self.against == column:
            return "-"
        other = max(others, key=lambda line: line.middle.a_second)
        ratio = self.middle.a_second / other.middle.a_second
        time = column.startswith("time")
        cpu = self._cpu_each_s / other._cpu_each_s  # noqa: SLF001  # of another of this class
        return f"{1 / ratio if time else ratio:.2f} ({cpu if time else 1 / cpu:.2f})"


def measure(lines: Sequence[Line], *, rounds: int, seconds: float) -> None:
    """Load each line in turn, round by round: what else the machine does meets all alike."""
    for line in lines:
        wake(line.server.port, line.paths[:CONNECTIONS])
        line.load(WARM_UP_S)
    for _ in range(rounds):
        for line in lines:
            line.take_turn(seconds)


def table(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the table's lines; columns in which nothing stands are left out."""
    rows = [line.cells([o for o in lines if o.group == line.group]) for line in lines]
    filled = [n for n in range(len(HEADER)) if any(row[n] != "-" for row in rows)]
    for row in (HEADER, ("---",) * len(HEADER), *rows):
        yield f"| {' | '.join(row[n] for n in filled)} |"
