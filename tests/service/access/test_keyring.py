"""Keys: how they look, what is kept of them, two at once, and that the store has them after a restart."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal.service.access.keyring import Keyring
from caudal.service.access.keys import DAYS, Key, digest_of, new_key
from caudal.service.errors import KeyConflict, NotFound
from caudal.service.migration.migration import migrate
from caudal.service.roles.roles import RULES, Role
from caudal.service.roles.scope import scope_fault
from caudal.service.store.store import Store

NOW = datetime(2026, 11, 21, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    directory: Path = tmp_path_factory.mktemp("keyring") / "store"
    with Store(f"chdb://{directory}") as store:
        migrate(store, lambda: NOW)
        yield store


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keyring(opened: Store, clock: Clock) -> Keyring:
    for table in ("access_key", "access_key_revocation"):
        opened.command(f"TRUNCATE TABLE {table}")
    keys = Keyring(opened, clock)
    keys.load()
    return keys


def analyst(keyring: Keyring, name: str = "University", days: int = DAYS) -> tuple[Key, str]:
    return keyring.create(Role.analyst, name, ["UY"], [], days, "admin")


def test_a_key_has_a_prefix_an_id_and_256_bits() -> None:
    made = [new_key() for _ in range(200)]
    for key_id, token in made:
        match = re.fullmatch(r"caudal_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})", token)
        assert match is not None
        assert match[1] == key_id
    # Every place of the secret takes many letters: none is fixed, the last has what is left of the bits.
    secrets = [token.rpartition("_")[2] for _, token in made]
    assert all(len({secret[place] for secret in secrets}) > 20 for place in range(42))
    assert len(set(secrets)) == len(secrets)


def test_only_its_hash_is_stored(keyring: Keyring, opened: Store) -> None:
    key, token = analyst(keyring)
    secret = token.rpartition("_")[2]
    for table in ("access_key", "access_key_revocation"):
        assert secret not in str(opened.frame(f"SELECT * FROM {table}").to_dicts())
    assert opened.value("SELECT digest FROM access_key") == digest_of(token) == key.digest
    assert secret not in repr(key)


def test_after_a_restart_everything_is_known(keyring: Keyring, opened: Store, clock: Clock) -> None:
    first, token = analyst(keyring)
    second, _ = keyring.create(Role.operator, "Net", [], ["demo-net"], 30, "admin")
    clock.now += timedelta(days=1)
    keyring.revoke(second.id, "admin", "lost")
    again = Keyring(opened, clock)
    again.load()
    assert again.all() == keyring.all()
    found = again.by_digest(digest_of(token))
    assert found == first
    assert found is not None
    assert found.actor.economies == {"UY"}
    assert found.expires_at == NOW.replace(microsecond=123000) + timedelta(days=DAYS)
    assert [key.state(clock.now) for key in again.all()] == ["valid", "revoked"] or [
        key.state(clock.now) for key in again.all()
    ] == ["revoked", "valid"]


def test_two_of_a_name_are_valid_so_that_one_can_take_the_place_of_the_other(
    keyring: Keyring, clock: Clock
) -> None:
    first, _ = analyst(keyring, days=10)
    analyst(keyring)
    with pytest.raises(KeyConflict, match=rf"2 keys of analyst 'University' are valid \(.*{first.id}.*\)"):
        analyst(keyring)
    analyst(keyring, "Another")
    keyring.create(Role.publisher, "University", [], [], 1, "admin")
    clock.now += timedelta(days=11)  # the first has expired
    third, _ = analyst(keyring)
    with pytest.raises(KeyConflict):
        analyst(keyring)
    keyring.revoke(third.id, "admin", "lost")
    analyst(keyring)


def test_a_key_is_revoked_once(keyring: Keyring, opened: Store, clock: Clock) -> None:
    key, token = analyst(keyring)
    ended, new = keyring.revoke(key.id, "admin", "lost")
    assert (new, ended.state(clock.now), ended.reason) == (True, "revoked", "lost")
    clock.now += timedelta(days=1)
    assert keyring.revoke(key.id, "somebody", "another reason") == (ended, False)
    assert opened.value("SELECT count() FROM access_key_revocation") == 1
    assert keyring.by_digest(digest_of(token)) == ended
    with pytest.raises(NotFound, match="there is no key 'nothing1'"):
        keyring.revoke("nothing1", "admin", "")


@given(
    role=st.sampled_from(Role),
    economies=st.lists(st.sampled_from(["UY", "BR"]), max_size=2),
    operators=st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
)
def test_what_a_role_may_be_bound_to(role: Role, economies: list[str], operators: list[str]) -> None:
    fault = scope_fault(role, economies, operators)
    allowed = {
        Role.public: False,
        Role.analyst: bool(economies) and not operators,
        Role.operator: bool(operators) and not economies,
        Role.publisher: not operators,
        Role.auditor: not economies and not operators,
        Role.admin: not economies and not operators,
        Role.collector: len(operators) == 1 and not economies,
    }
    assert role not in allowed or (fault is None) == allowed[role]
    rule = RULES[role]
    if operators and economies:
        assert fault is not None
    assert (rule.operators != "none") >= (fault is None and bool(operators))
    assert (rule.economies != "none") >= (fault is None and bool(economies))
    assert fault is None or re.search(r": give ", fault)
