"""Charts as SVG, drawn from values: intervals, a map, a flow diagram, a line over months.

Drawn directly rather than through a charting library: the same text goes into the HTML page and the PDF,
labels are in the report's own font and number form, and nothing needs a browser engine.
"""

from caudal.service.reports.charts.drawing import Drawing
from caudal.service.reports.charts.flowdiagram import Band, Node, flow_drawing
from caudal.service.reports.charts.intervals import Key, Mark, Panel, interval_drawing
from caudal.service.reports.charts.worldmap import map_drawing

__all__ = [
    "Band",
    "Drawing",
    "Key",
    "Mark",
    "Node",
    "Panel",
    "flow_drawing",
    "interval_drawing",
    "map_drawing",
]
