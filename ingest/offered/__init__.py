"""Coverages that others offer over the network, on the one way in."""

from ingest.offered.writer import OfferedCoverages, OfferLimits

__all__ = ["OfferLimits", "OfferedCoverages"]
