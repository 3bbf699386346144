"""Walking plans."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from datacube.plan.nodes.roots import Encode, Picture
from datacube.plan.nodes.shape import (
    Construct,
    Extend,
    Flip,
    Gather,
    Relabel,
    Slice,
    Sort,
    Spread,
    Take,
    Trim,
)
from datacube.plan.nodes.stored import Held, Scan, Source
from datacube.plan.nodes.values import (
    Apply,
    Bands,
    Coordinate,
    Literal,
    Mask,
    Mosaic,
    Reduce,
    Resample,
)

if TYPE_CHECKING:
    from datacube.plan.nodes import Plan


def children(node: "Plan") -> tuple["Plan", ...]:
    """Return the plans that `node` is made of."""
    match node:
        case Scan() | Source() | Held() | Literal() | Coordinate():
            return ()
        case (
            Trim(source=source)
            | Slice(source=source)
            | Extend(source=source)
            | Spread(source=source)
            | Relabel(source=source)
            | Take(source=source)
            | Gather(source=source)
            | Flip(source=source)
            | Resample(source=source)
            | Mask(source=source)
        ):
            return (source,)
        case Sort(source=source, by=by):
            return source, by
        case Construct(parts=parts):
            return parts
        case Bands(picks=picks):
            return tuple(pick.source for pick in picks)
        case Mosaic(members=members):
            return tuple(member.source for member in members)
        case Apply(args=args):
            return args
        case Reduce(source=source, where=where):
            return (source,) if where is None else (source, where)


def rebuilt(node: "Plan", change: Callable[["Plan"], "Plan"]) -> "Plan":
    """Return `node` with `change` made to each of its children; itself where none changed."""
    old = children(node)
    new = tuple(map(change, old))
    if all(a is b or a.key == b.key for a, b in zip(old, new, strict=True)):
        return node
    match node:
        case Scan() | Source() | Held() | Literal() | Coordinate():
            return node
        case Sort():
            return replace(node, source=new[0], by=new[1])
        case Construct():
            return replace(node, parts=new)
        case Bands(picks=picks):
            return Bands(picks=tuple(replace(p, source=s) for p, s in zip(picks, new, strict=True)))
        case Mosaic(members=members):
            return Mosaic(
                members=tuple(replace(m, source=s) for m, s in zip(members, new, strict=True))
            )
        case Apply():
            return replace(node, args=new)
        case Reduce():
            return replace(node, source=new[0], where=new[1] if len(new) > 1 else None)
        case _:
            return replace(node, source=new[0])


def distinct(*roots: "Plan", enters: Callable[["Plan"], bool] = lambda _: True) -> Iterator["Plan"]:
    """Yield the nodes of plans, each once, in order of first use.

    What stands below a node that `enters` refuses is left out.
    """
    seen: set[str] = set()
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if node.key in seen:
            continue
        seen.add(node.key)
        yield node
        if enters(node):
            stack.extend(reversed(children(node)))


def is_formula(node: "Plan") -> bool:
    """Tell whether a node is calculated cell by cell from cells at the same place."""
    return isinstance(node, Apply | Bands)


def leaves(node: "Plan | Picture | Encode") -> tuple["Plan", ...]:
    """Return every node below `node` that has no children, each once, in order of first use."""
    root = node.source if isinstance(node, Encode) else node
    roots = [layer.source for layer in root.layers] if isinstance(root, Picture) else [root]
    return tuple(plan for plan in distinct(*roots) if not children(plan))


def scans(node: "Plan | Picture | Encode") -> tuple[Scan, ...]:
    """Return every scan below `node`, each once, in order of first use."""
    return tuple(leaf for leaf in leaves(node) if isinstance(leaf, Scan))


def sources(node: "Plan | Picture | Encode") -> tuple[Source, ...]:
    """Return every source below `node`, each once, in order of first use."""
    return tuple(leaf for leaf in leaves(node) if isinstance(leaf, Source))


def contributing_scenes(node: "Plan | Picture | Encode") -> tuple[str, ...]:
    """Product ids of the scenes that `node` may read, sorted."""
    return tuple(
        sorted(
            {
                slot.scene.product_id
                for scan in scans(node)
                for stack in scan.stacks
                for slot in stack.slots
            }
        )
    )
