"""Pictures: in comes an edition, out go the drawings of it and what each shows in words.

The charts below know numbers and labels only; here is decided which values they are given.
"""

from caudal.service.reports.pictures.destinationmap import destination_map
from caudal.service.reports.pictures.flows import flow_chart
from caudal.service.reports.pictures.groups import group_chart, group_charts
from caudal.service.reports.pictures.history import history_chart
from caudal.service.reports.pictures.notes import flow_key, flow_note, map_note
from caudal.service.reports.pictures.presspictures import PICTURES, origin, picture, pictures

__all__ = [
    "PICTURES",
    "destination_map",
    "flow_chart",
    "flow_key",
    "flow_note",
    "group_chart",
    "group_charts",
    "history_chart",
    "map_note",
    "origin",
    "picture",
    "pictures",
]
