-- Records counted without knowing which interface they crossed: one more count of the ledger. What a
-- SummingMergeTree adds up is fixed when it is made, so the ledger by day is copied into a new table, which
-- then takes the place of the old one. Nothing is stored meanwhile: the service migrates before it serves.

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS interface_unknown Int64 CODEC(ZSTD(1));

ALTER TABLE ledger_day ADD COLUMN IF NOT EXISTS interface_unknown Int64 CODEC(ZSTD(1));

-- What a start before left that was killed: an unfinished copy, or the old table.
DROP TABLE IF EXISTS ledger_day_next SYNC;

CREATE TABLE ledger_day_next
(
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    exporter LowCardinality(String),
    datagrams Int64 CODEC(ZSTD(1)),
    received Int64 CODEC(ZSTD(1)),
    decoded Int64 CODEC(ZSTD(1)),
    waiting Int64 CODEC(ZSTD(1)),
    malformed Int64 CODEC(ZSTD(1)),
    filtered Int64 CODEC(ZSTD(1)),
    aggregated Int64 CODEC(ZSTD(1)),
    events Int64 CODEC(ZSTD(1)),
    lost Int64 CODEC(ZSTD(1)),
    lost_datagrams Int64 CODEC(ZSTD(1)),
    kernel_drops Int64 CODEC(ZSTD(1)),
    sampling_record Int64 CODEC(ZSTD(1)),
    sampling_options Int64 CODEC(ZSTD(1)),
    sampling_config Int64 CODEC(ZSTD(1)),
    sampling_assumed Int64 CODEC(ZSTD(1)),
    sampling_unsampled Int64 CODEC(ZSTD(1)),
    interface_unknown Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree((
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config, sampling_assumed,
    sampling_unsampled, interface_unknown))
PARTITION BY toYear(time)
ORDER BY (economy, time, operator, collector, exporter)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

INSERT INTO ledger_day_next
    (time, economy, operator, collector, exporter, datagrams, received, decoded, waiting, malformed, filtered,
    aggregated, events, lost, lost_datagrams, kernel_drops, sampling_record, sampling_options,
    sampling_config, sampling_assumed, sampling_unsampled, interface_unknown)
SELECT
    time, economy, operator, collector, exporter, datagrams, received, decoded, waiting, malformed, filtered,
    aggregated, events, lost, lost_datagrams, kernel_drops, sampling_record, sampling_options,
    sampling_config, sampling_assumed, sampling_unsampled, interface_unknown
FROM ledger_day;

EXCHANGE TABLES ledger_day AND ledger_day_next;

DROP TABLE ledger_day_next SYNC;

ALTER TABLE ledger_day_filled MODIFY QUERY SELECT
    toStartOfDay(window_start) AS time,
    economy, operator, collector, exporter,
    sum(ledger_window.datagrams) AS datagrams,
    sum(ledger_window.received) AS received,
    sum(ledger_window.decoded) AS decoded,
    sum(ledger_window.waiting) AS waiting,
    sum(ledger_window.malformed) AS malformed,
    sum(ledger_window.filtered) AS filtered,
    sum(ledger_window.aggregated) AS aggregated,
    sum(ledger_window.events) AS events,
    sum(ledger_window.lost) AS lost,
    sum(ledger_window.lost_datagrams) AS lost_datagrams,
    sum(ledger_window.kernel_drops) AS kernel_drops,
    sum(ledger_window.sampling_record) AS sampling_record,
    sum(ledger_window.sampling_options) AS sampling_options,
    sum(ledger_window.sampling_config) AS sampling_config,
    sum(ledger_window.sampling_assumed) AS sampling_assumed,
    sum(ledger_window.sampling_unsampled) AS sampling_unsampled,
    sum(ledger_window.interface_unknown) AS interface_unknown
FROM ledger_window
GROUP BY time, economy, operator, collector, exporter;
