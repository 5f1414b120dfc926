"""The traps of decoding flow exports, and for each the tests that spring it.

The list is checked: a test that is renamed or removed is missed here. Files are below tests/collector/.
"""

import ast
import struct
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.builders import (
    BASIC,
    Bench,
    a_set,
    basic,
    bench,
    ethernet,
    flow_sample,
    ipfix,
    netflow5,
    netflow7,
    netflow9,
    options9,
    raw_header,
    record5,
    record7,
    sflow,
    template,
    udp4,
)

TRAPS = {
    "data before its template": {
        "decode/test_decoder.py": (
            "test_data_before_its_template_is_replayed_and_counted",
            "test_replayed_data_keeps_its_own_clock",
            "test_waiting_sets_are_bounded_and_those_dropped_are_malformed",
        )
    },
    "totals told again, and a firewall's last word on a connection": {
        "field/test_totals.py": (
            "test_totals_told_again_count_by_what_is_new",
            "test_flows_that_begin_anew_at_each_export_count_whole",
            "test_the_start_is_compared_as_it_was_sent",
        ),
        "field/test_connections.py": (
            "test_a_teardown_tells_the_increments_again",
            "test_a_connection_that_only_tells_its_end_counts_that",
            "test_firewalls_that_tell_an_event_in_ordinary_records_count_them_all",
        ),
    },
    "templates lost at a restart": {
        "test_exportermemory.py": (
            "test_after_a_restart_data_decodes_at_once",
            "test_a_restart_in_the_middle_changes_no_record",
        ),
        "test_run.py": ("test_after_a_restart_data_decodes_at_once", "test_what_is_learnt_outlives_a_kill"),
    },
    "options records before or after the data, several samplers, another port": {
        "decode/test_sampling.py": (
            "test_options_record_before_the_data",
            "test_options_record_after_the_data_takes_effect_after_it",
            "test_several_samplers_of_one_exporter",
            "test_options_from_another_udp_port",
        )
    },
    "samplingPacketInterval and samplingPacketSpace": {
        "decode/test_sampling.py": ("test_sampling_packet_interval_space_and_the_other_ways_to_say_it",)
    },
    "the mode bits in the sampling field of v5": {
        "decode/test_netflow5.py": ("test_v5_sampling_mode_bits_are_no_part_of_the_rate",)
    },
    "first and last switched of v9, and the wrap of the uptime": {
        "decode/test_flowtimes.py": (
            "test_v9_first_and_last_switched_are_relative_to_the_uptime_of_the_header",
            "test_v9_uptime_wrap",
            "test_v9_last_switched_after_the_header_across_the_wrap",
        ),
        "decode/test_netflow5.py": ("test_v5_uptime_wrap_between_first_and_export",),
    },
    "dateTimeMicroseconds and -Nanoseconds are NTP fractions": {
        "decode/test_flowtimes.py": ("test_ipfix_micro_and_nanoseconds_are_ntp_fractions",)
    },
    "counters of 1 to 8 octets": {
        "decode/test_templated.py": ("test_reduced_size_counters",),
        "decode/test_recordlayout.py": ("test_reduced_size_counters_of_1_to_8_octets",),
    },
    "templates of no length, of no fields, without end; withdrawal": {
        "decode/test_template.py": (
            "test_zero_fields_in_v9_is_malformed",
            "test_zero_length_template_is_malformed_and_those_before_it_are_kept",
        ),
        "decode/test_decoder.py": (
            "test_zero_length_template_and_zero_fields_are_malformed",
            "test_withdrawal_of_one_template",
            "test_withdrawal_of_all_templates_of_a_domain",
            "test_templates_are_bounded_per_exporter",
        ),
        "decode/test_recordlayout.py": ("test_fields_of_no_length_cost_no_time",),
    },
    "variable length of 1 and 3 octets, enterprise bit, also in options": {
        "decode/test_recordlayout.py": (
            "test_variable_length_of_1_and_3_octets",
            "test_a_variable_record_cut_short_keeps_those_before_it",
        ),
        "decode/test_template.py": (
            "test_enterprise_elements_are_not_those_of_iana",
            "test_variable_length_in_options_templates",
        ),
        "decode/test_sampling.py": ("test_options_with_a_name_of_variable_length",),
    },
    "padding, a tail of zeros, a bad length of a set": {
        "decode/test_decoder.py": (
            "test_set_padding",
            "test_zero_filled_tail",
            "test_bad_set_length_keeps_earlier_records",
        )
    },
    "sequence numbers count other things in each protocol, wrap, and begin again": {
        "decode/test_netflow5.py": ("test_v5_sequence_counts_flows",),
        "decode/test_decoder.py": (
            "test_v9_sequence_counts_datagrams",
            "test_ipfix_sequence_counts_data_records_before_the_message",
        ),
        "decode/test_sequence.py": ("test_wrap", "test_restart_is_no_loss"),
        "decode/test_sflow5.py": (
            "test_samples_that_never_came_are_lost",
            "test_samples_that_the_agent_dropped_are_lost",
            "test_an_agent_that_starts_again_has_lost_nothing",
            "test_sequence_numbers_wrap",
        ),
        "test_traps.py": (
            "test_an_exporter_that_begins_again_has_lost_nothing",
            "test_a_gap_is_a_loss",
            "test_the_wrap_of_the_number_is_no_loss",
        ),
    },
    "sFlow: expanded samples, interface formats, agent and source, counters, headers": {
        "decode/test_sflow5.py": (
            "test_expanded_samples",
            "test_an_output_that_is_no_interface_is_absent",
            "test_agent_address_is_not_the_udp_source",
            "test_counters_samples_are_passed_over",
            "test_vlan_headers",
            "test_mpls_labels",
            "test_a_tunnel_counts_by_its_outer_packet_unless_told_otherwise",
            "test_a_tunnel_counts_by_its_inner_packet_if_told_so",
            "test_ipv6_agent",
        )
    },
    "NAT and firewall events without counters": {
        "decode/test_templated.py": (
            "test_nsel_without_counters_is_an_event",
            "test_nat_event_without_counters_is_an_event",
            "test_counters_of_zero_are_an_event",
        )
    },
    "biflows of RFC 5103, whose way back may be empty": {
        "decode/test_templated.py": (
            "test_rfc5103_biflow_is_two_directions",
            "test_rfc5103_empty_reverse_is_none",
        )
    },
    "delta, post and total counters in one record": {
        "decode/test_templated.py": ("test_of_delta_post_and_total_one_is_taken",)
    },
    "fields of IPv4 and of IPv6 in one template, and IPv4 mapped": {
        "decode/test_templated.py": (
            "test_ipv4_and_ipv6_in_one_template_the_all_zero_pair_is_ignored",
            "test_ipv4_mapped_ipv6_is_ipv4",
        )
    },
}


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_tests_of_its_name(trap: str) -> None:
    missing = {file: gone for file, names in TRAPS[trap].items() if (gone := set(names) - names_in(file))}
    assert missing == {}


# Sequence numbers, protocol by protocol

T9, T10 = template(256, *BASIC), template(256, *BASIC, ipfix=True)
DATA = a_set(256, basic() * 2)
HEADER = raw_header(ethernet(udp4("198.18.0.1", "203.0.113.9")))
# By protocol: a datagram with a number, how far one datagram moves it, and under which count a loss comes.
NUMBERED = {
    "v5": (lambda number: netflow5([record5()] * 2, sequence=number), 2, "lost"),
    "v7": (lambda number: netflow7([record7()] * 2, sequence=number), 2, "lost"),
    "v9": (lambda number: netflow9(T9, DATA, sequence=number), 1, "lost_datagrams"),
    "ipfix": (lambda number: ipfix(T10, DATA, sequence=number), 2, "lost"),
    "sflow": (lambda number: sflow(flow_sample(HEADER, sequence=number), sequence=number), 1, "lost_datagrams"),
}  # fmt: skip


def followed(protocol: str, *numbers: int) -> Bench:
    """Decode datagrams of these numbers, counted in datagrams, one after the other."""
    datagram, units, _ = NUMBERED[protocol]
    under = bench()
    for number in numbers:
        assert len(under.decode(datagram(number * units % (1 << 32)))) in (1, 2)
    return under


@pytest.mark.parametrize("protocol", NUMBERED)
@pytest.mark.parametrize("again", [0, 1, 5])
def test_an_exporter_that_begins_again_has_lost_nothing(protocol: str, again: int) -> None:
    under = followed(protocol, *range(70_000, 70_008), *range(again, again + 8))
    assert (under.count("lost"), under.count("lost_datagrams")) == (0, 0)


@pytest.mark.parametrize("protocol", NUMBERED)
def test_a_gap_is_a_loss(protocol: str) -> None:
    _, units, name = NUMBERED[protocol]
    under = followed(protocol, 10, 11, 12, 16, 17)
    assert under.count(name) == 3 * units


@pytest.mark.parametrize("protocol", NUMBERED)
def test_the_wrap_of_the_number_is_no_loss(protocol: str) -> None:
    _, units, _ = NUMBERED[protocol]
    last = (1 << 32) // units
    under = followed(protocol, *range(last - 4, last + 4))
    assert (under.count("lost"), under.count("lost_datagrams")) == (0, 0)


# Order


@pytest.mark.parametrize("lots", [[0, 1, 2, 3, 4], [0, 1, 5], [0, 5], [0, 3, 5], [0, 2, 5]])
def test_a_rate_whose_template_comes_late_holds_from_then_on(lots: list[int]) -> None:
    """However datagrams come in lots: data between the rate and its template is decoded without it."""
    sent = [
        netflow9(T9),
        netflow9(a_set(300, struct.pack(">II", 1, 12)), sequence=1),
        netflow9(DATA, sequence=2),
        netflow9(options9(300, [(1, 4)], [(34, 4)]), sequence=3),
        netflow9(DATA, sequence=4),
    ]
    under = bench()
    edges = [*lots, len(sent)] if lots[-1] < len(sent) else lots
    rates = [
        rate for first, last in pairwise(edges) for rate in under.decode(*sent[first:last]).sampling_rate
    ]
    assert rates == [1, 1, 12, 12]
