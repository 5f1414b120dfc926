"""The parts of a dashboard that speak to Grafana's official ClickHouse data source.

The Grafana SDK knows no query type for this plugin, so the three shapes it saves (a panel's query, a
variable's query, an annotation) are declared here, as the plugin (4.x) reads them.
"""

from dataclasses import dataclass
from typing import Any, Literal

from grafana_foundation_sdk.models.dashboard import DataSourceRef

PLUGIN_ID = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.21.2"
DATASOURCE_VARIABLE = "datasource"

Format = Literal["timeseries", "table"]
# The back end reads the number, the editor reads the name.
_FORMAT_NUMBERS: dict[Format, int] = {"timeseries": 0, "table": 1}


def datasource() -> Any:
    """Return the reference to the data source that the dashboard's variable selects."""
    return DataSourceRef(type_val=PLUGIN_ID, uid=f"${{{DATASOURCE_VARIABLE}}}")


@dataclass(frozen=True)
class Query:
    """A query of a panel or an annotation, written in SQL with the plugin's macros.

    It stands in for the SDK's builders and for what they build: `build` and `to_json` are all that the
    SDK calls.
    """

    sql: str
    format: Format = "table"
    ref_id: str = "A"

    def build(self) -> "Query":
        """Return itself: there is nothing left to build."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the query as the plugin saves it."""
        return {
            "datasource": datasource(),
            "editorType": "sql",
            "format": _FORMAT_NUMBERS[self.format],
            "pluginVersion": PLUGIN_VERSION,
            "queryType": self.format,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


@dataclass(frozen=True)
class Annotation:
    """An annotation drawn from SQL that returns time, timeEnd and text."""

    name: str
    sql: str
    color: str

    def build(self) -> "Annotation":
        """Return itself: there is nothing left to build."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the annotation as Grafana saves it, its query in the place of the SDK's tag filter."""
        return {
            "name": self.name,
            "datasource": datasource(),
            "enable": True,
            "hide": False,
            "iconColor": self.color,
            "target": Query(self.sql, ref_id="annotation").to_json(),
        }
