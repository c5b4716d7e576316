"""Faults on purpose: kills, power cuts, full disks, damaged files, many askers at once."""
