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
    plans = tuple(_term(term, source, bands) for term in style.terms)
    names = tuple(_channel(term, at, bands) for at, term in enumerate(style.terms))
    return nodes.Bands(
        picks=tuple(
            nodes.Pick(source=plan, field=plan.fields[0].name, name=name)
            for plan, name in zip(plans, names, strict=True)
        )
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


def _channel(term: Term, at: int, bands: tuple[Band, ...]) -> str:
    return f"{at}:{_official(bands, term.band)}" if isinstance(term, BandTerm) else f"{at}"


def _official(bands: tuple[Band, ...], name: str) -> str:
    return find_band(bands, name).name
