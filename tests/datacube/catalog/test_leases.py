"""Leases: one holder at a time, whatever ends."""

import pytest

from datacube.catalog import open_catalog
from datacube.catalog.leases import CatalogLease
from tests.datacube.catalog.making import Place


@pytest.fixture
def pair(place: Place) -> tuple[CatalogLease, CatalogLease]:
    first, second = open_catalog(place("store")), open_catalog(place("store"))
    return CatalogLease(first.database), CatalogLease(second.database)


def test_one_of_two_has_a_lease_and_the_other_gets_it_when_it_is_given_back(
    pair: tuple[CatalogLease, CatalogLease],
) -> None:
    one, other = pair
    assert one.take("work")
    assert one.take("work")
    assert not other.take("work")
    assert other.take("other work")
    one.give_back()
    assert other.take("work")
    assert not one.take("work")


def test_a_lease_that_ended_is_taken_over_and_its_holder_notices(place: Place) -> None:
    first, second = open_catalog(place("store")), open_catalog(place("store"))
    gone = CatalogLease(first.database, seconds=0.0)
    assert gone.take("work")
    heir = CatalogLease(second.database)
    assert heir.take("work")
    assert not gone.take("work")
