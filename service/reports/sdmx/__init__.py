"""SDMX: the structure of the statistics, and observations as its components."""
