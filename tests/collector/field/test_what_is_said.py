"""What `caudal inspect` says of each report from the field, in words of whoever looks after routers."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from caudal.collector.capture.capturefile import CaptureError
from caudal.collector.files.inspection import Inspection
from caudal.commands.inspect import show_inspection

from .balanced import FILES

UNSAMPLED = " without a sampling rate"
# Of each file what is said, and nothing else: the beginnings of sentences and what to do.
SAID = {
    "nsel_teardown.pcap": ["It tells what it told before", "Nothing is to be done", UNSAMPLED],
    "totals_told_again.pcap": ["It tells what it told before: 4 records", UNSAMPLED],
    "packet_section.pcap": [],
    "mpls_mac_4c.pcap": [],
    "mpls_mac_64.pcap": [],
    "rate_reversed.pcap": ["It states sampling 1:4294967295; no router samples less", "`sampling_override", UNSAMPLED],
    "two_layouts_by_port.pcap": [
        "2 exporting processes send from this address, told apart by UDP port",
        "Give each an address of its own",
        "another layout under the number of a known template once",
        UNSAMPLED,
    ],
    "rates_by_interface.pcap": [],
    "default_route_as.pcap": ["1 record tells the AS number of a default route", "the tables' was taken", UNSAMPLED],
    "huge_counts.pcap": ["2 records have more octets than their packets", "`capacity_gbit_per_second`", UNSAMPLED],
    "two_sequences_by_port.pcap": [
        "2 exporting processes send from this address",
        "It states no sampling rate, and its records have 1 packet each",
        UNSAMPLED,
    ],
    "three_messages.ipfix": [UNSAMPLED],
}  # fmt: skip
OF_TRAFFIC = ("gtpu_mirror.pcap", "nflog.pcap")


def said(path: Path) -> str:
    """What is shown below the ledger."""
    out = StringIO()
    show_inspection([path], Console(file=out, width=200), lambda count: None, Inspection())
    _, _, below = out.getvalue().partition("everything received is accounted for")
    return " ".join(below.split())


def test_every_report_is_here() -> None:
    assert {path.name for path in FILES.glob("*.[pi]*")} == {*SAID, *OF_TRAFFIC}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_of(name: str) -> None:
    text = said(FILES / name)
    for sentence in SAID[name]:
        assert sentence in text
    if not SAID[name]:
        assert text == ""
    assert (UNSAMPLED in text) == (UNSAMPLED in SAID[name])


@pytest.mark.parametrize("name", OF_TRAFFIC)
def test_captures_of_traffic_are_for_another_command(name: str) -> None:
    with pytest.raises(CaptureError, match="for a capture of traffic use `caudal meter`"):
        said(FILES / name)
