"""What queries can be asked of: a catalogue, and each of its cubes."""

from copernicube.client.offers import Source
from copernicube.client.questions import (
    Files,
    Question,
    Result,
    Rules,
    gathered,
    level_of,
    question_of,
)


class Queried:
    """Answers queries of WCPS, on the store or the server that was opened."""

    def __init__(self, source: Source, cube: str | None = None) -> None:
        """Take the cube that `$c` is in a text without `for`; None: texts are whole queries."""
        self._source = source
        self._cube = cube

    def query(
        self, text: str, *, compat: Rules = None, uploads: Files = ()
    ) -> Result | list[Result]:
        """Answer a query of WCPS.

        Returns a number, or one a band; cells as a lazy DataArray, of several bands as
        Dataset; the bytes of what is encoded; else a text. A query that names several
        coverages gives a list, one that its `where` left nothing of None.

        Parameters
        ----------
        text
            A whole query, `for ... return ...`. Of a cube also an expression, or what
            follows `for`, in which `$c` is the cube: `cube.query("avg($c.B08)")`.
        compat
            `"rasdaman"`: nulls go by rasdaman's rules.
        uploads
            Files that `decode($1)`, `decode($2)`, ... mean: their bytes or paths.

        Raises
        ------
        RequestError
            Whatever is wrong with the query; a note shows the place.
        """
        question = self._question(text, compat, uploads)
        return gathered(question, self._source.results(question))

    def explain(
        self, text: str, level: str = "plan", *, compat: Rules = None, uploads: Files = ()
    ) -> str:
        """Tell what `query` would do: the plan and what it costs, or with `"cost"` that alone.

        No cell is read, and no query is refused for its cost.

        Raises
        ------
        RequestError
            Whatever is wrong with the query; a note shows the place.
        """
        return self._source.explain(self._question(text, compat, uploads), level_of(level))

    def _question(self, text: str, compat: Rules, uploads: Files) -> Question:
        return question_of(text, compat=compat, uploads=uploads, cube=self._cube)
