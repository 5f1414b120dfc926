"""Settings: what is read, what goes before what, and one line for everything that is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from caudal.collector.pipeline.knownexporters import keys
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import load_settings, read_token
from caudal.common.errors import SettingsError

MINIMAL = {
    "collector": '"xa-1"',
    "operator": '"demo-net"',
    "economy": '"XA"',
    "home": '["198.18.0.0/16"]',
    "state_directory": '"state"',
}
SERVICE = '[service]\nurl = "http://127.0.0.1:8080"\ntoken_file = "token"\n'
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_settings(more: str = "", *, service: str = SERVICE, **changed: str | None) -> Path:
        values = {**MINIMAL, **changed}
        lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
        path = tmp_path / "collector.toml"
        path.write_text("\n".join([*lines, service, more]), encoding="utf-8")
        return path

    return write_settings


def wrong(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_least_that_must_be_said(write: Write, tmp_path: Path) -> None:
    settings = load_settings(write())
    assert (settings.collector, settings.economy, settings.home) == ("xa-1", "XA", ("198.18.0.0/16",))
    assert (settings.window_seconds, settings.k_anonymity, settings.synthetic) == (300, 5, False)
    assert settings.listen == ("0.0.0.0:2055",)
    assert settings.state_directory == tmp_path / "state"
    assert settings.service.token_file == tmp_path / "token"


def test_everything(write: Write, tmp_path: Path) -> None:
    exporters = (
        '[exporters]\n"192.0.2.1" = { name = "core-1", sampling = 1000 }\n"2001:DB8::1" = { sampling = 2.5 }'
    )
    settings = load_settings(
        write(
            exporters,
            listen='["127.0.0.1:2055", "[::1]:2055"]',
            metrics_listen='"127.0.0.1:9467"',
            window_seconds="60",
            locations='"/etc/locations.csv"',
            service=SERVICE + 'ca_file = "ca.pem"\n',
        )
    )
    assert settings.exporters["192.0.2.1"].name == "core-1"
    assert settings.exporters["2001:db8::1"].sampling == 2.5
    assert settings.locations == Path("/etc/locations.csv")
    assert settings.service.ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize("missing", [*MINIMAL, "service"])
def test_what_is_missing_is_named(write: Write, missing: str) -> None:
    path = write(service="") if missing == "service" else write(**{missing: None})
    assert wrong(path) == f"{path}: {missing}: is missing; add it (see docs/deploy.md for an example)"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("collector", '"XA 1"', "String should match pattern"),
        ("economy", '"xa"', "String should match pattern"),
        ("economy", "7", "valid string"),
        ("home", "[]", "at least 1 item"),
        ("home", '["198.18.0.1/16"]', "home prefix '198.18.0.1/16' does not parse"),
        ("home", '["here"]', "home prefix 'here' does not parse"),
        ("listen", "[]", "is empty and there are no interfaces"),
        ("listen", '["2055"]', "'2055' is no address and port; write it like 0.0.0.0:2055 or [::]:2055"),
        ("listen", '["127.0.0.1:99999"]', "'127.0.0.1:99999' is no address and port"),
        ("listen", '["::1:2055"]', "is no address and port"),
        ("metrics_listen", '"localhost"', "'localhost' is no address and port"),
        ("window_seconds", "5", "greater than or equal to 10"),
        ("window_seconds", "700", "700 s do not divide an hour; take 300, or another that does"),
        ("window_seconds", '"soon"', "valid integer"),
        ("lateness_seconds", "-1", "greater than or equal to 0"),
        ("idle_seconds", "0", "greater than 0"),
        ("tunnels", '"both"', "'both' is no kind of tunnel; write outer, inner, or a list of ipip, gre"),
        ("tunnels", '["gtpu", "gtp"]', "'gtp' is no kind of tunnel"),
        ("tunnels", "7", "tunnels"),
        ("k_anonymity", "0", "greater than or equal to 1"),
        ("receive_buffer_bytes", "1", "greater than or equal to 65536"),
        ("synthetic", '"perhaps"', "valid boolean"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_key(write: Write, key: str, value: str, says: str) -> None:
    path = write(**{key: value})
    message = wrong(path)
    assert message.startswith(f"{path}: {key}")
    assert says in message


@pytest.mark.parametrize(
    ("more", "service", "key", "says"),
    [
        ("", SERVICE.replace("http:", "ftp:"), "service.url", "String should match pattern"),
        ("", SERVICE + 'token = "abc"\n', "service.token", "is no setting; remove it or correct its name"),
        (
            '[exporters]\n"core-1" = {}',
            SERVICE,
            "exporters.core-1",
            "is no IP address or prefix",
        ),
        (
            '[exporters]\n"192.0.2.1" = { sampling = 0 }',
            SERVICE,
            "exporters.192.0.2.1.sampling",
            "greater than or equal to 1",
        ),
        (
            '[exporters]\n"192.0.2.1" = { sampling_override = true }',
            SERVICE,
            "exporters",
            "192.0.2.1: sampling_override without sampling; give the rate",
        ),
        (
            '[exporters]\n"192.0.2.0/24" = { name = "core" }',
            SERVICE,
            "exporters",
            "192.0.2.0/24: name belongs to one exporter; give it by address",
        ),
        (
            '[exporters]\n"192.0.2.9/24" = { sampling = 5 }',
            SERVICE,
            "exporters.192.0.2.9/24",
            "has host bits set",
        ),
        ('[exporters]\n"192.0.2.1" = { rate = 5 }', SERVICE, "exporters.192.0.2.1.rate", "is no setting"),
        ('[exporters]\n"192.0.2.1" = 1000', SERVICE, "exporters.192.0.2.1", "valid dictionary"),
        (
            '[exporters]\n"192.0.2.1" = { external = [10, 11], internal = [11] }',
            SERVICE,
            "exporters.192.0.2.1",
            "interface 11 is both external and internal; remove it from one of them",
        ),
        (
            '[exporters]\n"192.0.2.1" = { external = [0] }',
            SERVICE,
            "exporters.192.0.2.1.external",
            "greater than or equal to 1",
        ),
        (
            '[exporters]\n"192.0.2.1" = { metered = "both" }',
            SERVICE,
            "exporters.192.0.2.1.metered",
            "'ingress', 'egress' or 'crossing'",
        ),
        (
            '[exporters]\n"192.0.2.0/24" = { external = [10] }',
            SERVICE,
            "exporters",
            "192.0.2.0/24: external belongs to one exporter; give it by address",
        ),
    ],
)
def test_in_tables_too(write: Write, more: str, service: str, key: str, says: str) -> None:
    path = write(more, service=service)
    message = wrong(path)
    assert message.startswith(f"{path}: {key}")
    assert says in message


def test_an_unknown_key(write: Write) -> None:
    path = write(windows="300")
    assert wrong(path) == f"{path}: windows: is no setting; remove it or correct its name"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "no.toml"
    assert wrong(path) == f"{path}: No such file or directory; give the settings file with --config"


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "collector.toml"
    path.write_text("collector: xa-1\n")
    assert wrong(path).startswith(f"{path}: not TOML: ")
    path.write_bytes(b'collector = "\xff"')
    assert wrong(path) == f"{path}: byte 13 is not UTF-8; save the file as UTF-8"


def test_the_environment_goes_over_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUDAL_COLLECTOR_ECONOMY", "UY")
    monkeypatch.setenv("CAUDAL_COLLECTOR_HOME", '["203.0.113.0/24"]')
    monkeypatch.setenv("CAUDAL_COLLECTOR_SERVICE__URL", "https://service.example")
    settings = load_settings(write())
    assert (settings.economy, settings.home) == ("UY", ("203.0.113.0/24",))
    assert settings.service.url == "https://service.example"
    assert settings.service.token_file.name == "token"


def test_the_environment_may_say_what_the_file_does_not(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAUDAL_COLLECTOR_OPERATOR", "other-net")
    assert load_settings(write(operator=None)).operator == "other-net"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "CAUDAL_COLLECTOR_WINDOW",
            "60",
            "environment: CAUDAL_COLLECTOR_WINDOW is no setting; there are CAUDAL_COLLECTOR_",
        ),
        ("CAUDAL_COLLECTOR_WINDOW_SECONDS", "7", "environment: window_seconds: Input should be greater than"),
        ("CAUDAL_COLLECTOR_HOME", "198.18.0.0/16", "environment: "),
        ("CAUDAL_COLLECTOR_SERVICE__TOKEN", "x", "environment: service.token: is no setting"),
    ],
)
def test_wrong_in_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    assert wrong(write()).startswith(says)


def test_values_are_not_repeated_where_they_may_be_secrets(write: Write) -> None:
    assert "hush-hush" not in wrong(write(service=SERVICE + 'token = "hush-hush"\n'))


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        yield prefix + name, field.description
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in inner:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind, f"{prefix}{name}.")


def test_every_setting_has_a_description() -> None:
    described = dict(fields(CollectorSettings))
    assert {"service.url", "exporters.sampling"} <= set(described)
    assert [name for name, text in described.items() if not text] == []


# Tokens


def test_a_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("  abc-DEF_123=\n")
    assert read_token(path) == "abc-DEF_123="


@pytest.mark.parametrize("content", [b"", b"\n", b"my secret", b"caf\xc3\xa9", b"\xff", b"a\r\nX-Evil: 1"])
def test_no_usable_token(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=rf"^service\.token_file: {path} ") as caught:
        read_token(path)
    assert "my secret" not in str(caught.value)


def test_a_token_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="cannot be read: No such file or directory; write the token there"
    ):
        read_token(tmp_path / "token")


def test_exporters_by_prefix_and_who_is_allowed(write: Write) -> None:
    more = '[exporters]\n"2001:DB8::/32" = { sampling = 5, sampling_override = true }\n"192.0.2.1/32" = { name = "a" }'
    settings = load_settings(write(more, allow='["192.0.2.0/24", "2001:DB8::1"]', template_wait_seconds="60"))
    assert settings.allow == ("192.0.2.0/24", "2001:db8::1/128")
    assert settings.template_wait_seconds == 60
    assert set(settings.exporters) == {"2001:db8::/32", "192.0.2.1"}
    assert settings.exporters["2001:db8::/32"].sampling_override


def test_sites_of_exporters_prefixes_and_interfaces(write: Write) -> None:
    more = '[exporters]\n"192.0.2.1" = { site = "north-1" }\n"192.0.2.0/24" = { site = "south" }\n'
    more += '[[interfaces]]\nname = "eth1"\nsite = "north-1"\n'
    settings = load_settings(write(more))
    assert keys(settings.exporters, settings.interfaces) == {
        "site": {"192.0.2.1": "north-1", "192.0.2.0/24": "south", "interface eth1": "north-1"}
    }


@pytest.mark.parametrize("site", ["", "North", "-a", "a b", "a_b", "a" * 33, "ñ"])
def test_a_site_that_cannot_be(write: Write, site: str) -> None:
    message = wrong(write(f'[exporters]\n"192.0.2.1" = {{ site = "{site}" }}'))
    assert "exporters.192.0.2.1.site: String should match pattern" in message


def test_no_more_sites_than_can_be_told_apart(write: Write) -> None:
    lines = [f'"10.0.{n}.0/24" = {{ site = "s{n}" }}' for n in range(256)]
    assert load_settings(write("[exporters]\n" + "\n".join(lines[:255])))
    message = wrong(write("[exporters]\n" + "\n".join(lines)))
    assert "exporters and interfaces stand at 256 sites; 255 can be told apart: name fewer" in message


def test_who_is_allowed_is_said_by_prefix(write: Write) -> None:
    message = wrong(write(allow='["192.0.2.9/24"]'))
    assert "allow.0: '192.0.2.9/24' is no prefix" in message
    assert "write it like 192.0.2.0/24" in message


def test_interfaces(write: Write) -> None:
    settings = load_settings(
        write(service=SERVICE + '[[interfaces]]\nname = "eth1"\nexporter = "mirror-1"\n')
    )
    [interface] = settings.interfaces
    assert (interface.name, interface.exporter, interface.filter) == ("eth1", "mirror-1", "")
    assert (interface.promiscuous, interface.own_traffic, interface.snap_length) == (False, False, 2048)
    assert (settings.active_timeout_seconds, settings.idle_timeout_seconds) == (60, 15)
    assert (settings.names, settings.names_per_second) == (True, 20_000)


@pytest.mark.parametrize(
    ("interfaces", "key", "says"),
    [
        ('name = "eth1"\n[[interfaces]]\nname = "eth1"', "interfaces", "eth1 is listed twice"),
        ('name = "of far too long a name"', "interfaces.0.name", "String should match pattern"),
        ('name = "eth1"\nsnap_length = 100', "interfaces.0.snap_length", "greater than or equal to 128"),
        (
            'name = "eth1"\nbuffer_bytes = 4096',
            "interfaces.0.buffer_bytes",
            "greater than or equal to 2097152",
        ),
        ('name = "eth1"\nsnaplen = 100', "interfaces.0.snaplen", "is no setting"),
        ("promiscuous = true", "interfaces.0.name", "is missing"),
    ],
)
def test_interfaces_that_cannot_be(write: Write, interfaces: str, key: str, says: str) -> None:
    message = wrong(write(service=f"{SERVICE}[[interfaces]]\n{interfaces}\n"))
    assert f": {key}: " in message
    assert says in message


def test_who_captures_need_not_listen(write: Write) -> None:
    assert load_settings(write(service=SERVICE + '[[interfaces]]\nname = "eth1"\n', listen="[]")).listen == ()
    path = write(listen="[]")
    assert wrong(path) == (
        f"{path}: listen is empty and there are no interfaces: nothing would be metered; give one of them"
    )


@pytest.mark.parametrize("name", ["active_timeout_seconds", "idle_timeout_seconds", "names_per_second"])
def test_timeouts_and_rates_are_positive(write: Write, name: str) -> None:
    assert f"{name}: " in wrong(write(**{name: "0"}))


# What settings were called earlier


@pytest.mark.parametrize("kinds", ['"outer"', '"inner"'])
def test_the_earlier_name_of_tunnels_is_understood(write: Write, kinds: str) -> None:
    assert load_settings(write(sflow_tunnels=kinds)).tunnels == kinds.strip('"')
    assert load_settings(write(tunnels=kinds)).tunnels == kinds.strip('"')


def test_kinds_of_tunnels(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(write(tunnels='["gtpu", "vxlan"]')).tunnels == ("gtpu", "vxlan")
    monkeypatch.setenv("CAUDAL_COLLECTOR_TUNNELS", "inner")
    assert load_settings(write()).tunnels == "inner"


def test_the_earlier_name_where_it_would_mean_more_than_it_did(write: Write) -> None:
    more = '[[interfaces]]\nname = "eth1"\n'
    says = (
        "sflow_tunnels is now tunnels, and counts for interfaces as well; write tunnels where that is wanted"
    )
    assert says in wrong(write(more, sflow_tunnels='"inner"'))
    assert load_settings(write(more, sflow_tunnels='"outer"')).tunnels == "outer"
    assert "both are set; remove sflow_tunnels" in wrong(write(sflow_tunnels='"inner"', tunnels='"inner"'))
