"""Binding of styles: from the bands of a layer to the channels that its colours are made of."""

from datacube.cube import Band, Collection, find_band
from datacube.plan import nodes
from datacube.plan.functions import apply
from datacube.plan.style import BandTerm, Style, StyleBook, StyleMaker, Term


def channels(style: Style, source: nodes.Plan, bands: tuple[Band, ...]) -> nodes.Plan:
    """Return what `style` paints, one field a channel, on the domain of `source`.

    `source` has the style's bands under their official names, `bands` are the layer's.

    Raises
    ------
    UnknownNameError
        If the layer lacks a band.
    RequestError
        If the style's formula does not fit.
    """
    if style.formula is not None:
        return style.formula.bind(source)
    return nodes.Bands(
        picks=tuple(_pick(term, at, source, bands) for at, term in enumerate(style.terms))
    )


def choose_style(
    asked: str | StyleMaker, book: StyleBook, collection: Collection, bands: tuple[Band, ...]
) -> Style:
    """Return the style of a layer by its name, or make the one that came with the request.

    Raises
    ------
    RequestError
        If there is none, or it does not fit the layer.
    """
    if isinstance(asked, str):
        return book.style(collection, bands, asked)
    return asked.made(bands)


def _term(term: Term, source: nodes.Plan, bands: tuple[Band, ...]) -> nodes.Plan:
    if isinstance(term, BandTerm):
        return one_band(source, _official(bands, term.band))
    return apply(term.function, *(_term(arg, source, bands) for arg in term.args))


def one_band(source: nodes.Plan, name: str) -> nodes.Plan:
    """Return one field of a plan."""
    return nodes.Bands(picks=(nodes.Pick(source=source, field=name, name=name),))


def _pick(term: Term, at: int, source: nodes.Plan, bands: tuple[Band, ...]) -> nodes.Pick:
    """Return the channel at a position: a band itself, or what is made of several."""
    if isinstance(term, BandTerm):
        band = _official(bands, term.band)
        return nodes.Pick(source=source, field=band, name=f"{at}:{band}")
    plan = _term(term, source, bands)
    return nodes.Pick(source=plan, field=plan.fields[0].name, name=f"{at}")


def _official(bands: tuple[Band, ...], name: str) -> str:
    return find_band(bands, name).name
