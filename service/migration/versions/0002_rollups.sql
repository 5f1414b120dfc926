-- Roll-ups: the same sums by hour, day and month, kept for ever. Each is filled straight from
-- flow_window, so that none depends on another.

CREATE TABLE IF NOT EXISTS flow_hour
(
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    direction LowCardinality(String) CODEC(ZSTD(1)),
    remote_asn UInt32 CODEC(ZSTD(3)),
    remote_country LowCardinality(String) CODEC(ZSTD(1)),
    location_rung LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    ip_version UInt8 CODEC(ZSTD(1)),
    transport LowCardinality(String) CODEC(ZSTD(1)),
    sampling_from LowCardinality(String) CODEC(ZSTD(1)),
    folded Bool CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(3)),
    packets UInt64 CODEC(ZSTD(3)),
    flows UInt64 CODEC(T64, ZSTD(3)),
    bytes_variance Float64 CODEC(ZSTD(3))
)
ENGINE = SummingMergeTree((bytes, packets, flows, bytes_variance))
PARTITION BY toYYYYMM(time)
PRIMARY KEY (economy, time)
ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_hour_filled TO flow_hour AS
SELECT
    toStartOfHour(window_start) AS time,
    economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded,
    sum(flow_window.bytes) AS bytes,
    sum(flow_window.packets) AS packets,
    sum(flow_window.flows) AS flows,
    sum(flow_window.bytes_variance) AS bytes_variance
FROM flow_window
GROUP BY time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded;

CREATE TABLE IF NOT EXISTS flow_day
(
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    direction LowCardinality(String) CODEC(ZSTD(1)),
    remote_asn UInt32 CODEC(ZSTD(3)),
    remote_country LowCardinality(String) CODEC(ZSTD(1)),
    location_rung LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    ip_version UInt8 CODEC(ZSTD(1)),
    transport LowCardinality(String) CODEC(ZSTD(1)),
    sampling_from LowCardinality(String) CODEC(ZSTD(1)),
    folded Bool CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(3)),
    packets UInt64 CODEC(ZSTD(3)),
    flows UInt64 CODEC(T64, ZSTD(3)),
    bytes_variance Float64 CODEC(ZSTD(3))
)
ENGINE = SummingMergeTree((bytes, packets, flows, bytes_variance))
PARTITION BY toYYYYMM(time)
PRIMARY KEY (economy, time)
ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_day_filled TO flow_day AS
SELECT
    toStartOfDay(window_start) AS time,
    economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded,
    sum(flow_window.bytes) AS bytes,
    sum(flow_window.packets) AS packets,
    sum(flow_window.flows) AS flows,
    sum(flow_window.bytes_variance) AS bytes_variance
FROM flow_window
GROUP BY time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded;

CREATE TABLE IF NOT EXISTS flow_month
(
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    direction LowCardinality(String) CODEC(ZSTD(1)),
    remote_asn UInt32 CODEC(ZSTD(3)),
    remote_country LowCardinality(String) CODEC(ZSTD(1)),
    location_rung LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    ip_version UInt8 CODEC(ZSTD(1)),
    transport LowCardinality(String) CODEC(ZSTD(1)),
    sampling_from LowCardinality(String) CODEC(ZSTD(1)),
    folded Bool CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(3)),
    packets UInt64 CODEC(ZSTD(3)),
    flows UInt64 CODEC(T64, ZSTD(3)),
    bytes_variance Float64 CODEC(ZSTD(3))
)
ENGINE = SummingMergeTree((bytes, packets, flows, bytes_variance))
PARTITION BY toYear(time)
PRIMARY KEY (economy, time)
ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

CREATE MATERIALIZED VIEW IF NOT EXISTS flow_month_filled TO flow_month AS
SELECT
    toDateTime(toStartOfMonth(window_start), 'UTC') AS time,
    economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded,
    sum(flow_window.bytes) AS bytes,
    sum(flow_window.packets) AS packets,
    sum(flow_window.flows) AS flows,
    sum(flow_window.bytes_variance) AS bytes_variance
FROM flow_window
GROUP BY time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded;

CREATE TABLE IF NOT EXISTS ledger_day
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
    sampling_unsampled Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree((
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config,
    sampling_assumed, sampling_unsampled))
PARTITION BY toYear(time)
ORDER BY (economy, time, operator, collector, exporter)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

CREATE MATERIALIZED VIEW IF NOT EXISTS ledger_day_filled TO ledger_day AS
SELECT
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
    sum(ledger_window.sampling_unsampled) AS sampling_unsampled
FROM ledger_window
GROUP BY time, economy, operator, collector, exporter;
