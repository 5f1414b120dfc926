-- Facts as collectors sent them. Rows of one batch share received_at, so a batch is one part of
-- flow_window and retention drops whole parts, by when rows came and not by the time they speak of.

CREATE TABLE IF NOT EXISTS flow_window
(
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    received_at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    window_start DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    window_seconds UInt32 CODEC(ZSTD(1)),
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
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(received_at)
PRIMARY KEY (economy, window_start)
ORDER BY (economy, window_start, direction, remote_country, remote_asn)
TTL received_at + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

CREATE TABLE IF NOT EXISTS ledger_window
(
    economy LowCardinality(String),
    operator LowCardinality(String),
    collector LowCardinality(String),
    received_at DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    exporter LowCardinality(String),
    window_start DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    window_seconds UInt32 CODEC(ZSTD(1)),
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
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(received_at)
PRIMARY KEY (economy, window_start)
ORDER BY (economy, window_start, operator, collector, exporter)
TTL received_at + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

-- The permanent record: a batch is stored when it has a row here, and never again.
CREATE TABLE IF NOT EXISTS batch
(
    batch_id String CODEC(ZSTD(1)),
    collector LowCardinality(String),
    operator LowCardinality(String),
    economy LowCardinality(String),
    received_at DateTime('UTC'),
    created String CODEC(ZSTD(1)),
    sequence String CODEC(ZSTD(1)),
    software LowCardinality(String),
    synthetic Bool,
    rows UInt64,
    flows UInt64,
    bytes UInt64,
    packets UInt64
)
ENGINE = MergeTree
ORDER BY batch_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

-- The journal: the one batch that is being stored. `marks` holds, for each table, the highest block
-- number before the batch was begun; parts above it are parts of this batch.
CREATE TABLE IF NOT EXISTS batch_pending
(
    batch_id String,
    received_at DateTime('UTC'),
    marks Map(String, Int64),
    body String CODEC(NONE)
)
ENGINE = MergeTree
ORDER BY batch_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 1;
