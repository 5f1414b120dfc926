"""What a settings file means and what in it looks wrong, without receiving anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caudal.collector import surroundings, suspicions
from caudal.collector.disbelief import Disbelief
from caudal.collector.dominance import NO_RULE
from caudal.collector.errors import CollectorError
from caudal.collector.places import load_places
from caudal.collector.serviceclient import service_client
from caudal.collector.settings import CollectorSettings
from caudal.collector.settingsfile import load_settings
from caudal.collector.statelock import holder
from caudal.collector.statussocket import ask
from caudal.reference import AddressTable
from caudal.reference import ReferenceError as FactsError


@dataclass(frozen=True)
class Checked:
    """What a collector with these settings would do, and what looks wrong, each a line; both name settings.

    A line of `wrong` begins with the setting that it is about. `unusable` says why it would not start.
    """

    plan: list[str]
    wrong: list[str]
    unusable: list[str]

    @property
    def exit_code(self) -> int:
        """0 if nothing looks wrong, 1 if something does, 2 if the collector would not start."""
        return 2 if self.unusable else 1 if self.wrong else 0


def check(config: Path) -> Checked:
    """Read settings, and everything they name, and say what they mean."""
    try:
        settings = load_settings(config)
    except CollectorError as error:
        return Checked([], [], [str(error)])
    unusable: list[str] = []
    table = _table(settings, unusable)
    try:
        service_client(settings).close()
    except CollectorError as error:
        unusable.append(str(error))
    running = holder(settings.state_directory)
    wrong = [
        *suspicions.home(settings, table),
        *surroundings.listeners(settings, running is not None, unusable),
        *surroundings.interfaces(settings, unusable),
        *surroundings.state(settings, unusable),
        *suspicions.windows(settings),
        *suspicions.exporters(settings),
        *(_not_believed(settings.state_directory) if running is not None else ()),
        *surroundings.service(settings),
        *suspicions.sender(settings),
    ]
    return Checked(_plan(settings, running), wrong, unusable)


def _not_believed(directory: Path) -> Iterator[str]:
    """Yield lines about exporters that the collector at work does not believe."""
    try:
        found = ask(directory)
    except CollectorError:
        return  # it starts or stops just now, or is another user's
    for each in map(Disbelief.of, found.get("not_believed", ())):
        yield from (f"exporters: {each.exporter}: {sentence}" for sentence in each.sentences)


def _table(settings: CollectorSettings, unusable: list[str]) -> AddressTable | None:
    try:
        return load_places(settings)
    except (CollectorError, FactsError) as error:
        unusable.append(str(error))
        return None


def _plan(settings: CollectorSettings, running: int | None) -> list[str]:
    named = sum(known.name is not None for known in settings.exporters.values())
    sampled = sum(known.sampling is not None for known in settings.exporters.values())
    most = settings.dominance_percent
    dominance = f", and those of which one host may have more than {most:g} %" if most < NO_RULE else ""
    folding = (
        f"Cells of fewer than {settings.k_anonymity} local hosts are folded{dominance}."
        if settings.k_anonymity > 1
        else "No cell is folded."
    )
    lines = [
        f"Collector {settings.collector} of operator {settings.operator} meters {settings.economy}"
        f"{', with traffic that is made up' if settings.synthetic else ''}.",
        f"It listens on UDP {', '.join(settings.listen)}, with {settings.receive_buffer_bytes >> 10} KiB of buffer each."
        if settings.listen
        else "It listens on no address.",
        f"Home are {', '.join(settings.home)}.",
        f"It knows {len(settings.exporters)} exporters: {named} by name, {sampled} with a sampling rate; others appear "
        "under a pseudonym.",
        f"Windows are {settings.window_seconds} s long and close {settings.lateness_seconds} s after their end, or when "
        f"nothing comes for {settings.idle_seconds:g} s. {folding}",
        f"Batches wait in {settings.state_directory / 'spool'}, at most {settings.spool_max_bytes >> 20} MiB of them.",
        f"They go to {settings.service.url}, with the token in {settings.service.token_file}"
        f"{' and a client certificate' if settings.service.client_certificate else ''}.",
        f"Metrics are at http://{settings.metrics_listen}/metrics."
        if settings.metrics_listen
        else "No metrics are served.",
    ]
    for interface in settings.interfaces:
        chosen = f"packets that fit {interface.filter!r}" if interface.filter else "all packets"
        names = "their platform is found by names" if settings.names else "no names are looked at"
        lines.append(f"It meters {chosen} on {interface.name}; {names}.")
    if settings.locations:
        lines.append(f"Places of your own come from {settings.locations}.")
    if running is not None:
        lines.append(f"A collector runs on that directory now (process {running}).")
    return lines
