"""Which sites operators tell apart."""

from datetime import datetime

from caudal.service.store.store import Store


def sites_of(store: Store, economy: str, operator: str, start: datetime, end: datetime) -> set[str]:
    """Return the sites that an operator has flows of in the months from that of `start` to that of `end`."""
    found = store.frame(
        "SELECT DISTINCT toString(site) AS site FROM flow_month WHERE economy = {economy:String} "
        "AND operator = {operator:String} AND time BETWEEN toStartOfMonth(toDateTime({start:UInt32}, 'UTC')) "
        "AND toDateTime({end:UInt32}, 'UTC') AND site != ''",
        {
            "economy": economy,
            "operator": operator,
            "start": int(start.timestamp()),
            "end": int(end.timestamp()),
        },
    )
    return set(found["site"])
