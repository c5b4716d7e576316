"""A map of papers: where each lies in the plane, which cluster it is of, what clusters are about.

Pure functions over vectors and texts, deterministic by their seed: `projection` finds the places,
`clusters` the groups, `naming` their names; `chart` puts them together and stores the result.
"""

from assistant.mapping.chart import Dot, LibraryMap, draw_map, load_map, sampled, save_map

__all__ = ["Dot", "LibraryMap", "draw_map", "load_map", "sampled", "save_map"]
