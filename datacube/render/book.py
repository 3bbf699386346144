"""The styles of a view: those that the catalogue keeps, those of the house, and expressions."""

from collections.abc import Iterator
from dataclasses import dataclass

from datacube.cube import Band, Collection
from datacube.errors import RequestError, UnknownNameError
from datacube.plan.style import Style, StyleBook
from datacube.render.definition import StyleDefinition, parse_definition
from datacube.render.fragment import FragmentContext
from datacube.render.make_style import make_style, wcps_definition


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStyles:
    """The `StyleBook` of one view of the catalogue.

    A stored style goes before one of the house of the same name, and one for the collection
    before one for its family, and that before one for any layer. A stored default is the
    layer's.
    """

    house: StyleBook
    context: FragmentContext

    def style(self, collection: Collection, bands: tuple[Band, ...], name: str) -> Style:
        """Return the style called `name`, in any case; empty and `default` are the first one.

        `wcps:EXPRESSION` is a style that the request itself defines.

        Raises
        ------
        UnknownNameError
            If the layer has no such style, or lacks a band that the style needs.
        InvalidParameterError
            If an expression is wrong, or cannot be painted.
        """
        expression = wcps_definition(name)
        if expression is not None:
            return make_style(expression, bands, self.context)
        stored = self._stored(collection)
        if not stored:
            return self.house.style(collection, bands, name)
        asked = name.casefold()
        if asked in ("", "default"):
            return self._default(stored, collection, bands)
        if asked in stored:
            return make_style(stored[asked], bands, self.context)
        try:
            return self.house.style(collection, bands, name)
        except UnknownNameError:
            offered = tuple(style.name for style in self.styles(collection, bands))
            raise UnknownNameError("style", name, offered) from None

    def styles(self, collection: Collection, bands: tuple[Band, ...]) -> tuple[Style, ...]:
        """Return every style that `bands` suffice for, the default first."""
        stored = self._stored(collection)
        house = self.house.styles(collection, bands)
        if not stored:
            return house
        made = list(self._made(stored, bands))
        names = {style.name.casefold() for _, style in made}
        first = [style for default, style in made if default]
        kept = [style for style in house if style.name.casefold() not in names]
        further = [style for default, style in made if not default]
        if first or not kept:
            return (*first, *further, *kept)
        return (*self._in_place(house, made),)

    def _default(
        self, stored: dict[str, StyleDefinition], collection: Collection, bands: tuple[Band, ...]
    ) -> Style:
        """Return the first of `styles`, without making them all."""
        defaults = {name: one for name, one in stored.items() if one.default}
        head = self.house.style(collection, bands, "")
        name = head.name.casefold()
        replacing = {name: stored[name]} if name in stored else {}
        chosen = next(self._made({**defaults, **replacing}, bands), None)
        return head if chosen is None else chosen[1]

    def _in_place(
        self, house: tuple[Style, ...], made: list[tuple[bool, Style]]
    ) -> Iterator[Style]:
        """Yield the house's first style, or what stands for it, then the stored, then others."""
        by_name = {style.name.casefold(): style for _, style in made}
        head = house[0]
        yield by_name.pop(head.name.casefold(), head)
        yield from by_name.values()
        taken = {style.name.casefold() for _, style in made}
        yield from (style for style in house[1:] if style.name.casefold() not in taken)

    def _made(
        self, stored: dict[str, StyleDefinition], bands: tuple[Band, ...]
    ) -> Iterator[tuple[bool, Style]]:
        for definition in stored.values():
            try:
                yield definition.default, make_style(definition, bands, self.context)
            except RequestError:
                # The layer lacks a band of it, or has another type: so it is not the layer's.
                continue

    def _stored(self, collection: Collection) -> dict[str, StyleDefinition]:
        """Return the stored styles that are for a collection, by name without case."""
        targets = {f"collection:{collection.id}": 0, f"family:{collection.style_family}": 1, "": 2}
        kept = [one for one in self.context.view.stored_styles() if one.target in targets]
        kept.sort(key=lambda one: targets[one.target])
        found: dict[str, StyleDefinition] = {}
        for one in kept:
            found.setdefault(one.name.casefold(), parse_definition(one.definition))
        return found
