"""What is logged about exporters."""

import pytest

from caudal.collector.signlog import SignLog
from caudal.collector.signs import Sign


def test_each_sign_once(caplog: pytest.LogCaptureFixture) -> None:
    under = SignLog()
    rate = Sign("edge-1", "rate_not_believed", "It states sampling 1:2.", needs_attention=True)
    known = Sign("edge-1", "counts_otherwise", "It counts messages.", needs_attention=False)
    other = Sign("edge-2", "rate_not_believed", "It states sampling 1:3.", needs_attention=True)
    for signs in ([rate, known], [rate], [rate, other]):
        under.note(signs)
    assert [record.message for record in caplog.records] == [
        "edge-1: It states sampling 1:2.",
        "edge-2: It states sampling 1:3.",
    ]
