"""`caudal meter_captures`: capture files through collector and service, in one process, with an answer at once."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from caudal import __version__
from caudal.collector.files.captureview import CaptureView, signs_of_capture
from caudal.collector.files.meterfiles import As, Tables, meter_captures
from caudal.collector.locate.home import HomePrefixes
from caudal.collector.names.domains import DomainList
from caudal.collector.names.tagger import Tagger
from caudal.collector.pipeline.addresstable import load_address_table
from caudal.collector.pipeline.blueprint import pipeline_of
from caudal.collector.pipeline.pipeline import Pipeline
from caudal.collector.settings.override import Override, capacity_given
from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.signs.disbelief import disbeliefs
from caudal.contract.batch import BatchOrigin, decode_batch, encode_batch
from caudal.reference import AddressTable, OwnPrefix, Reference, load_reference
from caudal.service.answers.answers import ObservationAnswer
from caudal.service.indicators import CATALOGUE
from caudal.service.ingest import Ingest
from caudal.service.migration.migration import migrate
from caudal.service.months.measures import Measures, MonthMeasures
from caudal.service.queries import FlowQuery, flows, ledger, months_with_data
from caudal.service.settings.settings import Operator, ServiceSettings
from caudal.service.store.referencetables import load_reference_tables
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month

_LOCAL = "local"
_GROUPS = {
    "platform": ("platform", "platform_name"),
    "control": ("control",),
    "country": ("remote_country",),
    "direction": ("direction",),
}
_ROWS_A_GROUP = 10_000
_ROWS_A_BATCH = 200_000


@dataclass(frozen=True)
class MeterQuestion:
    """The question to a meter_captures: files to read, and for whose network.

    `sampling` gives the rates of exporters by address or prefix, as the settings of a collector would. With the `settings` of a collector everything is metered as it
    would, with what `home`, `economy`, `k` and `override` say in the place of its own. Cells are not folded by default (`k` 1): the answer stays with whoever has the capture anyway.
    """

    files: Sequence[Path]
    home: Sequence[str]
    economy: str
    read_as: As | None = None
    k: int = 1
    window_seconds: int = 300
    reference_overlay: Path | None = None
    locations: Sequence[OwnPrefix | tuple[str, str, int]] = ()
    names: bool = True
    sampling: Mapping[str, float] = field(default_factory=dict)
    settings: CollectorSettings | None = None
    override: Override = field(default_factory=Override)


def meter_files(
    question: MeterQuestion, clock: Callable[[], datetime], progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Return totals by platform, control, country and direction, the ledger and the indicators of captures.

    Everything goes the way live traffic goes: pipeline, batches, a store (on disk, for as long as this
    takes), queries. Names in captures of traffic tag its flows if `names` says so. `progress` is called with the packets read by each step. Raises the errors of the
    parts, each one line.
    """
    reference = load_reference(question.reference_overlay)
    reference.economy(question.economy)
    pipeline, table = _pipeline(question)
    table.accelerate()
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="caudal-meter-"))
        settings = ServiceSettings.model_validate(
            {
                "dsn": f"chdb://{directory}/store",
                "operators": (Operator(id=_LOCAL, name="capture", economy=question.economy),),
                # The answer stays with whose traffic it is.
                "confidentiality": {"minimum_operators": 1, "percent": 0},
            }
        )
        store = stack.enter_context(Store(settings.dsn.get_secret_value()))
        migrate(store, clock)
        load_reference_tables(store, reference, clock)
        ingest = Ingest(store)
        damage: list[str] = []
        tagger = Tagger(DomainList.of(reference)) if question.names else None
        view = CaptureView(HomePrefixes(question.home))
        parts = meter_captures(
            question.files,
            pipeline,
            view=view,
            read_as=question.read_as,
            tagger=tagger,
            progress=progress,
            damaged=damage.append,
        )
        batches = _gathered(parts)
        for sequence, tables in enumerate(batches):
            _store(ingest, question.economy, sequence, tables, clock())
        answer = _answer(store, Measures(settings, store, reference, clock), reference, question)
        looked = tagger is not None and any(tagger.counts.flows.values())
        return {
            **answer,
            "damage": damage,
            "not_believed": [
                each.plain for each in disbeliefs(pipeline.decoder, pipeline.exporters.addresses.__getitem__)
            ],
            "signs": [each.plain for each in signs_of_capture(pipeline, view, partial(_exporter, pipeline))],
            "names": asdict(tagger.counts) if tagger and looked else None,
            "unlisted_caches": [asdict(each) for each in pipeline.unlisted_caches.found(pipeline.services)],
        }


def _exporter(pipeline: Pipeline, number: int) -> str:
    return pipeline.exporters.addresses[number] if number >= 0 else "not-allowed"


def _pipeline(question: MeterQuestion) -> tuple[Pipeline, AddressTable]:
    if question.settings is not None:
        settings = question.override.over(question.settings).model_copy(
            update={
                "home": tuple(question.home),
                "economy": question.economy,
                "k_anonymity": question.k,
                "window_seconds": question.window_seconds,
            }
        )
        table = load_address_table(settings)
        return pipeline_of(settings, table, cache_prefixes=True), table
    override = question.override
    rates = {**question.sampling, **override.sampling}
    table = AddressTable.load(question.locations, reference_overlay=question.reference_overlay)
    pipeline = Pipeline(
        economy=question.economy,
        home=question.home,
        table=table,
        window_seconds=question.window_seconds,
        k=question.k,
        sampling=rates,
        sampling_overrides=set(rates) if override.sampling_override else (),
        allow=override.allow,
        capacity=capacity_given(override.capacity),
        cache_prefixes=True,
        tunnels="outer" if override.tunnels is None else override.tunnels,
    )
    return pipeline, table


def _gathered(parts: Iterable[Tables]) -> Iterator[Tables]:
    """Join what windows give into batches of a size the store likes."""
    flow_parts: list[pa.Table] = []
    ledger_parts: list[pa.Table] = []
    for flow_aggregates, ledger_rows in parts:
        flow_parts.append(flow_aggregates)
        ledger_parts.append(ledger_rows)
        if sum(part.num_rows for part in flow_parts) >= _ROWS_A_BATCH:
            yield pa.concat_tables(flow_parts), pa.concat_tables(ledger_parts)
            flow_parts, ledger_parts = [], []
    if flow_parts:
        yield pa.concat_tables(flow_parts), pa.concat_tables(ledger_parts)


def _store(ingest: Ingest, economy: str, sequence: int, tables: Tables, now: datetime) -> None:
    origin = BatchOrigin(
        collector=_LOCAL,
        operator=_LOCAL,
        economy=economy,
        created=now.isoformat(timespec="seconds"),
        sequence=str(sequence),
        software=f"caudal {__version__}",
    )
    body = encode_batch(origin, *tables)
    ingest.store_batch(decode_batch(body), body, now)


def _answer(
    store: Store, measures: Measures, reference: Reference, question: MeterQuestion
) -> dict[str, Any]:
    economy = question.economy
    months = months_with_data(store, economy)
    answer: dict[str, Any] = {
        "economy": economy,
        "synthetic": measures.is_synthetic(economy),
        "files": [str(path) for path in question.files],
        "home": list(question.home),
        "k_anonymity": question.k,
        "reference_version": reference.version,
        "months": months,
        "total": None,
        "undetermined": None,
        "by": {name: [] for name in _GROUPS},
        "indicators": [],
        "ledger": {"counts": {}, "balanced": True},
    }
    if months:
        start, end = Month.parse(months[0]).start, Month.parse(months[-1]).end
        for name, group_by in _GROUPS.items():
            query = FlowQuery((economy,), start, end, group_by, limit=_ROWS_A_GROUP)
            found = flows(store, query)
            answer["by"][name] = found.rows.to_dicts()
            answer["total"], answer["undetermined"] = found.total, found.undetermined
        computed = {month: measures.compute(economy, month, CATALOGUE.values()) for month in months}
        answer["indicators"] = indicator_answers(economy, computed)
    # The ledger goes by the time of export, which may lie in another month than any flow.
    entries = ledger(store, economy, Month(2000, 1).start, Month(2099, 12).end, "month")
    answer["ledger"] = {"counts": entries.total, "balanced": entries.balanced}
    return answer


def indicator_answers(economy: str, computed: Mapping[str, MonthMeasures]) -> list[dict[str, Any]]:
    """Return every indicator with its observations by month, as plain values."""
    return [
        {
            "id": indicator.definition.id,
            "title": indicator.definition.title["en"],
            "unit": indicator.definition.unit,
            "economy": economy,
            "months": [
                {
                    "month": month,
                    "observations": [
                        ObservationAnswer.of(observation).model_dump()
                        for observation in measured.observations[indicator.definition.id]
                    ],
                }
                for month, measured in computed.items()
            ],
        }
        for indicator in CATALOGUE.values()
    ]
