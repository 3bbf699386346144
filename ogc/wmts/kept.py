"""Capabilities that were written already: they hold as long as what is visible stays."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from datacube.protocols import CatalogView
from ogc.exchange import Reply

KEPT = 16
"""Documents kept, the last used; one of 1,000 layers has about 4 MB."""


class KeptDocuments:
    """Documents by what they say; safe for use by many threads.

    One for each catalogue: a revision, and the coverages and styles visible in it, tell what
    a document of that catalogue says, whoever asks.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._replies: OrderedDict[Hashable, Reply] = OrderedDict()

    def find(self, view: CatalogView, asked: Hashable) -> Reply | None:
        """Return the document, or None where it is not kept."""
        key = _key(view, asked)
        with self._guard:
            if key in self._replies:
                self._replies.move_to_end(key)
            return self._replies.get(key)

    def keep(self, view: CatalogView, asked: Hashable, reply: Reply) -> Reply:
        """Keep a document and return it; those that were not used for longest go."""
        with self._guard:
            self._replies[_key(view, asked)] = reply
            while len(self._replies) > KEPT:
                self._replies.popitem(last=False)
        return reply


def _key(view: CatalogView, asked: Hashable) -> Hashable:
    return view.revision, tuple(view.coverage_ids()), tuple(view.stored_styles()), asked
