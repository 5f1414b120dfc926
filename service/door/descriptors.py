"""The number of connections that the process may have open: the system's descriptors, less those that the store needs."""

import resource

from caudal.common.errors import SettingsError

# More than anybody needs; where the system sets no limit, this is one.
_MOST = 1 << 20
_LEAST_RESERVE, _MOST_RESERVE = 128, 1024
_LEAST_CONNECTIONS = 16


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to what the system allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def most_connections(wanted: int, descriptors: int) -> int:
    """Return the number of connections that may be open at once; raise SettingsError where hardly any could be."""
    reserve = min(_MOST_RESERVE, max(_LEAST_RESERVE, descriptors // 4))
    most = min(wanted, descriptors - reserve)
    if most < _LEAST_CONNECTIONS:
        raise SettingsError(
            f"the process may open {descriptors} files, of which the store needs {reserve}; raise the limit (LimitNOFILE "
            "of the unit, or ulimit -n) to 1024 or more"
        )
    return most
