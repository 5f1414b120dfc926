"""`caudal meter` says of exporters what `caudal inspect` says of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from caudal.collector.files.inspection import Inspection
from caudal.collector.settings.override import Override
from caudal.commands.meter import MeterQuestion, meter_files

FIELD = Path(__file__).parents[1] / "data" / "field"
HOME = ("198.51.100.0/24",)


@pytest.mark.parametrize(
    ("file", "kind"),
    [("two_sequences_by_port.pcap", "perhaps_sampled"), ("three_messages.ipfix", ""), ("huge_counts.pcap", "counts_not_believed")],
)  # fmt: skip
def test_the_same_signs(file: str, kind: str) -> None:
    inspection = Inspection(override=Override(home=HOME))
    for _ in inspection.flows(FIELD / file):
        pass
    question = MeterQuestion(files=[FIELD / file], home=HOME, economy="CL")
    found = meter_files(question, lambda: datetime(2026, 11, 21, tzinfo=UTC))["signs"]
    assert found == [sign.plain for sign in inspection.signs()]
    assert kind in {sign["kind"] for sign in found} or (not kind and not found)
