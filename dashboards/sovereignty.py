"""The dashboard "Digital sovereignty": where data goes, who controls it, how concentrated, how well known."""

import json
from typing import Any

from grafana_foundation_sdk.builders import dashboard as model
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import StackingMode
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, VariableOption, VariableRefresh

from caudal.dashboards import panels
from caudal.dashboards.clickhouse import DATASOURCE_VARIABLE, PLUGIN_ID, Annotation, datasource
from caudal.dashboards.sql import concentration, quality, shares, variables, volumes
from caudal.dashboards.sql.scope import CONTROLLED, CONTROLLED_HERE, HERE, IN_GROUP, LOCATED
from caudal.service.indicators import CATALOGUE
from caudal.service.indicators.groups.concentration import RANKS
from caudal.service.indicators.model.functions import CARRIES_FOR_OTHERS, shipped_categories

UID = "caudal-digital-sovereignty"
TITLE = "Digital sovereignty"
HOUR, DAY = "1h", "1d"

_EVERYTHING = "1"
_NOTHING = "0"
_FOREIGN = f"({CONTROLLED} AND NOT {CONTROLLED_HERE})"

_READING = """\
**Intervals.** Every share stands beside *low* and *high*: what could not be determined counts once against
it and once for it, and sampling (95 %) is added. **Unknown is an answer**, never spread over the known.
**Bytes are not value**, and where a byte lies is not who commands it. The published indicators, corrected
for errors of location and with coverage and flags, are those of the service (`/v1/indicators`); what is
here is live, uncorrected, and of the networks that report. What two of them exchange counts once, half at each."""


def title(indicator: str) -> str:
    """Return an indicator's English title from the service's catalogue, with its id."""
    return f"{CATALOGUE[indicator].definition.title['en']} ({indicator})"


def critique(indicator: str) -> str:
    """Return the catalogue's text on what an indicator cannot tell."""
    return f"What it cannot tell: {CATALOGUE[indicator].definition.critique}"


SHARES = {
    "J1": shares.Share(title("J1"), HERE, LOCATED, f"(NOT {LOCATED})"),
    "J2": shares.Share(title("J2"), IN_GROUP, LOCATED, f"(NOT {LOCATED})"),
    "J3": shares.Share(title("J3"), CONTROLLED_HERE, _EVERYTHING, f"(NOT {CONTROLLED})"),
    "J5": shares.Share(
        title("J5"),
        f"({HERE} AND {_FOREIGN})",
        _EVERYTHING,
        f"(({HERE} OR NOT {LOCATED}) AND NOT {CONTROLLED_HERE})",
    ),
    "J9": shares.Share(title("J9"), f"(NOT {LOCATED} OR NOT {CONTROLLED})", _EVERYTHING, _NOTHING),
}


def build() -> dict[str, Any]:
    """Return the dashboard as Grafana's classic JSON model; the same for the same catalogue."""
    dashboard = (
        model.Dashboard(TITLE)
        .uid(UID)
        .description("Where a country's data goes and who controls it, from the metadata of its data flows.")
        .tags(["caudal"])
        .timezone("utc")
        .time("now-90d", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .annotation(Annotation("Synthetic data", variables.synthetic_annotation(), "dark-red"))
    )
    for variable in _variables():
        dashboard = dashboard.with_variable(variable)
    for heading, row in _rows():
        if heading:
            dashboard = dashboard.with_row(model.Row(heading))
        for panel in row:
            dashboard = dashboard.with_panel(panel)
    built: dict[str, Any] = json.loads(json.dumps(dashboard.build(), cls=JSONEncoder))
    # Ids are given here, so that links to a panel and comparisons with what is saved stay good.
    for number, panel in enumerate(built["panels"], start=1):
        panel["id"] = number
    return built


def dashboard_json(built: dict[str, Any]) -> str:
    """Return the text that is committed and provisioned: sorted, indented, with a final newline."""
    return json.dumps(built, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _variables() -> list[Any]:
    def query(name: str, label: str, description: str, sql: str) -> Any:
        return (
            model.QueryVariable(name)
            .label(label)
            .description(description)
            .datasource(datasource())
            .query(sql)
            .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        )

    return [
        model.DatasourceVariable(DATASOURCE_VARIABLE)
        .label("Data source")
        .description("A ClickHouse data source whose default database is the store of the service.")
        .type(PLUGIN_ID),
        query("economy", "Economy", "The economy whose traffic is shown.", variables.economies()),
        query("operator", "Operator", "Networks that report.", variables.operators())
        .multi(True)
        .include_all(True)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"])),
        query(
            "group",
            "Region",
            "The group of countries that counts as the economy's region. The choice decides the result.",
            variables.groups(),
        ),
    ]


def _rows() -> list[tuple[str, list[Any]]]:
    return [
        ("", _head()),
        ("Where data goes", _location()),
        ("Who controls it", _control()),
        ("Concentration", _concentration()),
        ("Directions", _directions()),
        ("Data quality", _quality()),
    ]


def _head() -> list[Any]:
    return [
        panels.flag(
            "Data are",
            "Whether collectors said that their batches were metered or made by a traffic model. It cannot "
            "tell whether a collector said so truthfully.",
            variables.provenance(),
            width=4,
            height=5,
            good="measured",
        ),
        panels.note("How to read this", _READING, width=20, height=5),
    ]


def _location() -> list[Any]:
    return [
        panels.series(
            "Traffic by country of the far end",
            "Average bit rate of everything, by the country where the other end of the flow is. Unknown are "
            "anycast addresses and those that databases disagree on. A cache in the country answers for a "
            "service run elsewhere; the country is where the machine stands, not who owns it. The last "
            "interval is not over yet.",
            volumes.rate_by_country(),
            unit=panels.RATE_UNIT,
            width=12,
            every=DAY,
            label="country",
            stacked=StackingMode.NORMAL,
        ),
        panels.series(
            "Domestic, regional, elsewhere, unknown",
            "The same traffic as shares of the whole. The region is the group chosen above, and that choice "
            "decides the result. Errors of the address database are not corrected here: a domestic share "
            "is rather too low.",
            volumes.rate_by_location(),
            unit=panels.RATE_UNIT,
            width=12,
            every=DAY,
            stacked=StackingMode.PERCENT,
        ),
        panels.rows(
            "Location and control, over the time range",
            "Shares of the bytes out and in, with low and high: undetermined bytes counted against and for, "
            f"and sampling at 95 %. Locations are not corrected for database errors. J5: "
            f"{critique('J5')}",
            shares.share_table(list(SHARES.values())),
            units=dict.fromkeys(("share", "low", "high"), panels.SHARE_UNIT),
            width=12,
        ),
        panels.interval_series(
            f"{title('J1')} by month",
            f"Of the bytes whose location is known, those in the country. {critique('J1')}",
            shares.share_by_month(SHARES["J1"]),
            value="share",
            unit=panels.SHARE_UNIT,
            least=0,
            width=12,
            every=DAY,
        ),
    ]


def _control() -> list[Any]:
    return [
        panels.series(
            "Traffic by controlling jurisdiction",
            "Average bit rate, out and in, by the country that controls the operator of the far end, as the "
            "reference data say today: a correction of them changes the past as well. Control of a host is "
            "not control of who rents it. Unknown are networks that the reference does not list.",
            volumes.rate_by_control(),
            unit=panels.RATE_UNIT,
            width=12,
            every=DAY,
            label="jurisdiction",
            stacked=StackingMode.NORMAL,
        ),
        panels.interval_series(
            f"{title('J3')} by month",
            f"Of all bytes, those of operators controlled from the country. {critique('J3')}",
            shares.share_by_month(SHARES["J3"]),
            value="share",
            unit=panels.SHARE_UNIT,
            least=0,
            width=12,
            every=DAY,
        ),
        panels.rows(
            title("J4"),
            "Bytes with their sampling interval (95 %); the share's high also counts every byte of an unknown "
            f"operator. {critique('J4')}",
            shares.jurisdictions(),
            units={
                **dict.fromkeys(("bytes", "bytes low", "bytes high"), panels.BYTES_UNIT),
                **dict.fromkeys(("share", "share low", "share high"), panels.SHARE_UNIT),
            },
            width=10,
            height=12,
        ),
        panels.rows(
            "Platforms",
            "Bytes and share of all bytes, with their sampling intervals (95 %), and how far the attribution "
            "was checked (from_memory: not against a primary source). What could not be attributed stands as "
            "“no platform known” and may belong to any. Bytes say nothing about value: a video outweighs "
            "years of telemetry. Stage is a tag of the platform (1 raw data to 5), not of the traffic.",
            shares.platforms(),
            units={
                **dict.fromkeys(("bytes", "bytes low", "bytes high"), panels.BYTES_UNIT),
                **dict.fromkeys(("share", "share low", "share high", "of it out"), panels.SHARE_UNIT),
            },
            width=14,
            height=12,
        ),
    ]


def _concentration() -> list[Any]:
    return [
        panels.interval_series(
            f"{title('C1')} by month",
            "0 is no concentration, 1 a single provider, among bytes of known providers; the band holds it "
            f"with unknown bytes all apart, and all with the largest. {critique('C1')}",
            concentration.herfindahl_by_month(concentration.PROVIDER, unknown_counts=False),
            value="index",
            unit="none",
            least=0,
            width=8,
            every=DAY,
        ),
        panels.interval_series(
            f"{title('C2')} by month",
            f"0 is no concentration, 1 a single jurisdiction, among all bytes. {critique('C2')}",
            concentration.herfindahl_by_month(concentration.JURISDICTION, unknown_counts=True),
            value="index",
            unit="none",
            least=0,
            width=8,
            every=DAY,
        ),
        panels.rows(
            "Indices of concentration by month",
            "Concentration of platforms and jurisdictions, the effective number of platforms, and the share "
            f"of the k largest, with low and high. A month that is not over yet changes. {critique('C4')}",
            concentration.concentration_table({id_: title(id_) for id_ in ("C1", "C2", "C3", "C4")}, RANKS),
            units=dict.fromkeys(("value", "low", "high"), "none"),
            width=8,
        ),
    ]


def _directions() -> list[Any]:
    return [
        panels.series(
            "Out, in, and what stays",
            "Average bit rate by hour: out of the country above zero, into it below, and apart what stays: with other networks, "
            "hosting and caches in the country. What two networks that report exchange counts once. It sees "
            "only the networks that report, and not what stays inside one of them.",
            volumes.rate_by_direction(),
            unit=panels.RATE_UNIT,
            width=12,
            every=HOUR,
        ),
        panels.interval_series(
            f"{title('V1')} by month",
            "Out minus in over both, without video and content delivery: −1 only in, 1 only out. The limits "
            f"hold every choice of which networks without a category are video. {critique('V1')}",
            shares.asymmetry_by_month(shipped_categories(CARRIES_FOR_OTHERS, video=True)),
            value="asymmetry",
            unit="none",
            least=-1,
            width=12,
            every=DAY,
        ),
    ]


def _quality() -> list[Any]:
    return [
        panels.series(
            f"{title('J9')} by day",
            "Of all bytes, those without a location, those without a known controller, and those with either "
            "missing; and those folded because too few hosts were behind a cell. All other shares are only "
            "as good as this one is small. It cannot tell how often what is determined is wrong.",
            quality.undetermined_by_day(),
            unit=panels.SHARE_UNIT,
            width=12,
            every=DAY,
        ),
        panels.series(
            "How sampling was known",
            "Bit rate by where the sampling rate came from. Assumed means that the exporter said nothing and "
            "1 was taken: those bytes may be far too few, and their interval does not show it.",
            quality.sampling_by_day(),
            unit=panels.RATE_UNIT,
            width=12,
            every=DAY,
            label="known_from",
            stacked=StackingMode.PERCENT,
        ),
        panels.series(
            "The ledger",
            "What became of the records that exporters sent. Lost and dropped are missing from every other "
            "panel, and no interval covers them. It cannot tell what an exporter never sent.",
            quality.ledger_by_day(),
            unit=panels.COUNT_UNIT,
            width=12,
            every=DAY,
            bars=True,
            stacked=StackingMode.NORMAL,
        ),
        panels.rows(
            "The ledger by exporter",
            "Received = decoded + waiting + malformed + filtered, and decoded = aggregated + events + "
            "implausible counts + repeated + without counts + not read; what breaks either is unexplained and is a fault of ours. Sampling assumed is "
            "a share of the decoded records. It cannot tell which exporters exist and send nothing.",
            quality.ledger_by_exporter(),
            units={
                **dict.fromkeys(
                    (
                        "received",
                        "decoded",
                        "waiting",
                        "malformed",
                        "filtered",
                        "unexplained",
                        "lost",
                        "lost datagrams",
                        "kernel drops",
                        "interface unknown",
                        "implausible counts",
                        "implausible rate",
                    ),
                    panels.COUNT_UNIT,
                ),
                "sampling assumed": panels.SHARE_UNIT,
            },
            suspicious=(
                "malformed",
                "unexplained",
                "lost",
                "lost datagrams",
                "kernel drops",
                "interface unknown",
                "sampling assumed",
            ),
            width=12,
        ),
        panels.rows(
            "Last batch of each collector",
            "Whatever the time range: when the service last took a batch from each collector. A silent "
            "collector is not silent traffic; what it has spooled comes later, into the days it belongs to.",
            quality.last_batches(),
            units={"last batch": panels.TIME_UNIT, "age": panels.AGE_UNIT, "batches": panels.COUNT_UNIT},
            width=24,
            height=7,
        ),
    ]
