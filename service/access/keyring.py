"""The keys there are: kept in the store, looked up in memory at each request."""

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from caudal.common.logline import quoted
from caudal.service.access.keys import VALID_AT_ONCE, Key, digest_of, new_key
from caudal.service.errors import KeyConflict, NotFound
from caudal.service.roles.roles import Role
from caudal.service.store.keyrows import keys, revocations
from caudal.service.store.store import Store

_TIME = pa.timestamp("ms", tz="UTC")


class Keyring:
    """Makes, finds and revokes keys; safe to use from several threads.

    A key counts from the moment `create` returns, and no longer from the moment `revoke` does. Rows are only ever
    added to the store.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._by_digest: dict[str, Key] = {}

    def load(self) -> None:
        """Read every key from the store."""
        with self._lock:
            revoked = {row["id"]: row for row in revocations(self._store).iter_rows(named=True)}
            found = {}
            for row in keys(self._store).iter_rows(named=True):
                end = revoked.get(row["id"])
                found[row["digest"]] = Key(
                    id=row["id"],
                    digest=row["digest"],
                    role=Role(row["role"]),
                    name=row["name"],
                    economies=frozenset(row["economies"]) or None,
                    operators=frozenset(row["operators"]) or None,
                    created_at=row["created_at"],
                    expires_at=row["expires_at"],
                    created_by=row["created_by"],
                    revoked_at=end["at"] if end else None,
                    revoked_by=end["by"] if end else "",
                    reason=end["why"] if end else "",
                )
            self._by_digest = found

    def all(self) -> list[Key]:
        """Return every key there ever was, oldest first."""
        return sorted(self._by_digest.values(), key=lambda key: (key.created_at, key.id))

    def by_digest(self, digest: str) -> Key | None:
        """Return the key whose SHA-256 this is, whether it is valid or not."""
        return self._by_digest.get(digest)

    def create(
        self,
        role: Role,
        name: str,
        economies: Collection[str],
        operators: Collection[str],
        days: int,
        created_by: str,
    ) -> tuple[Key, str]:
        """Return a new key: the key as the store knows it, and the secret itself, which is kept nowhere.

        Raise KeyConflict where two of this role and name are valid.
        """
        with self._lock:
            now = self._now()
            same = [key for key in self._by_digest.values() if (key.role, key.name) == (role, name)]
            valid = [key.id for key in same if key.state(now) == "valid"]
            if len(valid) >= VALID_AT_ONCE:
                raise KeyConflict(
                    f"{VALID_AT_ONCE} keys of {role} {name!r} are valid ({', '.join(sorted(valid))}); revoke the one "
                    "that is not needed any more, or give another name"
                )
            ids = {key.id for key in self._by_digest.values()}
            key_id, token = new_key()
            while key_id in ids:
                key_id, token = new_key()
            key = Key(
                id=key_id,
                digest=digest_of(token),
                role=role,
                name=name,
                economies=frozenset(economies) or None,
                operators=frozenset(operators) or None,
                created_at=now,
                expires_at=now + timedelta(days=days),
                created_by=created_by,
            )
            self._store.insert("access_key", _row(key), token=key_id)
            self._by_digest = {**self._by_digest, key.digest: key}
            return key, token

    def revoke(self, key_id: str, revoked_by: str, reason: str) -> tuple[Key, bool]:
        """Revoke a key; return it, and False if it was revoked before. Raise NotFound for an unknown id."""
        with self._lock:
            key = next((key for key in self._by_digest.values() if key.id == key_id), None)
            if key is None:
                raise NotFound("key", f"there is no key {quoted(key_id)}; `caudal keys list` names them", [])
            if key.revoked_at is not None:
                return key, False
            ended = replace(key, revoked_at=self._now(), revoked_by=revoked_by, reason=reason)
            rows = {
                "id": [key_id],
                "revoked_at": pa.array([ended.revoked_at], _TIME),
                "revoked_by": [revoked_by],
                "reason": [reason],
            }
            self._store.insert("access_key_revocation", pa.table(rows))
            self._by_digest = {**self._by_digest, key.digest: ended}
            return ended, True

    def _now(self) -> datetime:
        """Return the time to the millisecond, as it is stored."""
        now = self._clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _row(key: Key) -> pa.Table:
    texts = pa.list_(pa.string())
    return pa.table(
        {
            "id": [key.id],
            "digest": [key.digest],
            "role": [str(key.role)],
            "name": [key.name],
            "economies": pa.array([sorted(key.economies or ())], texts),
            "operators": pa.array([sorted(key.operators or ())], texts),
            "created_at": pa.array([key.created_at], _TIME),
            "expires_at": pa.array([key.expires_at], _TIME),
            "created_by": [key.created_by],
        }
    )
