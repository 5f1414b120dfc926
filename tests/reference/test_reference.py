"""The reference as a whole: what it answers, its version, and overlays."""

import csv
import random
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from caudal.reference import (
    FILES,
    STATUSES,
    FactError,
    Reference,
    UnknownEconomy,
    UnknownGroup,
    attributions,
    load_reference,
)
from caudal.reference.files.networkfiles import KINDS
from caudal.reference.files.platformfiles import FUNCTIONS
from caudal.reference.reading.facts import DATA

MADE_UP = "made up for a test,2026-11-01,synthetic"


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference()


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """An overlay with the synthetic economy XA, a platform of its own, and one correction."""
    directory = tmp_path / "overlay"
    directory.mkdir()
    files = {
        "countries": f"country,iso3,name_en,name_es,name_pt,source,as_of,status\nXA,XAA,Demo,Demo,Demo,{MADE_UP}\n",
        "economies": "country,iso3,name_en,name_es,name_pt,region_group,celac,population,population_year,"
        "internet_users_percent,internet_users,internet_year,source,as_of,status\n"
        f"XA,XAA,Demo,Demo,Demo,CELAC,0,4000000,2025,75,3000000,2025,{MADE_UP}\n",
        "platform_asns": f"platform_id,asn,as_name,source,as_of,status\nmeta,15169,Renamed,{MADE_UP}\n",
    }
    for name, text in files.items():
        (directory / f"{name}.csv").write_text(text, encoding="utf-8")
    return directory


def test_a_network_has_one_row_and_the_control_of_its_platform(reference: Reference) -> None:
    networks = reference.networks
    assert networks["asn"].n_unique() == networks.height
    google = networks.filter(pl.col("asn") == 15169).to_dicts()[0]
    assert (google["platform_id"], google["kind"], google["control_country"]) == ("google", "platform", "US")
    claro = networks.filter(pl.col("asn") == 28573).to_dicts()[0]
    assert (claro["platform_id"], claro["kind"], claro["control_country"]) == ("", "access", "MX")
    assert claro["status"] == "verified"
    assert set(networks["kind"]) == {"platform", "access", "transit", *KINDS}
    assert networks["control_country"].null_count() == 0


def test_namibia_is_a_country_and_not_a_missing_value(reference: Reference) -> None:
    namibia = reference.countries.filter(pl.col("country") == "NA").to_dicts()[0]
    assert (namibia["iso3"], namibia["name_es"], namibia["region"]) == ("NAM", "Namibia", "Southern Africa")
    assert "NA" in reference.group("GLOBAL_SOUTH")


def test_countries_are_those_of_iso_3166_and_kosovo(reference: Reference) -> None:
    countries = reference.countries
    assert countries.height == 249 + 1
    assert countries["iso3"].n_unique() == countries.height
    assert countries.filter(pl.col("region") == "").is_empty()
    assert not {"ZZ", "EU", "UK", "XA"} & set(countries["country"])


def test_the_region_of_an_economy_is_a_group_it_belongs_to(reference: Reference) -> None:
    for country, group in reference.economies.select("country", "region_group").iter_rows():
        assert not group or country in reference.group(group)
    assert reference.economy("BR").region_group == "CELAC"
    assert reference.economy("DE").region_group == "EU"
    assert reference.economy("US").region_group == ""


def test_an_economy_carries_its_figures_with_their_years(reference: Reference) -> None:
    brazil = reference.economy("BR")
    assert brazil.name_pt == "Brasil"
    assert brazil.population == 211998573
    assert brazil.internet_users == 179061415
    assert brazil.population_year == 2024
    assert brazil.status == "verified_derived"


def test_an_unknown_economy_or_group_is_refused_with_what_there_is(reference: Reference) -> None:
    with pytest.raises(
        UnknownEconomy, match=r"'XA' is not an economy .* it has AE, .* Add a row to economies.csv"
    ):
        reference.economy("XA")
    with pytest.raises(UnknownGroup, match=r"'mercosul' is not a country group .* did you mean MERCOSUR\?"):
        reference.group("mercosul")


def test_every_platform_asn_of_the_facts_belongs_to_a_listed_platform(reference: Reference) -> None:
    assert "shein_temu" not in set(reference.platforms["platform_id"])
    assert {"shein", "temu"} <= set(reference.platforms["platform_id"])
    assert reference.platforms["ladder_stage"].dtype == pl.UInt8()
    assert reference.platforms["ladder_stage"].is_between(1, 5).all()


def test_the_version_is_the_newest_date_and_a_hash(reference: Reference) -> None:
    newest = max(reference.history(file.name)["as_of"].max() or date.min for file in FILES)
    day, digest = reference.version[:10], reference.version[11:]
    assert day == newest.isoformat()
    assert len(digest) == 12
    assert int(digest, 16) >= 0


def test_the_version_depends_on_the_facts_and_not_on_how_they_are_written(
    reference: Reference, tmp_path: Path
) -> None:
    directory = tmp_path / "data"
    shutil.copytree(DATA, directory, ignore=shutil.ignore_patterns("addresses"))
    path = directory / "platforms.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    random.Random(3).shuffle(rows)
    with path.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([header, *rows])
    assert load_reference(directory=directory).version == reference.version
    rows[0][header.index("note")] += " corrected"
    with path.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *rows])
    assert load_reference(directory=directory).version != reference.version


def test_an_overlay_adds_and_replaces_rows_by_key(reference: Reference, overlay: Path) -> None:
    changed = load_reference(overlay)
    assert changed.synthetic
    assert not reference.synthetic
    assert changed.version != reference.version
    assert load_reference(overlay).version == changed.version
    assert changed.economy("XA").internet_users == 3_000_000
    assert changed.economy("XA").gdp_usd is None
    assert changed.economies.height == reference.economies.height + 1
    renamed = changed.networks.filter(pl.col("asn") == 15169).to_dicts()[0]
    assert (renamed["platform_id"], renamed["name"]) == ("meta", "Renamed")
    assert changed.networks.height == reference.networks.height


def test_an_overlay_that_repeats_a_row_changes_no_version(reference: Reference, tmp_path: Path) -> None:
    header, first, *_ = (DATA / "transit_asns.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "transit_asns.csv").write_text(f"{header}\n{first}\n", encoding="utf-8")
    repeated = load_reference(tmp_path)
    assert repeated.version == reference.version
    assert not repeated.synthetic


def test_an_overlay_may_hold_only_files_of_facts(overlay: Path) -> None:
    (overlay / "plattforms.csv").write_text("platform_id\n", encoding="utf-8")
    with pytest.raises(
        FactError, match=r"plattforms\.csv: is no file of facts; an overlay may hold access_laws"
    ):
        load_reference(overlay)


def test_an_overlay_must_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(FactError, match="is not a directory; an overlay is a directory of files of facts"):
        load_reference(tmp_path / "nowhere")


def test_an_overlay_must_name_the_columns_that_may_not_be_empty(overlay: Path) -> None:
    (overlay / "transit_asns.csv").write_text(f"asn,source,as_of,status\n1,{MADE_UP}\n", encoding="utf-8")
    with pytest.raises(FactError, match=r"transit_asns\.csv, line 1, column control_country: is missing"):
        load_reference(overlay)


def test_an_economy_of_an_overlay_needs_its_country(overlay: Path) -> None:
    (overlay / "countries.csv").unlink()
    with pytest.raises(FactError, match=r"economies\.csv, line 2, column country: XA is not a country"):
        load_reference(overlay)


def test_attributions_name_every_source_that_asks_for_it() -> None:
    lines = attributions()
    assert len(lines) == len(set(lines))
    text = "\n".join(lines)
    for name in (
        "DB-IP",
        "https://db-ip.com",
        "routeviews.org",
        "nro.net",
        "CC BY 4.0",
        "World Bank",
        "CLDR",
    ):
        assert name in text


def test_the_documentation_names_every_file_with_its_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")
    for file in FILES:
        assert f"| {file.filename} | {', '.join(file.key)} |" in page
    for status in STATUSES:
        assert f"| `{status}` |" in page


def test_every_category_is_one_of_a_platform_and_has_one_function() -> None:
    reference = load_reference()
    categories = reference.facts("categories")
    assert set(categories["category"]) == set(reference.platforms["category"])
    assert set(categories["function"]) == set(FUNCTIONS)
    # What a service of several kinds is decided by is said; a name of one word needs no decision.
    words = categories.filter(pl.col("decided_by") != "")["category"]
    assert words.str.contains("_").all()
    # Finding, hosting and observing are not what pays for them: targeted advertising stands in a column of its own.
    observing = set(categories.filter("observes")["function"])
    assert observing == {"observes_people", "finds_answers", "hosts_expression"}


def test_a_platform_of_stage_1_or_2_connects_and_no_other_does() -> None:
    """P2 tells by the stage what others tell by the function: the two may not part."""
    reference = load_reference()
    connects = reference.facts("categories").filter(pl.col("function") == "connects")["category"].to_list()
    platforms = reference.platforms
    assert set(platforms.filter(pl.col("ladder_stage") < 3)["category"]) == set(connects)
    assert platforms.filter(pl.col("category").is_in(connects))["ladder_stage"].max() == 2
