"""The reference as the store has it: which version is in force, its tables, and the files of each version that is kept."""

from datetime import date

from caudal.service.store.store import Store

OPERATOR_NETWORK = ("economy", "operator", "asn", "since", "until")


def reference_in_force(store: Store) -> str | None:
    """Return the version that the views join; None where none was loaded."""
    return store.value("SELECT argMax(version, loaded_at) FROM reference_version") or None


def was_in_force(store: Store, version: str) -> bool:
    """Return True if a version is or was in force."""
    return has_version(store, "reference_version", version)


def has_version(store: Store, table: str, version: str) -> bool:
    """Return True if a table of the reference has rows of a version. `table` is a name of the schema."""
    count = store.value(
        f"SELECT count() FROM {table} WHERE version = {{version:String}}", {"version": version}
    )
    return bool(count)


def operator_networks(store: Store) -> list[tuple[str, str, int, date, date]]:
    """Return the AS numbers of operators that are in force, as rows of OPERATOR_NETWORK in their order."""
    found = store.frame(
        f"SELECT {', '.join(OPERATOR_NETWORK)} FROM operator_network "
        "WHERE number = (SELECT max(number) FROM operator_network) ORDER BY economy, operator, asn, since, until"
    )
    return list(found.iter_rows())


def operator_networks_number(store: Store) -> int:
    """Return the number of the list of operators' AS numbers that is in force; 0 where there is none."""
    return int(store.value("SELECT max(number) FROM operator_network"))


def keeps_files(store: Store, version: str) -> bool:
    """Return True if the files of a version are kept."""
    return has_version(store, "reference_file", version)


def kept_files(store: Store, version: str) -> dict[str, str]:
    """Return the files of a version by name: {"data/platforms.csv": "platform_id,..."}; empty where none are kept."""
    return dict(
        store.frame(
            "SELECT toString(file) AS name, content FROM reference_file WHERE version = {version:String}",
            {"version": version},
        ).iter_rows()
    )


def kept_file_names(store: Store, version: str) -> list[str]:
    """Return the names of the files that are kept of a version."""
    found = store.frame(
        "SELECT toString(file) AS name FROM reference_file WHERE version = {version:String}",
        {"version": version},
    )
    return [str(name) for name in found["name"]]
