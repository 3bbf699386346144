"""Legends as JSON: the entries of a style in the order in which its picture shows them."""

import json
from math import isinf
from typing import assert_never

from datacube.plan.colour import Classes, Composite, Grey, Intervals, Ramp, Stretch
from datacube.plan.style import Style

type _Entry = dict[str, str | float | None]


def rules_document(style: Style) -> bytes:
    """Write `{"style", "title", "abstract", "rules": [{"title", "colour", ...}]}`.

    A rule of a ramp or a class has a `value`, of an interval `low` and `high` (null is
    unbounded), of a composite a `channel` with its `low` and `high`.
    """
    told = {
        "style": style.name,
        "title": style.title,
        "abstract": style.abstract,
        "rules": _rules(style),
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _rules(style: Style) -> list[_Entry]:
    rule = style.rule
    match rule:
        case Ramp(stops=stops):
            return [
                {"title": s.title or f"{s.value:g}", "value": s.value, **_colour(s.rgb, s.alpha)}
                for s in stops
            ]
        case Classes(classes=classes):
            return [
                {"title": c.title, "value": c.value, **_colour(c.rgb, c.alpha)} for c in classes
            ]
        case Intervals(intervals=intervals):
            return [
                {
                    "title": i.title or f"{i.low:g} - {i.high:g}",
                    "low": None if isinf(i.low) else i.low,
                    "high": None if isinf(i.high) else i.high,
                    **_colour(i.rgb, i.alpha),
                }
                for i in intervals
            ]
        case Grey(stretch=stretch, alpha=alpha):
            return [
                {"title": f"{stretch.low:g}", "value": stretch.low, **_colour((0, 0, 0), alpha)},
                {
                    "title": f"{stretch.high:g}",
                    "value": stretch.high,
                    **_colour((255, 255, 255), alpha),
                },
            ]
        case Composite(stretches=stretches):
            names = zip(("red", "green", "blue"), stretches, strict=True)
            return [_channel(name, stretch) for name, stretch in names]
        case _:
            assert_never(rule)


def _channel(name: str, stretch: Stretch) -> _Entry:
    return {"title": name, "channel": name, "low": stretch.low, "high": stretch.high}


def _colour(rgb: tuple[int, int, int], alpha: int) -> _Entry:
    return {"colour": "#{:02x}{:02x}{:02x}".format(*rgb), "opacity": round(alpha / 255, 3)}
