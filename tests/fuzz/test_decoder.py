"""The fuzzer's harness: over its seed corpus, as committed, and over mutations of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.decoder import CORPUS, one_input, pack, unpack

from .make_corpus import inputs

SEEDS = sorted(CORPUS.iterdir())


def test_the_corpus_is_what_is_written() -> None:
    made = inputs()
    found = {seed.name: seed.read_bytes() for seed in SEEDS}
    assert {name: found.get(name) for name in made} == made, "run python -m tests.fuzz.make_corpus"
    assert sum(map(len, found.values())) < 64 << 10


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_seed(seed: object) -> None:
    one_input(seed.read_bytes())  # type: ignore[attr-defined]


def test_inputs_are_read_as_written() -> None:
    datagrams = [(0, b"abc"), (3, b""), (1, b"x" * 70)]
    assert [(number, payload) for number, payload, _ in unpack(pack(*datagrams))] == datagrams


def test_the_harness_notices_a_ledger_out_of_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.decoder.LEDGER_COUNTS", tuple(reversed(inputs_counts())))
    with pytest.raises(AssertionError):
        one_input(inputs()["netflow9"])


def inputs_counts() -> tuple[str, ...]:
    from caudal.collector.exporters.ledger import LEDGER_COUNTS

    return LEDGER_COUNTS


@settings(max_examples=150)
@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    octets = bytearray(b"".join(data.draw(st.lists(st.sampled_from(sorted(inputs().values())), max_size=4))))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6)):
        if octets:
            octets[at % len(octets)] = value
    one_input(bytes(octets))
