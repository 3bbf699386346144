"""Which notices and terms go with the data of one answer."""

from collections.abc import Iterable

from datacube.overviews import collection_of
from datacube.plan.nodes import Encode, Picture, Plan, scans
from datacube.protocols import CatalogView
from datacube.service_provider import Credits, ServiceProvider, attribution


def credits_of(
    node: Plan | Picture | Encode, view: CatalogView, provider: ServiceProvider
) -> Credits:
    """Return what a file made from `node` says of its producers.

    The attribution has the notice of every collection that is read, in the order of their
    ids, with the years of the scenes. The licence is the provider's, else those of the
    collections. Nothing read gives nothing to credit but the institution.
    """
    years: dict[str, set[int]] = {}
    for scan in scans(node):
        found = years.setdefault(scan.cube, set())
        for stack in scan.stacks:
            found.update(slot.scene.reference_time.year for slot in stack.slots)
            if collection_of(scan.cube) is not None:
                # A part of an overview has the times of its newest and its oldest scene.
                found.update(slot.scene.first_time.year for slot in stack.slots)
    if not years:
        return Credits(institution=provider.name)
    read: dict[str, set[int]] = {}
    for cube in view.cubes():
        if cube.name in years:
            read.setdefault(cube.collection, set()).update(years[cube.name])
    for name, found in years.items():
        collection = collection_of(name)
        if collection is not None:
            read.setdefault(collection, set()).update(found)
    collections = [(view.collection(name), frozenset(read[name])) for name in sorted(read)]
    return Credits(
        institution=provider.name,
        licence=provider.licence or _joined(c.licence for c, _ in collections),
        attribution=_joined(attribution(c.attribution, y) for c, y in collections),
    )


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
