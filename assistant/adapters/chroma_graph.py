"""The shape of the index of vectors."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The shape of the index (HNSW, Malkov & Yashunin 2018); docs/scale.md has the measurements.

    How many neighbours a vector is linked to, and how many candidates are weighed for them and in
    a search. What is stored keeps its links; the last counts from the next opening on.
    """

    neighbours: int = 32
    weighed: int = 200
    searched: int = 400

    def as_configuration(self) -> dict[str, int]:
        """Return it in Chroma's words."""
        return {
            "max_neighbors": self.neighbours,
            "ef_construction": self.weighed,
            "ef_search": self.searched,
        }


GRAPH = Graph()
