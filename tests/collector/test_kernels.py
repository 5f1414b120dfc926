"""Nothing is compiled in the middle of work: what has metered one kind of export can meter every other."""

import numpy as np

from caudal.collector.aggregate import aggregate, celltable
from caudal.collector.columns.kernel import kernels
from caudal.collector.exporters import ledger
from caudal.collector.locate import home, locate
from caudal.collector.locate.boundary import Boundary
from caudal.collector.pipeline.pipeline import Pipeline
from tests.support.builders import (
    DESTINATION,
    HOME,
    OCTETS,
    PACKETS,
    ROUTER,
    SOURCE,
    TABLE,
    a_set,
    flow_records,
    ip,
    ipfix,
    lot,
    netflow5,
    netflow9,
    record5,
    template,
)

MODULES = {module.__name__ for module in (aggregate, celltable, home, ledger, locate)}
DATA = b"".join(number.to_bytes(4, "big") for number in (ip("198.18.0.1"), ip("203.0.113.9"), 1000, 10))


def specialisations() -> dict[str, int]:
    return {
        f"{kernel.py_func.__module__}.{kernel.py_func.__name__}": len(kernel.signatures)
        for kernel in kernels
        if kernel.py_func.__module__ in MODULES
    }


def pipeline(**more: object) -> Pipeline:
    given = {"economy": "UY", "home": HOME, "table": TABLE, "window_seconds": 300, "k": 5}
    return Pipeline(**(given | more))  # type: ignore[arg-type]


def test_kernels_are_compiled_once_whatever_is_metered() -> None:
    fields = (SOURCE, DESTINATION, OCTETS, PACKETS)
    one = pipeline(k=1, boundaries={ROUTER: Boundary(external=frozenset({3}))})
    number = one.exporters.number(ROUTER)
    one.datagrams(lot([netflow9(template(256, *fields), a_set(256, DATA))], number))
    one.datagrams(lot([netflow5([record5()] * 3)], number))
    one.datagrams(lot([ipfix(template(256, *fields, ipfix=True), a_set(256, DATA))], number))
    one.take(0, str, keep={1})
    many = np.arange(3_000)
    one.flows(
        flow_records(
            ip_version=many % 2 * 2 + 4,
            kind=many % 5 == 0,
            source_low=many + ip("198.18.0.0"),
            source_high=np.where(many % 2, 0x2001_0002_0000_0000, 0),
            destination_as=many + 1,
            sampling_rate=np.where(many % 3, 1000, 2.5),
            end_ms=many * 1_000_000,
        )
    )
    one.take(None, str)
    assert {name: count for name, count in specialisations().items() if count > 1} == {}
    assert (
        specialisations()["caudal.collector.aggregate.celltable._index_cells"] == 1
    )  # there was no room, once
