"""Charts as SVG, drawn from values: intervals, a map, a flow diagram.

Drawn directly rather than through a charting library: the same text goes into the HTML page and the PDF,
labels are in the report's own font and number form, and nothing needs a browser engine.
"""

from caudal.service.reports.charts.flowdiagram import Band, Node, flow_diagram
from caudal.service.reports.charts.intervals import Mark, Panel, interval_chart
from caudal.service.reports.charts.worldmap import world_map

__all__ = ["Band", "Mark", "Node", "Panel", "flow_diagram", "interval_chart", "world_map"]
