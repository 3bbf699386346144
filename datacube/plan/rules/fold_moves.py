"""Moves of cells that move none, and moves of moves."""

from datacube.plan.nodes import Extend, Flip, Plan, Relabel, Spread


def fold_moves(plan: Plan) -> Plan:
    """Drop what changes nothing: an equal domain, a reverse of a reverse; make one of two.

    >>> from datacube.plan.rules.examples import scan
    >>> fold_moves(Flip(source=Flip(source=scan(), axis=0), axis=0)) == scan()
    True
    """
    match plan:
        case Relabel(source=source) | Extend(source=source) | Spread(source=source) if (
            plan.domain == source.domain
        ):
            return source
        case Relabel(source=Relabel(source=source)):
            return Relabel(source=source, domain=plan.domain)
        case Flip(source=Flip(source=source, axis=axis)) if axis == plan.axis:
            return source
        case Spread(source=Spread(source=source, places=inner)):
            places = tuple(plan.places[at] for at in inner)
            return Spread(source=source, domain=plan.domain, places=places)
        case _:
            return plan
