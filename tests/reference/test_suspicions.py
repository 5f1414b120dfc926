"""What `check` says beyond faults: each kind of slip is found where it is, and honest rows are left alone."""

from datetime import date
from pathlib import Path

import pytest

from caudal.reference.reading.suspicions import Suspicion, suspect
from caudal.reference.reference import examine

TODAY = date(2026, 11, 30)
ECONOMY = (
    "country,iso3,name_en,name_es,name_pt,region_group,celac,population,population_year,internet_users_percent,"
    "internet_users,internet_year,gdp_usd,gdp_year,gdp_per_head_usd,source,as_of,status\n"
)


def suspicions(directory: Path, **files: str) -> list[Suspicion]:
    for name, text in files.items():
        (directory / f"{name}.csv").write_text(text, encoding="utf-8")
    facts, faults = examine(directory)
    assert not faults
    return suspect(facts, examine()[0], TODAY, overlay_only=True)


NETWORKS = "platform_id,asn,as_name,source,as_of,status\n"
DOMAINS = "platform_id,suffix,use,match,source,as_of,status\n"
PLATFORM = (
    "platform_id,name,operator,parent,incorporation_country,hq_country,control_country,tier,category,ladder_stage,"
    "asn_status,source,as_of,status\n"
)
SUBSCRIBERS = "country,year,technology,subscriptions,source,as_of,status\n"
BY = "x,2026-11-01,verified\n"


@pytest.mark.parametrize(
    ("name", "text", "column", "says"),
    [
        ("platform_asns", f"{NETWORKS}meta,15169,M,{BY}", "platform_id", "meta replaces google"),
        (
            "platform_asns",
            f"{NETWORKS}meta,64512,M,{BY}",
            "asn",
            "AS64512 is for documentation or private use",
        ),
        (
            "platform_asns",
            f"{NETWORKS}meta,9,M,x,2027-01-01,verified\n",
            "as_of",
            "2027-01-01 is in the future",
        ),
        (
            "platform_asns",
            f"{NETWORKS}meta,15169,M,x,2020-01-01,verified\n",
            "as_of",
            "is older than the row it replaces",
        ),
        ("platform_domains", f"{DOMAINS}meta,com.br,web,suffix,{BY}", "suffix", "com.br is a public suffix"),
        (
            "platform_domains",
            f"{DOMAINS}meta,x.youtube.com,web,suffix,{BY}",
            "suffix",
            "lies under youtube.com of google",
        ),
        (
            "platforms",
            f"{PLATFORM}nueva,Nueva,Nueva,Nueva,CL,CL,CL,regional,media,4,verified,{BY}",
            "platform_id",
            "no traffic will be its",
        ),
        ("subscribers", f"{SUBSCRIBERS}CL,2027,mobile_cellular,1,{BY}", "year", "2027 is in the future"),
        (
            "subscribers",
            f"{SUBSCRIBERS}CL,2024,mobile_broadband,99000000,{BY}",
            "subscriptions",
            "99,000,000 is more than 3 for each of",
        ),
        ("subscribers", f"{SUBSCRIBERS}CL,2023,fixed_broadband,45,{BY}", "subscriptions", "a factor of"),
        (
            "economies",
            f"{ECONOMY}CL,CHL,Chile,Chile,Chile,CELAC,1,20000000,2024,95,9000000,2023,330000000000,2024,16500,{BY}",
            "internet_users",
            "9,000,000 is not 95 % of 20,000,000 people",
        ),
        (
            "economies",
            f"{ECONOMY}CL,CHL,Chile,Chile,Chile,EU,1,20000000,2024,95,19000000,2023,330000000000,2024,16500,{BY}",
            "region_group",
            "CL is not a member of EU",
        ),
        (
            "economies",
            f"{ECONOMY}CL,CHL,Chile,Chile,Chile,CELAC,1,20000000,2024,95,19000000,2023,33000000000,2024,16500,{BY}",
            "gdp_usd",
            "is not 16,500 a head of 20,000,000 people",
        ),
        (
            "economies",
            f"{ECONOMY}CL,CHL,Chile,Chile,Chile,CELAC,1,20000000,2024,95,19000000,2016,330000000000,2024,16500,{BY}",
            "internet_year",
            "2016 is more than 5 years ago",
        ),
        (
            "transit_asns",
            "asn,control_country,operator,as_name,valid_to,source,as_of,status\n"
            f"3356,US,Lumen/Level 3,L,2026-03-31,{BY}",
            "valid_to",
            "ended on 2026-03-31, and nothing holds after it",
        ),
    ],
)
def test_a_slip_is_said_with_its_place(tmp_path: Path, name: str, text: str, column: str, says: str) -> None:
    found = [str(each) for each in suspicions(tmp_path, **{name: text}) if each.column == column]
    assert any(says in each for each in found), found
    assert all(each.startswith(f"{tmp_path / name}.csv, line 2, column {column}: ") for each in found)


def test_a_row_that_repeats_what_is_shipped_is_not_needed(tmp_path: Path) -> None:
    from caudal.reference.reading.facts import DATA

    header, first, *_ = (DATA / "transit_asns.csv").read_text(encoding="utf-8").splitlines()
    [found] = suspicions(tmp_path, transit_asns=f"{header}\n{first}\n")
    assert "it is not needed" in str(found)


def test_an_honest_platform_is_not_suspicious(tmp_path: Path) -> None:
    assert not suspicions(
        tmp_path,
        platforms=f"{PLATFORM}nueva,Nueva,Nueva,Nueva,CL,CL,CL,regional,marketplace,4,verified,{BY}",
        platform_asns=f"{NETWORKS}nueva,27999,Nueva,{BY}",
        platform_domains=f"{DOMAINS}nueva,nueva.cl,web,registrable,{BY}",
    )


def test_of_the_facts_shipped_the_old_and_doubtful_are_said() -> None:
    facts, faults = examine()
    assert not faults
    found = [str(each) for each in suspect(facts, facts, TODAY, overlay_only=False)]
    # Cuba's product is of 2020, Haiti's share of internet users of 2019, Venezuela's of 2017.
    for says in ("gdp_year: 2020", "internet_year: 2019", "internet_year: 2017"):
        assert any(f"column {says} is more than 5 years ago" in each for each in found)
    assert not any("is in the future" in each for each in found)
    assert not any("is not a member of" in each or "% of" in each for each in found)
