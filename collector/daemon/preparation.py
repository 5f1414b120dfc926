"""Preparation of a start: the address table built once and the kernels compiled for this processor beforehand."""

import time
from collections.abc import Callable
from pathlib import Path

from caudal.collector.columns import kernel
from caudal.collector.pipeline.addresstable import load_address_table
from caudal.collector.pipeline.blueprint import pipeline_of
from caudal.collector.pipeline.warmup import warm_up
from caudal.collector.settings.settingsfile import load_settings


def prepare(config: Path, say: Callable[[str], None]) -> None:
    """Do what takes long, and say in a line each what is done; raise CaudalError.

    What is compiled is kept in systemd's cache directory, else in the user's: do it as the user that the collector runs as.
    """
    settings = load_settings(config)
    began = time.monotonic()
    table = load_address_table(settings)
    table.accelerate()
    say(f"The address table is sound; to build it took {time.monotonic() - began:.1f} s.")
    if not kernel.compiled_before():
        say("Compiling for this processor, which takes about half a minute and is done once.")
    began = time.monotonic()
    warm_up(pipeline_of(settings, table), int(time.time() * 1000))
    say(f"Everything is compiled, in {time.monotonic() - began:.1f} s, and kept in {kernel.kept_in()}.")
