-- What of an export is not believed: five more counts of the ledger. What a SummingMergeTree adds up is fixed when it is
-- made, so the ledger by day is copied into a new table, which then takes the place of the old one. Nothing is stored
-- meanwhile: the service migrates before it serves.

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS counts_implausible Int64 CODEC(ZSTD(1));

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS rate_implausible Int64 CODEC(ZSTD(1));

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS time_implausible Int64 CODEC(ZSTD(1));

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS clock_implausible Int64 CODEC(ZSTD(1));

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS sums_saturated Int64 CODEC(ZSTD(1));

-- What a start before left that was killed: an unfinished copy, or the old table.
DROP TABLE IF EXISTS ledger_day_next SYNC;

ALTER TABLE ledger_day ADD COLUMN IF NOT EXISTS counts_implausible Int128 CODEC(ZSTD(1));

ALTER TABLE ledger_day ADD COLUMN IF NOT EXISTS rate_implausible Int128 CODEC(ZSTD(1));

ALTER TABLE ledger_day ADD COLUMN IF NOT EXISTS time_implausible Int128 CODEC(ZSTD(1));

ALTER TABLE ledger_day ADD COLUMN IF NOT EXISTS clock_implausible Int128 CODEC(ZSTD(1));

ALTER TABLE ledger_day ADD COLUMN IF NOT EXISTS sums_saturated Int128 CODEC(ZSTD(1));

CREATE TABLE ledger_day_next
(
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    exporter LowCardinality(String),
    datagrams Int128 CODEC(ZSTD(1)),
    received Int128 CODEC(ZSTD(1)),
    decoded Int128 CODEC(ZSTD(1)),
    waiting Int128 CODEC(ZSTD(1)),
    malformed Int128 CODEC(ZSTD(1)),
    filtered Int128 CODEC(ZSTD(1)),
    aggregated Int128 CODEC(ZSTD(1)),
    events Int128 CODEC(ZSTD(1)),
    lost Int128 CODEC(ZSTD(1)),
    lost_datagrams Int128 CODEC(ZSTD(1)),
    kernel_drops Int128 CODEC(ZSTD(1)),
    sampling_record Int128 CODEC(ZSTD(1)),
    sampling_options Int128 CODEC(ZSTD(1)),
    sampling_config Int128 CODEC(ZSTD(1)),
    sampling_assumed Int128 CODEC(ZSTD(1)),
    sampling_unsampled Int128 CODEC(ZSTD(1)),
    interface_unknown Int128 CODEC(ZSTD(1)),
    counts_implausible Int128 CODEC(ZSTD(1)),
    rate_implausible Int128 CODEC(ZSTD(1)),
    time_implausible Int128 CODEC(ZSTD(1)),
    clock_implausible Int128 CODEC(ZSTD(1)),
    sums_saturated Int128 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree((
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config, sampling_assumed,
    sampling_unsampled, interface_unknown, counts_implausible, rate_implausible, time_implausible,
    clock_implausible, sums_saturated))
PARTITION BY toYear(time)
ORDER BY (economy, time, operator, collector, exporter)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

INSERT INTO ledger_day_next
    (time, economy, operator, collector, exporter,
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config, sampling_assumed,
    sampling_unsampled, interface_unknown, counts_implausible, rate_implausible, time_implausible,
    clock_implausible, sums_saturated)
SELECT
    time, economy, operator, collector, exporter,
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config, sampling_assumed,
    sampling_unsampled, interface_unknown, counts_implausible, rate_implausible, time_implausible,
    clock_implausible, sums_saturated
FROM ledger_day;

EXCHANGE TABLES ledger_day AND ledger_day_next;

DROP TABLE ledger_day_next SYNC;
