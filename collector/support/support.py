"""The file of `caudal collect support`: a collector described for people elsewhere who help. No address, no name, no secret."""

import importlib.metadata
import os
import platform
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from caudal import __version__
from caudal.collector.columns.flowrecords import PROTOCOLS
from caudal.collector.daemon.statussocket import ask
from caudal.collector.decode.exporterstate import PointState, from_json
from caudal.collector.decode.template.template import NOT_READ
from caudal.collector.deliver.spool import Spool
from caudal.collector.errors import CollectorError
from caudal.collector.exporters.pseudonym import pseudonym
from caudal.collector.memory import statefile
from caudal.collector.memory.exportermemory import FILE as STATE_FILE
from caudal.collector.memory.statelock import holder
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingstold import settings_told
from caudal.collector.support.redaction import Redaction

_LIBRARIES: Final = ("numpy", "numba", "pyarrow", "polars", "httpx", "pydantic", "prometheus-client")
_KERNEL: Final = ("net/core/rmem_max", "net/core/rmem_default", "net/core/netdev_max_backlog")
# Of a status, what says whose collector it is, or what its subscribers use.
_NOT_TOLD: Final = frozenset({"collector", "interfaces", "unlisted_caches", "listeners"})
_KEY_OCTETS = 32

About = dict[str, Any]


def support(settings: CollectorSettings, wall: Callable[[], float] = time.time) -> About:
    """Return the description of a collector, running or stopped, as values that JSON has.

    Exporters appear under the pseudonym of their address, named ones as well; the rest of what the operator calls things
    is left out, and so is whatever looks like an address in any text.
    """
    directory = settings.state_directory
    missing: list[str] = []
    name = partial(pseudonym, _key(directory, missing))
    redaction = Redaction(_words(settings, name))
    return {
        "about": "A collector of Caudal, for whoever helps its operator. It holds no address, no name of a router or network "
        "and no secret; exporter-… are keyed hashes. Read it before you send it.",
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall())),
        "versions": _versions(),
        "machine": _machine(directory),
        "settings": settings_told(settings, name),
        "status": _status(directory, redaction, missing),
        "spool": _spool(settings, missing),
        "templates": _templates(directory, missing),
        "not_to_be_had": [redaction.text(each) for each in missing],
    }


def _words(settings: CollectorSettings, name: Callable[[str], str]) -> dict[str, str]:
    """Return the names that the operator uses, each with the word that stands for it."""
    words = {settings.collector: "<collector>", settings.operator: "<operator>"}
    for each in settings.interfaces:
        words |= {each.name: "<interface>", each.exporter or each.name: "<interface>"}
    words |= {known.name: name(address) for address, known in settings.exporters.items() if known.name}
    for host in (urlsplit(settings.service.url).hostname, platform.node(), platform.node().partition(".")[0]):
        if host:
            words[host] = "<host>"
    return words


def _key(directory: Path, missing: list[str]) -> bytes:
    """Return the key of pseudonyms; where there is none that can be read, one that nobody else has."""
    with suppress(OSError):
        key = (directory / "pseudonym.key").read_bytes()
        if len(key) == _KEY_OCTETS:
            return key
    missing.append("the key of pseudonyms: exporters have others here than in the ledger at the service")
    return os.urandom(_KEY_OCTETS)


def _versions() -> About:
    libraries = {}
    for library in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            libraries[library] = importlib.metadata.version(library)
    return {"caudal": __version__, "python": platform.python_version(), "libraries": libraries}


def _machine(directory: Path) -> About:
    system = {}
    with suppress(OSError):
        system = platform.freedesktop_os_release()
    kernel = {}
    for setting in _KERNEL:
        with suppress(OSError, ValueError):
            kernel[setting.replace("/", ".")] = int((Path("/proc/sys") / setting).read_text("ascii"))
    about: About = {
        "system": system.get("PRETTY_NAME", platform.system()),
        "kernel": platform.release(),
        "processor": platform.machine(),
        "processors": os.cpu_count(),
        "processors_allowed": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel_settings": kernel,
    }
    with suppress(OSError):
        about["disk_free_bytes"] = shutil.disk_usage(directory).free
    return about


def _status(directory: Path, redaction: Redaction, missing: list[str]) -> About | None:
    """Return the status of the running collector without what says whose it is; None if none answers."""
    try:
        said = ask(directory)
    except CollectorError as error:
        missing.append(f"status and counters: {error}")
        return None
    listeners = [
        {name: value for name, value in each.items() if name != "address"} for each in said["listeners"]
    ]
    told = {name: value for name, value in said.items() if name not in _NOT_TOLD}
    told["shipping"] = {name: value for name, value in said["shipping"].items() if name != "service"}
    told["exporters"] = [
        {name: value for name, value in each.items() if name != "address"} for each in said["exporters"]
    ]
    found = redaction.values(told | {"listeners": listeners, "unlisted_caches": len(said["unlisted_caches"])})
    assert isinstance(found, dict)
    return found


def _spool(settings: CollectorSettings, missing: list[str]) -> About | None:
    directory = settings.state_directory
    running = None
    with suppress(OSError, CollectorError):
        running = holder(directory)
    try:
        state = Spool(directory / "spool", settings.spool_max_bytes).state()
    except (OSError, CollectorError) as error:
        missing.append(f"the spool: {error}")
        return None
    return {"collector_runs": running is not None} | _numbers_of(state)


def _numbers_of(state: object) -> About:
    """Return the numbers of a dataclass."""
    return {name: value for name, value in vars(state).items() if isinstance(value, int | float)}


def _templates(directory: Path, missing: list[str]) -> dict[str, list[About]] | None:
    """Return the templates that were kept, by the exporter's pseudonym, as layouts: which elements, of how many octets."""
    try:
        # Not by `statefile.read`, which tidies up: that is for the collector, which may be writing now.
        entries = statefile.decode((directory / STATE_FILE).read_bytes())
    except (OSError, statefile.DamagedState) as error:
        missing.append(f"templates: {error}")
        return None
    found = {}
    for exporter, entry in entries.items():
        try:
            state = from_json(entry.state)
        except ValueError:
            missing.append(f"templates of {exporter}: what is kept of it cannot be read")
            continue
        # An exporter may have its address as the number of a domain, so domains are numbered anew.
        found[exporter] = [_layouts(number, point) for number, point in enumerate(state.points)]
    return found


def _layouts(number: int, point: PointState) -> About:
    return {
        "protocol": PROTOCOLS[point.protocol],
        "domain": number,
        "rates": sorted(set(point.rates.values())),
        "templates": {
            template: {
                "options": known.template.is_options,
                "elements": [
                    f"{'not read' if field.element == NOT_READ else field.element}[{field.length}]"
                    for field in known.template.fields
                ],
            }
            for template, known in point.templates.items()
        },
    }
