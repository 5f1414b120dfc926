"""The pipeline of given settings, for the collector at work and for commands that show how it would meter."""

import time
from collections.abc import Callable

from caudal.collector.pipeline import knownexporters
from caudal.collector.pipeline.pipeline import Pipeline, Rules
from caudal.collector.settings.settings import CollectorSettings
from caudal.reference import AddressTable


def pipeline_of(
    settings: CollectorSettings,
    table: AddressTable,
    *,
    key: bytes | None = None,
    cache_prefixes: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
) -> Pipeline:
    """Return a new pipeline that meters as the settings say, with a place for every exporter that they know."""
    pipeline = Pipeline(
        economy=settings.economy,
        table=table,
        window_seconds=settings.window_seconds,
        k=settings.k_anonymity,
        dominance_percent=settings.dominance_percent,
        tunnels=settings.tunnels,
        template_wait_seconds=settings.template_wait_seconds,
        key=key,
        cache_prefixes=cache_prefixes,
        monotonic=monotonic,
        **rules_of(settings),
    )
    pipeline.keep_places(settings.exporters)
    return pipeline


def rules_of(settings: CollectorSettings) -> Rules:
    """Return the part of the settings that a pipeline at work can be given anew."""
    return Rules(
        home=settings.home,
        sampling=knownexporters.sampling_rates(settings.exporters),
        boundaries=knownexporters.boundaries(settings.exporters),
        sampling_overrides=knownexporters.sampling_overrides(settings.exporters),
        allow=settings.allow,
        nat64=settings.nat64,
        capacities=knownexporters.capacities(settings.exporters),
        capacity=settings.capacity_gbit_per_second,
        as_from_tables=knownexporters.as_from_tables(settings.exporters),
        exporter_keys=knownexporters.keys(settings.exporters, settings.interfaces),
    )
