from datetime import date
from pathlib import Path

import pytest

from caudal.common.errors import SettingsError
from caudal.service.settings.settings import load_settings

WHOLE = """
dsn = "chdb:///var/lib/caudal/store"
listen = "127.0.0.1:8080"
reference_overlay = "overlay"

[[operators]]
id = "demo-net"
name = "Demo Net"
economy = "XA"
subscribers = 1200000
subscribers_as_of = "2026-09-30"

[[collectors]]
id = "xa-1"
operator = "demo-net"
token_file = "xa-1.token"
"""


def write(directory: Path, text: str) -> Path:
    path = directory / "service.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_whole_file(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, WHOLE))
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.reference_overlay == tmp_path / "overlay"
    assert settings.collectors[0].token_file == tmp_path / "xa-1.token"
    assert settings.operator("demo-net").subscribers == 1_200_000
    assert settings.operators_of("XA") == settings.operators
    assert settings.keep_windows_days == 30


def test_environment_goes_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUDAL_SERVICE_DSN", "clickhouse://caudal:verysecret@db:8123/caudal")
    monkeypatch.setenv("CAUDAL_SERVICE_LISTEN", "[::1]:9000")
    settings = load_settings(write(tmp_path, WHOLE))
    assert settings.dsn.get_secret_value().endswith("@db:8123/caudal")
    assert (settings.host, settings.port) == ("::1", 9000)
    assert "verysecret" not in repr(settings)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("dsn =", "dns ="), "dns"),
        (("dsn =", "# dsn ="), "dsn: is missing"),
        (('economy = "XA"', 'economy = "Xa"'), "operators.0.economy"),
        (('listen = "127.0.0.1:8080"', 'listen = "8080"'), "listen"),
        (('operator = "demo-net"', 'operator = "demonet"'), "not among operators (demo-net)"),
        (("subscribers_as_of", "# subscribers_as_of"), "subscribers_as_of together"),
        (("subscribers = 1200000", "subscribers = -1"), "operators.0.subscribers"),
        (('token_file = "xa-1.token"', 'token = "abc"'), "collectors.0.token"),
        (("[[collectors]]", "[[collectors"), "not TOML"),
    ],
)
def test_what_is_wrong_in_one_line(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = write(tmp_path, WHOLE.replace(*change))
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert "\n" not in message


def test_same_collector_twice(tmp_path: Path) -> None:
    again = WHOLE + WHOLE[WHOLE.index("[[collectors]]") :]
    with pytest.raises(SettingsError, match="xa-1 is given more than once"):
        load_settings(write(tmp_path, again))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file or directory; give the settings file"):
        load_settings(tmp_path / "none.toml")


def test_misspelt_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUDAL_SERVICE_LISTENS", "127.0.0.1:1")
    with pytest.raises(SettingsError, match="CAUDAL_SERVICE_LISTENS is no setting"):
        load_settings(write(tmp_path, WHOLE))


def test_variable_that_is_not_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUDAL_SERVICE_OPERATORS", "demo-net")
    with pytest.raises(SettingsError, match="written as JSON"):
        load_settings(write(tmp_path, WHOLE))


def test_subscribers_have_a_history(tmp_path: Path) -> None:
    history = """
[[operators.subscriber_counts]]
as_of = "2026-03-31"
count = 900000
[[operators.subscriber_counts]]
as_of = "2025-12-31"
count = 800000
"""
    text = WHOLE.replace("\n[[collectors]]", f"{history}\n[[collectors]]")
    operator = load_settings(write(tmp_path, text)).operator("demo-net")
    assert [each.count for each in operator.history] == [800_000, 900_000, 1_200_000]
    counts = {
        day: operator.declared(day) for day in (date(2025, 1, 31), date(2026, 3, 31), date(2026, 12, 31))
    }
    # Before the first date the first count is the best there is.
    assert [each.count if each else None for each in counts.values()] == [800_000, 900_000, 1_200_000]
    twice = text.replace("2026-03-31", "2026-09-30")
    with pytest.raises(SettingsError, match=r"subscribers are given twice for 2026-09-30"):
        load_settings(write(tmp_path, twice))


def test_no_subscribers_are_declared(tmp_path: Path) -> None:
    text = WHOLE.replace("subscribers = 1200000\nsubscribers_as_of", "# ")
    assert load_settings(write(tmp_path, text)).operator("demo-net").declared(date(2026, 1, 31)) is None


def test_a_network_is_one_operators_at_a_time(tmp_path: Path) -> None:
    two = WHOLE.replace('name = "Demo Net"', 'name = "Demo Net"\nasns = [64500, 64501]') + (
        '[[operators]]\nid = "other"\nname = "Other"\neconomy = "XA"\nasns = [64501]\n'
    )
    with pytest.raises(SettingsError, match="AS64501 belongs to demo-net and to other at one time"):
        load_settings(write(tmp_path, two))
    dated = two.replace("64501]", '{ asn = 64501, until = "2026-06-30" }]', 1).replace(
        "[64501]", '[{ asn = 64501, since = "2026-07-01" }]'
    )
    operators = load_settings(write(tmp_path, dated)).operators
    assert operators[0].asns_on(date(2026, 6, 15)) == (64500, 64501)
    assert operators[1].asns_on(date(2026, 7, 15)) == (64501,)
    with pytest.raises(SettingsError, match="before 2026-07-01; correct a date"):
        load_settings(write(tmp_path, dated.replace('since = "2026-07-01"', 'since = "2026-07-01", until = "2026-01-01"')))  # fmt: skip
