"""Files of publishers, in the publishers' own formats, read into rows of facts for an overlay."""

from caudal.reference.publishers.batis import read_batis
from caudal.reference.publishers.imported import Imported, Written, write_overlay
from caudal.reference.publishers.itu import read_itu
from caudal.reference.publishers.places import Places
from caudal.reference.publishers.sdmxdata import TARGETS, read_sdmx_data
from caudal.reference.publishers.worldbank import read_world_bank

__all__ = [
    "TARGETS",
    "Imported",
    "Places",
    "Written",
    "read_batis",
    "read_itu",
    "read_sdmx_data",
    "read_world_bank",
    "write_overlay",
]
