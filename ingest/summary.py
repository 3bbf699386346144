"""What an ingest did, scene by scene."""

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a scene."""

    INGESTED = "ingested"
    SKIPPED = "skipped"
    """It is there already, or a visible scene supersedes it."""
    FAILED = "failed"
    PLANNED = "planned"
    """It would be ingested; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one scene, or of a place that no scene could be read from."""

    status: Status
    source: str
    """The place as it was given."""
    product_id: str | None = None
    cube: str | None = None
    slot: int | None = None
    revision: int | None = None
    """The revision since which the scene is visible."""
    bands: tuple[str, ...] = ()
    nbytes: int = 0
    """Decoded bytes at level 0."""
    area: tuple[tuple[str, tuple[float, float, float, float]], ...] = ()
    """By group: `(min x, min y, max x, max y)` in the CRS of the cube."""
    superseded: tuple[str, ...] = ()
    """Product ids that retired in the same commit."""
    warnings: tuple[str, ...] = ()
    saturated: tuple[tuple[str, int], ...] = ()
    """Cells stored as 32767 because they exceeded it, by band; bands without any are left out."""
    note: str | None = None
    """Why it was skipped or failed."""
    error_code: str | None = None
    """The stable code of the error."""

    @property
    def line(self) -> str:
        """The outcome in one line."""
        name = self.product_id or self.source
        parts = [f"{self.status} {name}"]
        if self.cube and self.status in (Status.INGESTED, Status.PLANNED):
            parts.append(f"into {self.cube}: {len(self.bands)} bands, {self.nbytes / 1e6:.1f} MB")
        if self.superseded:
            parts.append(f"supersedes {', '.join(self.superseded)}")
        if self.note:
            parts.append(self.note)
        if self.saturated:
            counts = ", ".join(f"{band} {count}" for band, count in self.saturated)
            parts.append(f"saturated cells: {counts}")
        parts += [f"warning: {warning}" for warning in self.warnings]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All outcomes, in the order of the places given."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """Number of scenes by status, and of scenes superseded."""
        by_status = Counter(outcome.status.value for outcome in self.outcomes)
        superseded = sum(len(outcome.superseded) for outcome in self.outcomes)
        return {status.value: by_status[status.value] for status in Status} | {
            "superseded": superseded
        }

    @property
    def exit_code(self) -> int:
        """0 unless a scene failed or no place was given."""
        return int(self.counts["failed"] > 0 or not self.outcomes)

    def to_json(self) -> dict[str, object]:
        """Return what `--json` prints."""
        scenes = [
            asdict(outcome) | {"saturated": dict(outcome.saturated), "area": dict(outcome.area)}
            for outcome in self.outcomes
        ]
        return {**self.counts, "seconds": round(self.seconds, 3), "scenes": scenes}
