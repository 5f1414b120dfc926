"""SDMX messages: a generic SDMX-ML 2.1 message as WITS sends it, SDMX-CSV as OECD writes it, SDMX-JSON by sdmx1.

The dimensions and attributes of TRAINS were checked against code that reads them, and OECD's key of BaTIS
(…S.A.USD_EXC.B) against code that asks for it; the names of OECD's components are from memory, which is why
they can be named. Figures are made up.
"""

import json
from datetime import date
from pathlib import Path

import pytest
import sdmx
from sdmx.message import DataMessage, StructureMessage
from sdmx.model.common import Agency, AllDimensions, ConceptScheme, Key
from sdmx.model.v21 import (
    DataStructureDefinition,
    Observation,
    PrimaryMeasure,
    StructureSpecificDataSet,
)

from caudal.reference import ImportFault, Reference, load_reference
from caudal.reference.publishers import TARGETS, Imported, read_sdmx_data, write_overlay

TAKEN = date(2026, 11, 1)
MESSAGE = """<?xml version="1.0" encoding="utf-8"?>
<message:GenericData xmlns:common="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:message="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"
 xmlns:generic="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/data/generic">
  <message:Header>
    <message:ID>DF_WITS_Tariff_TRAINS</message:ID>
    <message:Test>false</message:Test>
    <message:Prepared>2026-05-19T04:11:13.05-04:00</message:Prepared>
    <message:Sender id="Unknown" />
    <message:Structure structureID="TRAINS" dimensionAtObservation="TIME_PERIOD">
      <common:StructureUsage>
        <Ref agencyID="WBG_WITS" id="DF_WITS_Tariff_TRAINS" version="1.0" class="Dataflow" package="datastructure" xmlns=""/>
      </common:StructureUsage>
    </message:Structure>
  </message:Header>
  <message:DataSet structureRef="TRAINS" xsi:type="generic:TimeSeriesDataSetType" action="Append">{series}</message:DataSet>
</message:GenericData>
"""


def series(reporter: str, partner: str, product: str, value: str, **attributes: str) -> str:
    said = {"TARIFFTYPE": "MFN", "TOTALNOOFLINES": "3", "NBR_NA_LINES": "1", "NOMENCODE": "H6", **attributes}
    year, datatype = said.pop("year", "2022"), said.pop("datatype", "Reported")
    key = {
        "FREQ": "A",
        "REPORTER": reporter,
        "PARTNER": partner,
        "PRODUCTCODE": product,
        "DATATYPE": datatype,
    }
    return (
        "<generic:Series><generic:SeriesKey>"
        + "".join(f'<generic:Value id="{name}" value="{each}"/>' for name, each in key.items())
        + f'</generic:SeriesKey><generic:Obs><generic:ObsDimension id="TIME_PERIOD" value="{year}"/>'
        + f'<generic:ObsValue value="{value}"/><generic:Attributes>'
        + "".join(f'<generic:Value id="{name}" value="{each}"/>' for name, each in said.items())
        + "</generic:Attributes></generic:Obs></generic:Series>"
    )


def message(path: Path, *found: str) -> Path:
    path.write_text(MESSAGE.format(series="".join(found)), encoding="utf-8")
    return path


def read(path: Path, target: str, reference: Reference, **how: object) -> Imported:
    [imported] = read_sdmx_data(path, TARGETS[target], reference, 2015, TAKEN, **how)  # type: ignore[arg-type]
    return imported


def test_tariffs_of_trains(tmp_path: Path, reference: Reference) -> None:
    path = message(
        tmp_path / "trains.xml",
        series("076", "000", "370610", "12.5"),
        series("076", "032", "370610", "0", TARIFFTYPE="PREF"),
        series("076", "000", "370690", "10", year="2010"),
        series("838", "000", "370610", "1"),
    )
    imported = read(path, "tariff_rates", reference)
    assert [dict(row) for row in imported.rows] == [
        {
            "country": "BR",
            "year": "2022",
            "hs6": "370610",
            "hs_revision": "HS2022",
            "rate": "mfn_applied",
            "percent": "12.5",
            "lines": "3",
            "lines_not_ad_valorem": "1",
            "source": "WITS/TRAINS, reporter 076, Reported",
            "as_of": "2026-11-01",
            "status": "verified",
            "note": "",
        }
    ]
    assert imported.left_out == {
        "a preference, not the rate for most favoured nations": 1,
        "reporter 838 is not a country": 1,
    }
    write_overlay(tmp_path / "overlay", [imported])
    rates = load_reference(tmp_path / "overlay").facts("tariff_rates")
    own = rates.filter(rates["overlay"])
    assert own.select("country", "percent", "lines").rows() == [("BR", 12.5, 3)]


def test_the_tariff_of_a_customs_union_is_that_of_its_members_of_the_year(
    tmp_path: Path, reference: Reference
) -> None:
    path = message(
        tmp_path / "trains.xml",
        series("918", "000", "490110", "0", year="2019", NOMENCODE="H5"),
        series("918", "000", "490110", "0", year="2021", NOMENCODE="H5"),
    )
    rows = read(path, "tariff_rates", reference).rows
    of = {year: {row["country"] for row in rows if row["year"] == year} for year in ("2019", "2021")}
    assert of["2019"] - of["2021"] == {"GB"}
    assert len(of["2021"]) == 27


def test_reported_rates_stand_before_estimated_ones(tmp_path: Path, reference: Reference) -> None:
    path = message(
        tmp_path / "trains.xml",
        series("152", "000", "370610", "6", datatype="Reported"),
        series("152", "000", "370610", "7.25", datatype="AVEEstimated"),
    )
    assert [row["percent"] for row in read(path, "tariff_rates", reference).rows] == ["6"]
    estimated = read(path, "tariff_rates", reference, only={"DATATYPE": "AVEEstimated"})
    assert [row["percent"] for row in estimated.rows] == ["7.25"]


BATIS = (
    "DATAFLOW,REF_AREA,COUNTERPART_AREA,ACCOUNTING_ENTRY,{item},FREQ,UNIT_MEASURE,ADJUSTMENT,TIME_PERIOD,"
    "OBS_VALUE,UNIT_MULT,OBS_STATUS\n"
)
FLOW = "OECD.SDD.TPS:DSD_BATIS@DF_BATIS(1.0)"


def batis(path: Path, *rows: str, item: str = "MEASURE") -> Path:
    path.write_text(BATIS.format(item=item) + "".join(f"{FLOW},{row}\n" for row in rows), encoding="utf-8")
    return path


def test_services_trade_of_batis(tmp_path: Path, reference: Reference) -> None:
    path = batis(
        tmp_path / "batis.csv",
        "CHL,W,X,SI,A,USD_EXC,B,2022,512.5,6,A",
        "CHL,W,X,SI,A,USD_EXC,N,2022,500,6,A",
        "CHL,W,M,SI,A,USD_EXC,B,2022,812500,3,A",
        "CHL,USA,X,SI,A,USD_EXC,B,2022,300,6,A",
        "CHL,W,X,SOX,A,USD_EXC,B,2022,300,6,A",
        "W,W,X,SI,A,USD_EXC,B,2022,300,6,A",
        "CHL,W,X,SJ,A,USD_EXC,B,2022,,6,M",
    )
    imported = read(path, "services_trade", reference)
    assert [(row["country"], row["flow"], row["item"], row["value_usd_m"]) for row in imported.rows] == [
        ("CL", "export", "SI", "512.5"),
        ("CL", "import", "SI", "812.5"),
    ]
    assert imported.left_out == {
        "with one partner, not with the world": 1,
        "item SOX is not one of services_trade.csv": 1,
        "a region or group, not a country": 1,
    }


def test_components_of_other_names_are_named(tmp_path: Path, reference: Reference) -> None:
    path = batis(tmp_path / "batis.csv", "CHL,W,X,SI,A,USD_EXC,B,2022,512.5,6,A", item="KIND")
    with pytest.raises(
        ImportFault, match=r"has no SERVICE_ITEM or .* for the item; it has .*KIND.*--dimension item=NAME"
    ):
        read(path, "services_trade", reference)
    assert len(read(path, "services_trade", reference, named={"item": "KIND"}).rows) == 1
    with pytest.raises(ImportFault, match=r"colour: not one of year"):
        read(path, "services_trade", reference, named={"colour": "KIND"})


def test_two_observations_for_one_row_are_refused(tmp_path: Path, reference: Reference) -> None:
    path = batis(
        tmp_path / "batis.csv",
        "CHL,W,X,SI,A,USD_EXC,B,2022,512.5,6,A",
        "CHL,W,X,SI,Q,USD_EXC,B,2022,1,6,A",
    )
    with pytest.raises(ImportFault, match=r"two observations are both CL, 2022, export, SI; .*--only"):
        read(path, "services_trade", reference)
    assert len(read(path, "services_trade", reference, only={"FREQ": "A"}).rows) == 1


def test_value_added_needs_the_total_for_its_share(tmp_path: Path, reference: Reference) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text(
        "STRUCTURE;STRUCTURE_ID;ACTION;REF_AREA;TRANSACTION;ACTIVITY;PRICE_BASE;UNIT_MEASURE;CURRENCY;TIME_PERIOD;"
        "OBS_VALUE;UNIT_MULT\n"
        "dataflow;X:Y(1.0);I;CHL;B1G;J;V;XDC;CLP;2022;7500000;6\n"
        "dataflow;X:Y(1.0);I;CHL;B1G;_T;V;XDC;CLP;2022;250000000;6\n"
        "dataflow;X:Y(1.0);I;CHL;B1G;C;V;XDC;CLP;2022;25000000;6\n"
        "dataflow;X:Y(1.0);I;CHL;B1G;J;L;XDC;CLP;2022;1;6\n"
        "dataflow;X:Y(1.0);I;PER;B1G;J;V;XDC;PEN;2022;15000;6\n",
        encoding="utf-8",
    )
    imported = read(path, "value_added", reference)
    # 7,500,000 of 250,000,000 is 3 %.
    [row] = imported.rows
    assert (row["country"], row["value_lcu_m"], row["share_of_gva_percent"]) == ("CL", "7500000", "3")
    assert row["currency"] == "CLP"
    assert imported.left_out == {
        "without the total over all activities (_T) of the same year, no share can be said": 1
    }
    write_overlay(tmp_path / "overlay", [imported])
    assert (
        load_reference(tmp_path / "overlay").facts("value_added").height
        == reference.facts("value_added").height + 1
    )


COMPONENTS = ("REF_AREA", "COUNTERPART_AREA", "ACCOUNTING_ENTRY", "MEASURE", "UNIT_MEASURE", "TIME_PERIOD")


def test_a_structure_specific_message_needs_its_definition(tmp_path: Path, reference: Reference) -> None:
    # Both are written by sdmx1, as a publisher's software would.
    agency = Agency(id="TEST")
    definition = DataStructureDefinition(id="BATIS", maintainer=agency, version="1.0")
    concepts = ConceptScheme(id="CONCEPTS", maintainer=agency, version="1.0")
    for name in COMPONENTS:
        concepts.setdefault(id=name)
        definition.dimensions.getdefault(id=name, concept_identity=concepts[name])
    concepts.setdefault(id="OBS_VALUE")
    definition.measures.append(PrimaryMeasure(id="OBS_VALUE", concept_identity=concepts["OBS_VALUE"]))
    key = Key(**dict(zip(COMPONENTS, ("CHL", "W", "X", "SI", "USD_EXC", "2022"), strict=True)))
    data = DataMessage(
        data=[
            StructureSpecificDataSet(
                structured_by=definition,
                obs=[Observation(dimension=key, value="512.5", value_for=definition.measures[0])],
            )
        ],
        observation_dimension=AllDimensions,
    )
    path, structure = tmp_path / "batis.xml", tmp_path / "structure.xml"
    path.write_bytes(sdmx.to_xml(data))
    structure.write_bytes(
        sdmx.to_xml(
            StructureMessage(structure={definition.id: definition}, concept_scheme={"CONCEPTS": concepts})
        )
    )
    assert [
        row["value_usd_m"] for row in read(path, "services_trade", reference, structure=structure).rows
    ] == ["512.5"]
    with pytest.raises(ImportFault, match="is SDMX, but not a data message"):
        read(structure, "services_trade", reference)
    with pytest.raises(ImportFault, match="holds no data structure definition"):
        read(path, "services_trade", reference, structure=message(tmp_path / "other.xml"))


def test_sdmx_json(tmp_path: Path, reference: Reference) -> None:
    # SDMX-JSON 1.0: a key counts positions in the lists of values.
    values = ("CHL", "W", "X", "SI", "USD_EXC")
    dimensions = [
        {"id": name, "name": name, "keyPosition": position, "values": [{"id": value, "name": value}]}
        for position, (name, value) in enumerate(zip(COMPONENTS, values, strict=False))
    ]
    year = {"id": "TIME_PERIOD", "name": "Year", "role": "time", "values": [{"id": "2022", "name": "2022"}]}
    path = tmp_path / "batis.json"
    path.write_text(
        json.dumps(
            {
                "header": {
                    "id": "x",
                    "test": False,
                    "prepared": "2026-10-01T00:00:00Z",
                    "sender": {"id": "OECD"},
                },
                "dataSets": [
                    {
                        "action": "Information",
                        "series": {"0:0:0:0:0": {"attributes": [], "observations": {"0": [512.5]}}},
                    }
                ],
                "structure": {
                    "name": "BaTIS",
                    "dimensions": {"dataSet": [], "series": dimensions, "observation": [year]},
                    "attributes": {"dataSet": [], "series": [], "observation": []},
                },
            }
        ),
        encoding="utf-8",
    )
    assert [row["value_usd_m"] for row in read(path, "services_trade", reference).rows] == ["512.5"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.xml", "not xml", "cannot be read as SDMX"),
        ("x.xml", "<a/>", "cannot be read as SDMX"),
        ("x.json", "{}", "cannot be read as SDMX|has no observations|not a data message"),
        ("x.csv", "a,b\n1,2\n", "has no column OBS_VALUE: it is not SDMX-CSV"),
        ("x.csv", "REF_AREA,OBS_VALUE\n", "has no observations"),
        ("x.csv", "REF_AREA,OBS_VALUE\nCHL,1\n", "has no TIME_PERIOD or TIME or YEAR for the year"),
        (
            "x.csv",
            "REF_AREA,COUNTERPART_AREA,ACCOUNTING_ENTRY,MEASURE,TIME_PERIOD,OBS_VALUE\nCHL,W,X,SI,2022-Q1,1\n",
            "'2022-Q1' is not a year",
        ),
        (
            "x.csv",
            "REF_AREA,COUNTERPART_AREA,ACCOUNTING_ENTRY,MEASURE,TIME_PERIOD,OBS_VALUE\nCHL,W,X,SI,2022,much\n",
            "'much' is not an observed value",
        ),
        (
            "x.csv",
            "REF_AREA,COUNTERPART_AREA,ACCOUNTING_ENTRY,MEASURE,TIME_PERIOD,OBS_VALUE\nCHL,US,X,SI,2022,1\n",
            r"no observation of 2015 or later could be used \(1: with one partner",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, reference: Reference, name: str, text: str, says: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFault, match=says):
        read(path, "services_trade", reference)
