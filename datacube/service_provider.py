"""Who offers the data, and on what terms: said in every capabilities document and file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProvider:
    """The provider of a service, as OWS Common, CF and INSPIRE ask for it.

    A text that is empty is left out of documents; WMS says `none` for fees and constraints,
    which stands for no known ones (OGC 06-042, 7.2.4.1).
    """

    name: str = "Copernicube"
    """The organisation."""
    url: str = ""
    """Its site."""
    contact: str = ""
    """A person or an office."""
    position: str = ""
    """What they are there for: `service desk`."""
    email: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    """State or province."""
    postal_code: str = ""
    country: str = ""
    fees: str = "none"
    access_constraints: str = "none"
    licence: str = ""
    """Terms of use of what the service sends, a title or an address; empty: each collection's."""

    @property
    def contacts(self) -> bool:
        """Whether anything but the organisation's name is known."""
        return any((self.contact, self.position, self.email, self.phone, self.street, self.city))


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """What a file says of where its data come from; equal data give equal texts."""

    institution: str = ""
    licence: str = ""
    attribution: str = ""
    """The notices that producers ask for, one a sentence."""


YEARS = "[year]"
"""Stands in an attribution for the years of the data."""


def attribution(notice: str, years: frozenset[int]) -> str:
    """Write a producer's notice with the years of the data, runs of years as `first-last`.

    Copernicus asks for `Contains modified Copernicus Sentinel data [year]` (Legal notice on
    the use of Copernicus Sentinel Data and Service Information).

    >>> attribution("Contains modified Copernicus Sentinel data [year]", frozenset({2015, 2016}))
    'Contains modified Copernicus Sentinel data 2015-2016'
    >>> attribution("Contains data [year], made by us", frozenset())
    'Contains data, made by us'
    """
    if YEARS not in notice:
        return notice
    text = years_text(years)
    return notice.replace(YEARS, text) if text else notice.replace(f" {YEARS}", "")


def years_text(years: frozenset[int]) -> str:
    """Write years in order, runs as `first-last`.

    >>> years_text(frozenset({2015, 2018, 2019, 2020}))
    '2015, 2018-2020'
    """
    runs: list[list[int]] = []
    for year in sorted(years):
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
