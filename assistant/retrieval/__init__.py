"""From a query to ranked papers: understand it, find candidates, fuse, rerank, calibrate.

`search` runs the stages that a `plan` names; the other modules are pure functions, a stage each.
"""
