"""Publishes months: computes, keeps for good, computes again.

A month is published once it is over. What was published never changes: a revision is a further vintage, with
the reason for it. Kept with a vintage is everything that it was computed from: the facts of the month (which
go on growing in the roll-ups when batches come late), those of the rest of its region, the reference in its
version, who reported and what they declared, the rule of confidentiality, paths and routes. So it can be
computed again, and must give the same numbers. The sums of the ledger are kept to be shown beside them.

The row in `vintage` is written last, as one part. A computation that is killed before leaves rows that no
vintage names; `sweep` removes them when the service starts.
"""

import json
import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
import pyarrow as pa

import caudal
from caudal.common.logline import quoted
from caudal.reference import Reference
from caudal.service.attribution.exchange import BORDERS
from caudal.service.attribution.interpretation import interpret
from caudal.service.errors import AlreadyPublished, NotFound, QuestionError
from caudal.service.evaluation.evaluation import (
    PARTIAL_MONTH,
    SYNTHETIC,
    MonthInputs,
    MonthMeasures,
    evaluate,
)
from caudal.service.evaluation.supplied import Supplied, digest_of, from_bytes, to_bytes
from caudal.service.indicators import CATALOGUE, Observation
from caudal.service.months.measures import Measures
from caudal.service.national.national import METHOD_VERSION
from caudal.service.perturbation.perturbation import PERTURBED, perturbed
from caudal.service.queries import ledger_sums, month_facts
from caudal.service.queries.vintages import (
    ORPHANED,
    TOTALS,
    Vintage,
    find_vintage,
    keeps_input,
    kept_cells,
    kept_input,
    methods_of,
    orphans,
    read_vintage,
    vintages,
)
from caudal.service.store.referencearchive import archive_reference, files_of_today
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month
from caudal.service.vocabulary.reason import figures_as_text, to_stored

# The indicator that every observation carries the value of.
UNDETERMINED = "J9"


@dataclass(frozen=True)
class Recomputation:
    """The outcome of computing a vintage again: whether it says the same; `differences` names the first that do not.

    Compared is what is computed by the same method still, which `observations` counts; `methods` names the others, as
    "V2 1 → 2". These `software`, the release that published it, computes to the digit. `facts_of_today` are the files
    of facts that its reference did not have yet, and that were taken as they are now.
    """

    vintage: str
    same: bool
    observations: int
    differences: tuple[str, ...]
    methods: tuple[str, ...]
    software: str
    facts_of_today: tuple[str, ...]


class Vintages:
    """Publishes and recomputes the months of one store; the only writer of its vintages."""

    def __init__(
        self,
        store: Store,
        reference: Reference,
        measures: Measures,
        clock: Callable[[], datetime],
        overlay: Path | None = None,
        supplied: Supplied | None = None,
    ) -> None:
        self._store = store
        self._reference = reference
        self._measures = measures
        self._clock = clock
        self._overlay = overlay
        self._supplied = supplied or Supplied()
        self._lock = threading.Lock()

    def sweep(self) -> bool:
        """Remove what computations left that were killed; return whether there was anything. Not while one runs."""
        left = False
        with self._lock:
            for table, key in ORPHANED.items():
                if names := orphans(self._store, table):
                    self._store.command(
                        f"ALTER TABLE {table} DELETE WHERE has({{names:Array(String)}}, {key}) "
                        "SETTINGS mutations_sync = 2",
                        {"names": names},
                    )
                    left = True
        return left

    def publish(self, economy: str, month: str, reason: str = "") -> Vintage | None:
        """Compute a month and publish it; return its vintage, or None where it would say what the last one says.

        A month that was published needs a reason. Raises NotFound where there is no such month, QuestionError
        where it is not over, AlreadyPublished without a reason; then, and on StoreError, nothing is published.
        """
        reason = " ".join(reason.split())
        with self._lock:
            self._measures.month(economy, month)
            inputs = self._measures.inputs(economy, month)
            if PARTIAL_MONTH in inputs.flags:
                raise QuestionError(
                    f"{month} is not over; it can be published from {Month.parse(month).end:%Y-%m-%d} on"
                )
            last = find_vintage(self._store, economy, month, None)
            if last is not None and not reason:
                raise AlreadyPublished(
                    f"{economy} {month} is published as {last.vintage}; what is published does not change: give a "
                    "reason to publish a revision"
                )
            archive_reference(self._store, self._reference, self._overlay)
            self._keep("paths", self._supplied.paths)
            self._keep("routes", self._supplied.routes)
            region = self._measures.region_flows(economy, month)
            inputs = replace(inputs, region_flows=self._keep("region_flows", region))
            facts = self._keep_facts(economy, month)
            inputs = self._beside_what_is_told(inputs, facts)
            # Computed from what was kept, not from what is kept a copy of.
            measured = self._evaluate(inputs, facts, self._reference, self._supplied, region)
            if last is not None and _same(measured, read_vintage(self._store, last)):
                return None
            return self._write(
                measured, inputs, facts, last.number + 1 if last else 1, reason if last else ""
            )

    def recompute(self, vintage: str) -> Recomputation:
        """Compute a vintage again from what was kept of it; raise NotFound where there is no such vintage.

        Raises QuestionError where its reference cannot be read any more.
        """
        known = vintages(self._store)
        found = next((each for each in known if each.vintage == vintage), None)
        if found is None:
            names = [each.vintage for each in known]
            raise NotFound(
                "vintage", f"there is no vintage {quoted(vintage)}; GET /v1/vintages lists them", names
            )
        reference = self._measures.reference(found.reference_version)
        inputs = MonthInputs.from_json(found.inputs)
        supplied = Supplied(self._kept(inputs.paths), self._kept(inputs.routes))
        region = self._kept(inputs.region_flows)
        again = self._evaluate(inputs, found.facts, reference, supplied, region)
        published = read_vintage(self._store, found)
        methods = methods_of(self._store, found)
        changed = _changed_methods(methods, _methods_now(again))
        differences = _differences(_without(published, changed), _without(again, changed))
        count = sum(len(own) for name, own in published.observations.items() if name not in changed)
        return Recomputation(
            vintage,
            not differences,
            count,
            tuple(differences[:20]),
            tuple(changed.values()),
            found.software,
            files_of_today(self._store, found.reference_version),
        )

    def _beside_what_is_told(self, inputs: MonthInputs, facts: str) -> MonthInputs:
        """Return inputs that keep safe, beside earlier vintages of the month, what an operator sent since.

        A month of which exact figures are out has no factors in a revision either, and one that was told with factors keeps
        them, whatever the settings say now: both would tell the factor.
        """
        earlier = vintages(self._store, inputs.economy, inputs.month)
        known = [MonthInputs.from_json(each.inputs) for each in earlier]
        if known and not known[-1].factors and SYNTHETIC not in inputs.flags:
            inputs = replace(inputs, factors={}, reach=1.0, flags=inputs.flags - {PERTURBED})
        if known and known[-1].factors and not inputs.factors and SYNTHETIC not in inputs.flags:
            inputs = replace(
                inputs,
                factors=known[-1].factors,
                reach=known[-1].reach,
                flags=inputs.flags | {PERTURBED},
            )
        if SYNTHETIC in inputs.flags or not inputs.rule.forbids:
            return inputs
        now = self._carried(inputs, inputs, facts, self._reference)
        told = tuple(
            _changed(now, self._carried(inputs, MonthInputs.from_json(each.inputs), each.facts, reference))
            for each in earlier
            if "bytes" not in {entry["what"] for entry in json.loads(each.inputs)["withheld"]}
            for reference in (self._measures.reference_of(each),)
        )
        return replace(inputs, told_before=tuple(each for each in told if each))

    def _carried(
        self, inputs: MonthInputs, then: MonthInputs, facts: str, reference: Reference
    ) -> dict[str, tuple[float, ...]]:
        """Return the bytes of each operator in each flow, as they were interpreted `then` and with the factors of now."""
        rows = month_facts(self._store, inputs.economy, inputs.month, facts)
        cells = interpret(perturbed(rows, inputs.factors), reference.at(inputs.month), then.own)
        amounts = {
            border: dict(part.group_by("operator").agg(pl.col("bytes").sum()).iter_rows())
            for border in BORDERS
            for part in (cells.filter(pl.col("border") == border),)
        }
        return {
            str(operator): tuple(amounts[border].get(operator, 0.0) for border in BORDERS)
            for operator in cells["operator"].unique().sort()
        }

    def _evaluate(
        self,
        inputs: MonthInputs,
        facts: str,
        reference: Reference,
        supplied: Supplied,
        region: pl.DataFrame | None,
    ) -> MonthMeasures:
        rows = month_facts(self._store, inputs.economy, inputs.month, facts)
        return evaluate(inputs, rows, reference, CATALOGUE.values(), supplied.paths, supplied.routes, region)

    def _keep_facts(self, economy: str, month: str) -> str:
        rows = month_facts(self._store, economy, month)
        facts = sha256(rows.write_csv().encode()).hexdigest()
        time = Month.parse(month).start
        if kept_cells(self._store, economy, month, facts) != rows.height:
            owned = rows.select(
                pl.lit(economy).alias("economy"),
                pl.lit(time).dt.cast_time_unit("ms").alias("time"),
                pl.lit(facts).alias("facts"),
                pl.all(),
            )
            table = owned.to_arrow(compat_level=pl.CompatLevel.oldest())
            self._store.insert("vintage_cell", table, token=f"{economy} {month} {facts}")
        return facts

    def _keep(self, kind: str, frame: pl.DataFrame | None) -> str:
        """Keep a frame, once, and return the hash of its content; empty where there is none."""
        if frame is None:
            return ""
        content = to_bytes(frame)
        digest = digest_of(content)
        if not keeps_input(self._store, digest):
            rows = pa.table({"digest": [digest], "kind": [kind], "content": pa.array([content], pa.binary())})
            self._store.insert("vintage_input", rows, token=digest)
        return digest

    def _kept(self, digest: str) -> pl.DataFrame | None:
        if not digest:
            return None
        content = kept_input(self._store, digest)
        return from_bytes(content) if content else None

    def _write(
        self, measured: MonthMeasures, inputs: MonthInputs, facts: str, number: int, reason: str
    ) -> Vintage:
        now = self._clock()
        vintage = f"{measured.economy}-{measured.month}-v{number}"
        run = uuid.uuid4().hex
        values = _values(measured, vintage, run, now)
        self._store.insert("indicator_value", values, token=run)
        period = Month.parse(measured.month)
        became = ledger_sums(self._store, measured.economy, period.start, period.end, inputs.factors)
        stored = {
            **json.loads(inputs.to_json()),
            "ledger": {"total": became.total, "balanced": became.balanced, "exporters": became.exporters},
            "coverage": asdict(measured.coverage),
            "totals": [{**asdict(each), "reason": to_stored(each.reason)} for each in measured.totals],
            "withheld": [{**asdict(each), "why": to_stored(each.why)} for each in measured.withheld],
            "indicators": list(measured.observations),
            "methods": {name: [each.version, each.unit] for name, each in measured.methods.items()},
            "totals_method": METHOD_VERSION,
        }
        row = {
            "vintage": vintage,
            "run": run,
            "economy": measured.economy,
            "time": period.start,
            "number": number,
            "computed_at": now,
            "software": f"caudal {caudal.__version__}",
            "reference_version": measured.reference_version,
            "facts": facts,
            "inputs": json.dumps(stored),
            "reason": reason,
            "synthetic": SYNTHETIC in measured.flags,
            "observations": values.num_rows,
        }
        types = {
            "time": pa.timestamp("s", tz="UTC"),
            "computed_at": pa.timestamp("ms", tz="UTC"),
            "number": pa.uint32(),
            "observations": pa.uint32(),
        }
        self._store.insert(
            "vintage", pa.table({k: pa.array([v], types.get(k)) for k, v in row.items()}), token=vintage
        )
        return vintages(self._store, measured.economy, measured.month, newest=True)[-1]


def _values(measured: MonthMeasures, vintage: str, run: str, now: datetime) -> pa.Table:
    definitions = {name: CATALOGUE[name].definition for name in measured.observations}
    flat = [each for own in measured.observations.values() for each in own]
    count = len(flat)

    def same(value: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), count)

    columns = {
        "economy": same(measured.economy, pa.string()),
        "time": same(Month.parse(measured.month).start, pa.timestamp("s", tz="UTC")),
        "run": same(run, pa.string()),
        "position": pa.array(range(count), pa.uint32()),
        "vintage": same(vintage, pa.string()),
        "reference_version": same(measured.reference_version, pa.string()),
        "computed_at": same(now, pa.timestamp("ms", tz="UTC")),
        "unit": pa.array([definitions[each.indicator].unit for each in flat], pa.string()),
        "level": pa.array([definitions[each.indicator].level for each in flat], pa.float64()),
        "method_version": pa.array(
            [definitions[each.indicator].method_version for each in flat], pa.string()
        ),
        "flags": pa.array([list(each.flags) for each in flat], pa.list_(pa.string())),
        "details": pa.array(
            [list(each.details.items()) for each in flat], pa.map_(pa.string(), pa.float64())
        ),
        "flows": pa.array([each.flows for each in flat], pa.uint64()),
    }
    for name in ("value", "low", "high", "undetermined", "coverage"):
        columns[name] = pa.array([getattr(each, name) for each in flat], pa.float64())
    for name in ("indicator", "dimension"):
        columns[name] = pa.array([getattr(each, name) for each in flat], pa.string())
    told = [to_stored(each.reason) for each in flat]
    texts = pa.list_(pa.string())
    columns["reason_codes"] = pa.array([[each["code"] for each in one] for one in told], texts)
    columns["reason_figures"] = pa.array(
        [[figures_as_text(each["figures"]) for each in one] for one in told], texts
    )
    return pa.table(columns)


def _changed(
    now: Mapping[str, tuple[float, ...]], earlier: Mapping[str, tuple[float, ...]]
) -> dict[str, tuple[float, ...]]:
    """Return by how many bytes (domestic, out, in) the operators differ that do."""
    nothing = (0.0,) * len(BORDERS)
    differences = {}
    for operator in sorted(now.keys() | earlier.keys()):
        one, other = now.get(operator, nothing), earlier.get(operator, nothing)
        difference = tuple(abs(after - before) for after, before in zip(one, other, strict=True))
        if any(difference):
            differences[operator] = difference
    return differences


def _methods_now(measured: MonthMeasures) -> dict[str, str]:
    """Return the method versions of today of what is computed: indicators by their id, and TOTALS."""
    return {**{name: each.version for name, each in measured.methods.items()}, TOTALS: METHOD_VERSION}


def _changed_methods(published: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return the indicators whose method is another than when it was published, each in words: "V2 1 → 2"."""
    return {
        name: f"{name} {published.get(name, 'none')} → {now.get(name, 'withdrawn')}"
        for name in dict.fromkeys((*published, *now))
        if published.get(name) not in ("", now.get(name))
    }


def _without(measured: MonthMeasures, changed: Collection[str]) -> MonthMeasures:
    """Return measures without what is computed by another method.

    Where J9 is, the undetermined share that stands beside every value is left out as well.
    """
    observations = {
        name: [replace(each, undetermined=None) for each in own] if UNDETERMINED in changed else own
        for name, own in measured.observations.items()
        if name not in changed
    }
    totals = TOTALS in changed
    return replace(
        measured,
        observations=observations,
        totals=() if totals else tuple(each for each in measured.totals if each.what not in changed),
        withheld=() if totals else tuple(each for each in measured.withheld if each.what not in changed),
    )


def _same(one: MonthMeasures, other: MonthMeasures) -> bool:
    return not _differences(one, other)


def _differences(published: MonthMeasures, again: MonthMeasures) -> list[str]:
    """Return the differences between two computations of a month, in words."""
    differences = []
    for name in dict.fromkeys((*published.observations, *again.observations)):
        before, after = published.observations.get(name), again.observations.get(name)
        if before is None or after is None:
            differences.append(
                f"{name}: {'was not published' if before is None else 'is no longer computed'}"
            )
            continue
        old, new = _by_dimension(before), _by_dimension(after)
        for dimension in dict.fromkeys((*old, *new)):
            if old.get(dimension) != new.get(dimension):
                where = f"{name} {dimension}" if dimension else name
                differences.append(f"{where}: {_said(old.get(dimension))}, now {_said(new.get(dimension))}")
    parts = ("coverage", "totals", "withheld")
    differences.extend(f"{what} differ" for what in parts if getattr(published, what) != getattr(again, what))
    return differences


def _by_dimension(observations: Iterable[Observation]) -> dict[str | None, Observation]:
    return {each.dimension: each for each in observations}


def _said(observation: Observation | None) -> str:
    if observation is None:
        return "nothing"
    if observation.value is None:
        return f"no value ({observation.reason})"
    interval = f"{observation.value} [{observation.low}, {observation.high}]"
    return f"{interval} {' '.join(observation.flags)}".strip()
