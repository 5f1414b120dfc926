"""Rows stored of single hours of an operator."""

from collections.abc import Collection

from caudal.service.store.store import Store


def bytes_by_hour(
    store: Store, economy: str, operator: str, hours: Collection[int], smallest_packet: int
) -> dict[int, float]:
    """Return the bytes stored of each of these hours of an operator that has any: {1788220800: 4.2e12}.

    Hours are told by when they begin, in seconds of Unix time. Packets count `smallest_packet` bytes each where that is more
    than the bytes.
    """
    found = store.frame(
        "SELECT toInt64(toUnixTimestamp(time)) AS start, "
        "greatest(sum(toFloat64(f.bytes)), sum(toFloat64(f.packets)) * {smallest:UInt8}) AS carried "
        "FROM flow_hour AS f WHERE economy = {economy:String} AND operator = {operator:String} "
        "AND time IN (SELECT toDateTime(arrayJoin({hours:Array(UInt32)}), 'UTC')) GROUP BY start",
        {"smallest": smallest_packet, "economy": economy, "operator": operator, "hours": list(hours)},
    )
    return dict(found.iter_rows())
