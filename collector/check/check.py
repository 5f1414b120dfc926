"""The check of a settings file: what a collector would do by it and what in it looks wrong, without receiving anything."""

import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caudal.collector.aggregate.dominance import NO_RULE
from caudal.collector.check import doubtfulsettings, machine, unitaccess
from caudal.collector.check.unit import Unit, unit_of
from caudal.collector.daemon.statussocket import ask
from caudal.collector.deliver.servicecheck import service_answers
from caudal.collector.deliver.serviceclient import service_client
from caudal.collector.errors import CollectorError
from caudal.collector.memory.statelock import holder
from caudal.collector.pipeline.addresstable import load_address_table
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import load_settings, tells_token
from caudal.collector.signs.signs import Sign
from caudal.common.counted import counted
from caudal.common.errors import CaudalError
from caudal.reference import AddressTable


@dataclass(frozen=True)
class Checked:
    """The outcome of a check, in lines: what a collector with these settings would do, and what looks wrong.

    A line of `wrong` begins with the setting that it is about. `unusable` says why it would not start.
    """

    plan: list[str]
    wrong: list[str]
    unusable: list[str]

    @property
    def exit_code(self) -> int:
        """0 if nothing looks wrong, 1 if something does, 2 if the collector would not start."""
        return 2 if self.unusable else 1 if self.wrong else 0


def check(config: Path, *, offline: bool = False) -> Checked:
    """Read settings, and everything they name, and return what they mean; ask the service unless `offline`.

    As root, for a collector that a systemd unit starts with these settings, it is told what that unit's user would meet.
    """
    try:
        settings = load_settings(config)
    except CaudalError as error:
        return Checked([], [], [str(error)])
    unit = unit_of(config.absolute()) if os.geteuid() == 0 else None
    unusable: list[str] = []
    table = _table(settings, unusable)
    running = holder(settings.state_directory)
    shown = settings
    of_unit: list[str] = []
    if unit is not None:
        told = tells_token(config)
        shown = _as_shown(settings, unit, told=told)
        of_unit = list(unitaccess.secrets(settings, unit, unusable, token_told=told))
    answers: list[str] = []
    try:
        with service_client(shown) as client:
            if not offline:
                answers = list(service_answers(shown, client))
    except CaudalError as error:
        if not any(line.startswith("service.token_file:") for line in unusable):
            unusable.append(str(error))
    wrong = [
        *doubtfulsettings.home(settings, table),
        *machine.listeners(settings, running is not None, unusable, unit),
        *machine.interfaces(settings, unusable),
        *machine.state(settings, unusable, unit),
        *doubtfulsettings.windows(settings),
        *doubtfulsettings.exporters(settings),
        *(_of_exporters(settings.state_directory) if running is not None else ()),
        *machine.service(shown),
        *of_unit,
        *answers,
        *doubtfulsettings.identity(settings),
    ]
    plan = [_whom(unit)]
    if not offline and not answers and not unusable:
        plan.append(f"The service at {settings.service.url} knows this collector by its token.")
    plan += _plan(settings, running)
    return Checked(plan, wrong, unusable)


def _whom(unit: Unit | None) -> str:
    """Return the line that names the user as whom the settings were checked."""
    if unit is not None:
        return f"Checked as root, for {unit.name}, which runs as {unit.who}."
    if os.geteuid() == 0:
        return "Checked as root: no systemd unit that starts these settings was found, so files are seen as root sees them."
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return f"Checked as the user {name}."


def _as_shown(settings: CollectorSettings, unit: Unit, *, told: bool) -> CollectorSettings:
    """Return the settings with the token where root finds what systemd shows to the unit."""
    behind = unit.behind(settings.service.token_file, told=told)
    if behind is None or settings.service.token_file.exists():
        return settings
    return settings.model_copy(update={"service": settings.service.model_copy(update={"token_file": behind})})


def _of_exporters(directory: Path) -> Iterator[str]:
    """Yield lines about exporters that need attention, by the word of the collector at work."""
    try:
        found = ask(directory)
    except CollectorError:
        return  # it starts or stops just now, or is another user's
    for exporter in found["exporters"]:
        for sign in map(Sign.of, exporter.get("signs", ())):
            if sign.needs_attention:
                yield f"exporters: {sign.exporter}: {sign.sentence}"


def _table(settings: CollectorSettings, unusable: list[str]) -> AddressTable | None:
    try:
        return load_address_table(settings)
    except CaudalError as error:
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
        f"It knows {counted(len(settings.exporters), 'exporter')}: {named} by name, {sampled} with a sampling rate; others appear "
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
