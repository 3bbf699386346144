"""The formats of maps and legends, and the spellings of them that clients use."""

from types import MappingProxyType

from datacube.errors import UnknownNameError
from datacube.plan.formats import FORMAT_ALIASES, GEOTIFF, GIF, JPEG, PNG, PNG8, WEBP

FORMATS = (PNG, PNG8, JPEG, GIF, WEBP, GEOTIFF)
"""What a map can be, the preferred first."""
CLEAR_FORMATS = frozenset(FORMATS) - {JPEG}
"""Those that can be transparent."""
_ALIASES = MappingProxyType(
    FORMAT_ALIASES
    | {
        "image/png8": PNG8,
        "image/png;mode=8bit": PNG8,
        "image/png; mode=24bit": PNG,
        "image/png; mode=32bit": PNG,
        "image/png24": PNG,
        "image/png32": PNG,
    }
)


def picture_format(text: str, offered: tuple[str, ...] = FORMATS) -> str:
    """Return the media type that FORMAT means, in any case.

    >>> picture_format("IMAGE/JPG"), picture_format("image/png;mode=8bit")
    ('image/jpeg', 'image/png; mode=8bit')

    Raises
    ------
    UnknownNameError
    """
    # An unescaped `+` and blanks after a semicolon are told apart by nobody.
    plain = "; ".join(part.strip() for part in text.casefold().split(";"))
    found = _ALIASES.get(plain, plain)
    if found not in offered:
        raise UnknownNameError("format", text[:80], offered)
    return found
