"""The SELECTs, one module per subject. Values are bound; identifiers come from the schema only."""

from caudal.service.queries.flows import FlowAnswer, FlowQuery, flows
from caudal.service.queries.ledger import LedgerAnswer, ledger, ledger_sums
from caudal.service.queries.months import (
    economies_with_data,
    month_facts,
    months_with_data,
    reporting_operators,
    synthetic_batches,
)

__all__ = [
    "FlowAnswer",
    "FlowQuery",
    "LedgerAnswer",
    "economies_with_data",
    "flows",
    "ledger",
    "ledger_sums",
    "month_facts",
    "months_with_data",
    "reporting_operators",
    "synthetic_batches",
]
