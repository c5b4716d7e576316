"""The map of the library, drawn in a thread of its own and kept on disk until papers change."""

import hashlib
import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.app import Assistant
from assistant.errors import AssistantError
from assistant.mapping import LibraryMap, draw_map, load_map, sampled, save_map
from assistant.protocols import Vectors
from assistant.types import Paper

logger = logging.getLogger(__name__)

MOST_DOTS = 5_000
FILE = "map.json"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A map under way or done, and the state of the library that it shows."""

    fingerprint: str
    future: "Future[LibraryMap]"


class Atlas:
    """Draws the map once for each state of the library, for all who look at the page."""

    def __init__(self, assistant: Assistant) -> None:
        """Draw nothing yet."""
        self._assistant = assistant
        self._lock = threading.Lock()
        self._drawing: Drawing | None = None

    def current(self) -> Drawing:
        """Return the map of the library as it is now; it begins to be drawn where it isn't.

        Raises:
            LibraryError: the library can't be read.
        """
        fingerprint = self._fingerprint()
        with self._lock:
            if self._drawing is None or self._is_outdated(self._drawing, fingerprint):
                future: Future[LibraryMap] = Future()
                self._drawing = Drawing(fingerprint=fingerprint, future=future)
                threading.Thread(
                    target=self._fulfil, args=[fingerprint, future], daemon=True
                ).start()
            return self._drawing

    def clusters(self) -> dict[str, str]:
        """Return the cluster's name by paper id, of the map that was drawn last; may be empty."""
        drawing = self._drawing
        if drawing is None or not drawing.future.done() or drawing.future.exception():
            return {}
        chart = drawing.future.result()
        if len(chart.names) < 2:
            return {}
        return {dot.paper_id: chart.names[dot.cluster] for dot in chart.dots}

    @staticmethod
    def _is_outdated(drawing: Drawing, fingerprint: str) -> bool:
        failed = drawing.future.done() and drawing.future.exception() is not None
        return failed or drawing.fingerprint != fingerprint

    def _fingerprint(self) -> str:
        """Name the papers and the vectors; while these are made, only their being made counts."""
        catalog = self._assistant.catalog
        pending = catalog.todo_count("vectors") > 0
        parts = (catalog.generation(), catalog.meta("embedder"), catalog.meta("collection"))
        text = "\n".join(map(str, (*parts, pending, MOST_DOTS)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _fulfil(self, fingerprint: str, future: "Future[LibraryMap]") -> None:
        try:
            future.set_result(self._draw(fingerprint))
        except AssistantError as error:
            future.set_exception(error)
        except Exception as error:
            logger.exception("Drawing the map failed")
            future.set_exception(error)
        finally:
            self._assistant.catalog.close()  # This thread's own connection.

    def _draw(self, fingerprint: str) -> LibraryMap:
        path = self._assistant.catalog.folder / FILE
        stored = load_map(path, fingerprint)
        if stored is not None:
            return stored
        ids = [paper.id for paper in self._assistant.papers()]
        papers = list(self._assistant.catalog.get_many(sampled(ids, MOST_DOTS)).values())
        papers.sort(key=lambda paper: paper.id)  # The store's order is none to rely on.
        vectors = self._vectors(papers)
        have = [paper for paper in papers if paper.id in vectors]
        width = len(next(iter(vectors.values()))) if have else 0
        rows = np.array([vectors[paper.id] for paper in have], np.float32)
        chart = draw_map(have, rows.reshape(len(have), width), len(ids))
        _store(path, fingerprint, chart)
        return chart

    def _vectors(self, papers: list[Paper]) -> dict[str, Vectors]:
        """Return the mean of each paper's passage vectors, of those papers that have any."""
        found = self._assistant.catalog.passage_vectors(papers)
        missing = {paper.id: paper.content_hash for paper in papers if paper.id not in found}
        if missing:
            found |= self._assistant.library.store().vectors(missing)
        return {key: rows.mean(axis=0) for key, rows in found.items() if len(rows)}


def _store(path: Path, fingerprint: str, chart: LibraryMap) -> None:
    try:
        save_map(path, fingerprint, chart)
    except OSError:
        logger.warning("The map can't be kept at %s; it is drawn anew at each start.", path)
