"""Keys to the API as the store has them, and which of them were revoked."""

import polars as pl

from caudal.service.store.store import Store


def keys(store: Store) -> pl.DataFrame:
    """Return id, digest, role, name, economies, operators, created_at, expires_at and created_by of every key, oldest first."""
    return store.frame(
        "SELECT id, digest, role, name, economies, operators, created_at, expires_at, created_by "
        "FROM access_key ORDER BY created_at, id"
    )


def revocations(store: Store) -> pl.DataFrame:
    """Return the first revocation of each key that was revoked: id, at (a time), by (a name), why."""
    return store.frame(
        "SELECT id, min(revoked_at) AS at, argMin(revoked_by, revoked_at) AS by, "
        "argMin(reason, revoked_at) AS why FROM access_key_revocation GROUP BY id"
    )
