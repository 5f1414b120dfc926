"""The secret factors of operators, as they were drawn."""

from caudal.service.store.store import Store


def drawn_factors(store: Store) -> dict[tuple[str, str], tuple[float, float]]:
    """Return factor and reach by economy and operator, of each the one drawn last for the widest reach."""
    rows = store.frame(
        "SELECT economy, operator, argMax(factor, (reach, drawn_at)) AS chosen, max(reach) AS widest "
        "FROM perturbation GROUP BY economy, operator"
    )
    return {(str(row[0]), str(row[1])): (float(row[2]), float(row[3])) for row in rows.iter_rows()}
