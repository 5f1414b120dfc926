"""Exports of real devices: what each group of files must give.

CAUDAL_CORPUS names a directory with `logstash-codec-netflow/*.dat` (one UDP payload each; the files of one
device are read in the order given here, templates first) and `tcpdump/*.pcap` (see README there).

How the numbers were found: a script of its own, sharing no code with the product, walked the headers,
template sets and records with `struct` and added up, by the rules below, what every data record says; the
product was not consulted. netflume 0.6 decoded the same payloads; where it differs the row says why. The
sFlow captures were counted with tcpdump -v (samples) and scapy (IP length of each sampled header).

The rules: a record's bytes are octetDeltaCount (1), or initiatorOctets (231), or postOctetDeltaCount (23),
the first of them that is not zero; octetTotalCount (85) only where none of these is in the template; packets
likewise (2, 298, 24; 86). What an event of a connection (NSEL) repeats of earlier ones is 0. Reverse counters (RFC 5103, or 232 beside 231) make a record of their own unless
they are zero. A record without bytes and packets is an event. Nothing is multiplied by a sampling rate.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from caudal.collector.capture.capture import Capture
from caudal.collector.capture.capturekind import file_kind
from caudal.collector.columns.flowrecords import EVENT, WITHOUT_COUNTS
from caudal.collector.files.inspection import Inspection
from caudal.collector.metering.packetmeter import PacketMeter

CORPUS = os.environ.get("CAUDAL_CORPUS")
pytestmark = pytest.mark.skipif(CORPUS is None, reason="CAUDAL_CORPUS does not say where the captures are")


class Sum(NamedTuple):
    """What a group of files gives: flow records, events among them, bytes and packets as sent; then sets
    that still wait for a template, what is malformed, and the records whose counters are left out."""

    records: int
    events: int
    bytes: int
    packets: int
    waiting: int = 0
    malformed: int = 0
    without_counts: int = 0


V5, V9, IPFIX = "netflow5", "netflow9_test_", "ipfix_test_"

GROUPS: dict[tuple[str, ...], Sum] = {
    # NetFlow v5. netflow5.dat has further datagrams behind the two records its header announces: not part of
    # the payload, and counted as malformed.
    (V5,): Sum(2, 0, 534, 9, malformed=1),
    # Counts of 55,582 and 163 records where the format allows 30: the header is damaged, so nothing in it is
    # believed. netflume reads the 30 that fit (3.7 GB and 8.3 billion packets in one of them).
    (f"{V5}_test_invalid01",): Sum(0, 0, 0, 0, malformed=1),
    (f"{V5}_test_invalid02",): Sum(0, 0, 0, 0, malformed=1),
    (f"{V5}_test_juniper_mx80",): Sum(29, 0, 3989, 31),
    (f"{V5}_test_microtik",): Sum(30, 0, 40_812, 160),
    # NetFlow v9
    ("netflow9_cisco_asr1001x_tpl259",): Sum(25, 0, 38_255, 124),
    # Templates with fields of no length. Deltas are zero where the post counters are not, so those are taken
    # (netflume: 64 bytes in 2 packets, deltas only).
    (f"{V9}0length_fields_tpl_data",): Sum(10, 5, 160, 5),
    (f"{V9}cisco_1941K9",): Sum(29, 0, 70_258, 370),
    (f"{V9}invalid01",): Sum(2, 0, 194, 2),
    # Sets 259 and 262 come without their templates.
    (f"{V9}iptnetflow_reduced_size_encoding_tpldata260",): Sum(12, 0, 7598, 74, waiting=6),
    (f"{V9}juniper_srx_tplopt",): Sum(0, 0, 0, 0),
    (f"{V9}nprobe_dpi",): Sum(1, 0, 82, 1),
    (f"{V9}softflowd_tpl_data",): Sum(7, 0, 1128, 13),
    (f"{V9}unknown_tpl266_292_data",): Sum(2, 0, 310, 2),
    (f"{V9}valid01",): Sum(7, 0, 1128, 13),
    # A zero-filled tail behind the template set.
    (f"{V9}cisco_aci_tpl256-258", f"{V9}cisco_aci_data256"): Sum(3, 0, 297, 6),
    # NSEL, flows torn down: bytes are totals of the flow, packets are not told. (netflume reads no total.)
    (f"{V9}cisco_asa_1_tpl", f"{V9}cisco_asa_1_data"): Sum(14, 0, 888, 0),
    # NSEL: 4 flows created, without counters; 15 updates and teardowns with initiator and responder octets,
    # which is 30 records. Of seven connections the teardown repeats what the update before it told, and adds nothing; of one
    # it tells all. (netflume reads neither counter.)
    (f"{V9}cisco_asa_2_tpl_26x", f"{V9}cisco_asa_2_tpl_27x", f"{V9}cisco_asa_2_data"): Sum(34, 4, 65_603, 0),
    (
        f"{V9}cisco_asr9k_opttpl257",
        f"{V9}cisco_asr9k_opttpl334",
        f"{V9}cisco_asr9k_opttpl256",
        f"{V9}cisco_asr9k_data256",
        f"{V9}cisco_asr9k_tpl260",
        f"{V9}cisco_asr9k_tpl266",
        f"{V9}cisco_asr9k_data260",
    ): Sum(21, 0, 208_031, 531),
    (f"{V9}cisco_nbar_opttpl260", f"{V9}cisco_nbar_tpl262", f"{V9}cisco_nbar_data262"): Sum(5, 0, 3064, 40),
    # Records of wireless clients, without IP addresses.
    (f"{V9}cisco_wlc_tpl", f"{V9}cisco_wlc_data261"): Sum(19, 0, 142_991_108, 133_708),
    (f"{V9}cisco_wlc_8510_tpl_262",): Sum(0, 0, 0, 0),
    (f"{V9}field_layer2segmentid_tpl", f"{V9}field_layer2segmentid_data"): Sum(1, 0, 52, 1),
    (
        f"{V9}fortigate_fortios_521_tpl",
        f"{V9}fortigate_fortios_521_data256",
        f"{V9}fortigate_fortios_521_data257",
    ): Sum(1, 0, 152, 3),
    # In every record the post counters repeat the deltas.
    (f"{V9}fortigate_fortios_542_appid_tpl258-269", f"{V9}fortigate_fortios_542_appid_data258_262"): Sum(
        17, 0, 29_492, 105
    ),
    (f"{V9}h3c_tpl3281", f"{V9}h3c_data3281"): Sum(16, 0, 8_729_687, 6113),
    # A field of variable length in NetFlow v9, which has none by its RFC. (netflume: no record.)
    (f"{V9}h3c_netstream_varstring_tpl3281", f"{V9}h3c_netstream_varstring_data3281"): Sum(1, 0, 702, 9),
    (f"{V9}huawei_netstream_tpl", f"{V9}huawei_netstream_data"): Sum(1, 0, 200, 4),
    # Addresses and MAC addresses only: no counters.
    (f"{V9}macaddr_tpl", f"{V9}macaddr_data"): Sum(29, 0, 0, 0, without_counts=29),
    (f"{V9}nprobe_tpl", f"{V9}nprobe_data"): Sum(1, 0, 200, 2),
    (
        f"{V9}paloalto_81_tpl256-263",
        f"{V9}paloalto_81_data257_1flowset_in_large_zerofilled_packet",
    ): Sum(1, 0, 363, 3),
    (f"{V9}paloalto_panos_tpl", f"{V9}paloalto_panos_data"): Sum(8, 0, 617, 8),
    (f"{V9}streamcore_tpl_data256", f"{V9}streamcore_tpl_data260"): Sum(4, 0, 7295, 28),
    (
        f"{V9}ubnt_edgerouter_tpl",
        f"{V9}ubnt_edgerouter_data1024",
        f"{V9}ubnt_edgerouter_data1025",
    ): Sum(16, 0, 20_418, 114),
    # IPFIX. ipfix.dat is an IPFIX file of three messages.
    ("ipfix",): Sum(12, 0, 13_279, 54),
    # Deltas and totals: four records have a delta of zero and a total that was reported before.
    (f"{IPFIX}barracuda_tpl", f"{IPFIX}barracuda_data256"): Sum(8, 4, 388, 4),
    (f"{IPFIX}barracuda_extended_uniflow_tpl256", f"{IPFIX}barracuda_extended_uniflow_data256"): Sum(
        2, 2, 0, 0
    ),
    (f"{IPFIX}ixia_tpldata256", f"{IPFIX}ixia_tpldata271"): Sum(3, 1, 492, 6),
    (
        f"{IPFIX}juniper_mx240_junos151r6s3_opttpl512",
        f"{IPFIX}juniper_mx240_junos151r6s3_data512",
    ): Sum(0, 0, 0, 0),
    (f"{IPFIX}mikrotik_tpl", f"{IPFIX}mikrotik_data258", f"{IPFIX}mikrotik_data259"): Sum(
        46, 0, 103_235, 253
    ),
    # Template 280 is not in the files.
    (f"{IPFIX}netscaler_tpl", f"{IPFIX}netscaler_data"): Sum(3, 0, 3106, 5, waiting=1),
    # A NAT event.
    (f"{IPFIX}nokia_bras_tpl", f"{IPFIX}nokia_bras_data256"): Sum(1, 1, 0, 0),
    (f"{IPFIX}openbsd_pflow_tpl", f"{IPFIX}openbsd_pflow_data"): Sum(26, 0, 99_323, 209),
    # Counters only in elements of the maker's own (enterprise 15397).
    (f"{IPFIX}procera_tpl52935", f"{IPFIX}procera_data52935"): Sum(8, 0, 0, 0, without_counts=8),
    (f"{IPFIX}viptela_tpl257", f"{IPFIX}viptela_data257"): Sum(1, 0, 775, 8),
    (
        f"{IPFIX}vmware_vds_tpl",
        f"{IPFIX}vmware_vds_data264",
        f"{IPFIX}vmware_vds_data266",
        f"{IPFIX}vmware_vds_data266_267",
    ): Sum(5, 0, 806, 8),
    # Biflows with totals: two records each. (netflume: two records, no totals.)
    (
        f"{IPFIX}yaf_tpls_option_tpl",
        f"{IPFIX}yaf_data45873",
        f"{IPFIX}yaf_data53248",
        f"{IPFIX}yaf_tpl45841",
        f"{IPFIX}yaf_data45841",
    ): Sum(4, 0, 596, 10),
}

CAPTURES: dict[str, Sum] = {
    # 13 flow samples, eleven of packets of 46 octets, one of 232 and one of 482; the rest are counters samples.
    # The agent has an IPv6 address.
    "sflow-print-v6": Sum(13, 0, 1220, 13),
    # One expanded flow sample 1:1000: a frame of 126 octets with a VLAN tag, of which 104 are IP.
    "sflow_expanded": Sum(1, 0, 104, 1),
    # Counters samples only; among them five NetFlow v5 datagrams with seven records (tcpdump takes them for
    # sFlow, their header read with struct says otherwise).
    "sflow_multiple_counter_30_pdus": Sum(7, 0, 1953, 12),
    # A record whose length goes far beyond the datagram.
    "sflow_print-segv": Sum(0, 0, 0, 0, malformed=1),
}


def decode(paths: list[Path]) -> Sum:
    inspection = Inspection()
    records = events = without = octets = packets = 0
    for path in paths:
        for flows in inspection.flows(path):
            records += len(flows)
            events += int((flows.kind == EVENT).sum())
            without += int((flows.kind == WITHOUT_COUNTS).sum())
            octets += int(flows.bytes.sum())
            packets += int(flows.packets.sum())
    ledger = inspection.totals()
    assert ledger["received"] == sum(ledger[name] for name in ("decoded", "waiting", "malformed", "filtered"))
    assert (ledger["decoded"], ledger["events"]) == (records, events)
    return Sum(records, events, octets, packets, ledger["waiting"], ledger["malformed"], without)


def dat(*names: str) -> list[Path]:
    return [Path(CORPUS or "", "logstash-codec-netflow", f"{name}.dat") for name in names]


def capture(name: str) -> Path:
    return Path(CORPUS or "", "tcpdump", f"{name}.pcap")


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_a_group_gives_what_it_must(names: tuple[str, ...]) -> None:
    assert decode(dat(*names)) == GROUPS[names]


@pytest.mark.parametrize("names", [names for names in GROUPS if len(names) > 1], ids=lambda names: names[-1])
def test_data_before_its_templates_gives_the_same(names: tuple[str, ...]) -> None:
    """The other way round: data waits for its template. Only rates announced later do not reach back."""
    assert decode(dat(*reversed(names))) == GROUPS[names]


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_gives_what_it_must(name: str) -> None:
    assert decode([capture(name)]) == CAPTURES[name]


def test_the_expanded_sample_in_detail() -> None:
    (record,) = Inspection().records(capture("sflow_expanded"))
    wanted = (
        "source",
        "destination",
        "source_port",
        "destination_port",
        "sampling_rate",
        "bytes",
        "input",
        "output",
    )
    assert [record[name] for name in wanted] == [
        "52.52.52.52", "53.53.53.53", 22, 52237, 1000, 104_000, 29001, 1_285_816_721,
    ]  # fmt: skip


def test_geneve_is_traffic() -> None:
    """A tunnelled packet, and no export: the outer IP packet of 116 octets is what is counted."""
    path = capture("geneve-gcp")
    assert file_kind(path) == "packets"
    meter = PacketMeter(300_000)
    flows = [meter.add(chunk) for chunk in Capture(path).chunks()] + [meter.flush()]
    assert (sum(len(one) for one in flows), sum(int(one.bytes.sum()) for one in flows)) == (1, 116)


def test_every_file_is_in_the_table() -> None:
    files = {path.stem for path in Path(CORPUS or "", "logstash-codec-netflow").glob("*.dat")}
    assert files == {name for names in GROUPS for name in names}
    captures = {path.stem for path in Path(CORPUS or "", "tcpdump").glob("*.pcap")}
    assert captures == {*CAPTURES, "geneve-gcp"}


def test_all_of_it_as_one_stream_does_not_raise() -> None:
    """Devices that never met, taken for one exporter: templates overwrite each other."""
    decode(dat(*(name for names in GROUPS for name in names)))
    decode(dat(*(name for names in reversed(GROUPS) for name in names)))
