"""Which of the offered formats an answer has: by `f`, else by the header `Accept`."""

from collections.abc import Mapping

from datacube.errors import UnknownNameError


def choose_format(name: str, accept: str, formats: Mapping[str, str]) -> str:
    """Return a media type: `name`, else what the client likes best among what is offered.

    `formats` are media types by the names that `f` has, the usual one first; `f` may be a
    media type, too. Names may be other media types that mean the same.

    >>> choose_format("", "image/webp;q=0.5, image/*", {"png": "image/png", "tiff": "image/tiff"})
    'image/png'

    Raises
    ------
    UnknownNameError
        If it is none of them.
    """
    offered = tuple(dict.fromkeys(formats.values()))
    if name:
        asked = name.casefold()
        if asked in offered:
            return asked
        if asked not in formats:
            raise UnknownNameError("format", name[:80], tuple(formats))
        return formats[asked]
    if not accept.strip():
        return offered[0]
    for wish, quality in sorted(_wishes(accept), key=lambda wish: -wish[1]):
        matching = (media_type for media_type in offered if _matches(wish, media_type))
        chosen = formats.get(wish) or next(matching, None)
        if quality > 0 and chosen is not None:
            return chosen
    raise UnknownNameError("accept", accept[:80], offered)


def _matches(wish: str, media_type: str) -> bool:
    kind, _, part = wish.partition("/")
    return wish in {"*/*", media_type} or (part == "*" and media_type.startswith(f"{kind}/"))


def _wishes(accept: str) -> list[tuple[str, float]]:
    """Read an `Accept` header as `(media type, quality)`, in the order of the header."""
    found = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().casefold() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        found.append((media_type, quality))
    return found
