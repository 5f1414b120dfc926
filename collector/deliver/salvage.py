"""Salvage of a refused batch: the rows that the service takes are sent, since one impossible row need not cost all others.

The batch is sent in halves, and what is refused of them in halves again, down to single rows. The same batch is always cut
into the same parts with the same names, so that the service recognises those it has when this is done once more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from caudal.collector.deliver.delivery import Outcome
from caudal.contract.batch import Batch, decode_batch, encode_batch
from caudal.contract.errors import BatchError

_MOST_PARTS = 256
# Where none of so many parts is taken it is not single rows that the service minds.
_MOST_IN_VAIN = 16

Send = Callable[[bytes], Outcome]


@dataclass(frozen=True)
class Salvage:
    """The outcome of a refused batch that was sent in parts: rows taken, and a batch of the others.

    `outcome` is TAKEN where some were, REFUSED where none was; anything else ended it: it is to be done again later.
    """

    outcome: Outcome
    rows_taken: int = 0
    rest: bytes = b""


@dataclass(frozen=True)
class _Part:
    name: str
    flows: pa.Table
    ledger: pa.Table

    @property
    def rows(self) -> int:
        return int(self.flows.num_rows + self.ledger.num_rows)

    def halves(self) -> Iterator["_Part"]:
        """Yield flows and ledger or, of one of them, the first rows and the others."""
        if self.flows.num_rows and self.ledger.num_rows:
            yield _Part(self.name + "f", self.flows, self.ledger.slice(0, 0))
            yield _Part(self.name + "l", self.flows.slice(0, 0), self.ledger)
            return
        middle = self.rows // 2
        yield _Part(self.name + "0", self.flows.slice(0, middle), self.ledger.slice(0, middle))
        yield _Part(self.name + "1", self.flows.slice(middle), self.ledger.slice(middle))


def salvage(body: bytes, send: Send) -> Salvage:
    """Send a refused batch in parts; return what the service took, and the rest."""
    try:
        batch = decode_batch(body)
    except BatchError:
        return Salvage(Outcome.REFUSED)
    refused = [_Part(".", batch.flows, batch.ledger)]
    left: list[_Part] = []
    sent = taken = 0
    while refused:
        part = refused.pop()
        if part.rows < 2:
            left.append(part)
            continue
        for half in part.halves():
            if sent >= _MOST_PARTS or (sent >= _MOST_IN_VAIN and not taken):
                left.append(half)
                continue
            outcome = send(_encoded(batch, half))
            sent += 1
            if outcome in (Outcome.TAKEN, Outcome.HELD):
                taken += half.rows
            elif outcome is Outcome.REFUSED:
                refused.append(half)
            else:
                return Salvage(outcome)
    if not taken:
        return Salvage(Outcome.REFUSED)
    rest = _Part(
        ".rest", *(pa.concat_tables([getattr(part, name) for part in left]) for name in ("flows", "ledger"))
    )
    return Salvage(Outcome.TAKEN, taken, _encoded(batch, rest))


def _encoded(batch: Batch, part: _Part) -> bytes:
    origin = replace(batch.origin, sequence=(batch.origin.sequence + part.name)[-80:])
    return encode_batch(
        origin, part.flows.replace_schema_metadata(None), part.ledger.replace_schema_metadata(None)
    )
