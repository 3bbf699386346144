"""The contributing scenes as one line of text."""

SEPARATOR = ", "
_LIMIT_CHARACTERS = 4096


def named_scenes(scenes: tuple[str, ...], limit_characters: int = _LIMIT_CHARACTERS) -> str:
    """Join sorted product ids; what would exceed the limit is counted instead of named.

    >>> named_scenes(("a", "b"))
    'a, b'
    >>> named_scenes(("first", "second", "third"), limit_characters=10)
    'first, and 2 more of 3'
    """
    named: list[str] = []
    length = 0
    for scene in scenes:
        length += len(scene.encode()) + len(SEPARATOR)
        if length > limit_characters:
            rest = f"and {len(scenes) - len(named)} more of {len(scenes)}"
            return SEPARATOR.join([*named, rest])
        named.append(scene)
    return SEPARATOR.join(named)
