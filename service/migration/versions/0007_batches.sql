-- Every batch can be found, taken back and counted again: bodies are kept as they were received, and what became
-- of each is written down. Sums are whole numbers that cannot wrap, so what is taken back leaves nothing behind.

-- Bodies as received, by month of receipt. Written before the journal, and named by what they hold.
CREATE TABLE IF NOT EXISTS batch_body
(
    batch_id String CODEC(ZSTD(1)),
    received_at DateTime('UTC'),
    body String CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY batch_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, index_granularity = 64, non_replicated_deduplication_window = 100;

-- What was done to batches, in order; nothing is ever changed here. A batch without a row is counted; else the
-- row with the highest number says in which state it is.
CREATE TABLE IF NOT EXISTS batch_change
(
    number UInt64,
    batch_id String CODEC(ZSTD(1)),
    economy LowCardinality(String),
    deed LowCardinality(String),
    state LowCardinality(String),
    reason String CODEC(ZSTD(1)),
    subject String CODEC(ZSTD(1)),
    changed_at DateTime('UTC')
)
ENGINE = MergeTree
ORDER BY (batch_id, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

-- Deeds that could not be finished, set aside so that others go on: the journal's row, which partitions have the
-- batch already (`present`, as table/partition), and why. The newest row of a batch counts.
CREATE TABLE IF NOT EXISTS batch_aside
(
    number UInt64,
    batch_id String CODEC(ZSTD(1)),
    received_at DateTime('UTC'),
    collector LowCardinality(String),
    operator LowCardinality(String),
    economy LowCardinality(String),
    deed LowCardinality(String),
    state LowCardinality(String),
    reason String CODEC(ZSTD(1)),
    subject String CODEC(ZSTD(1)),
    present Array(String),
    why String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (batch_id, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

-- The journal tells what is being done, not only that a batch is being stored.
ALTER TABLE batch_pending
    ADD COLUMN IF NOT EXISTS deed String,
    ADD COLUMN IF NOT EXISTS state String,
    ADD COLUMN IF NOT EXISTS number UInt64,
    ADD COLUMN IF NOT EXISTS reason String,
    ADD COLUMN IF NOT EXISTS subject String,
    ADD COLUMN IF NOT EXISTS changed_at DateTime('UTC'),
    ADD COLUMN IF NOT EXISTS present Array(String);

-- So that the windows of one batch can be taken out; windows of before do not say whose they are.
ALTER TABLE flow_window ADD COLUMN IF NOT EXISTS batch_id LowCardinality(String) CODEC(ZSTD(1));

ALTER TABLE ledger_window ADD COLUMN IF NOT EXISTS batch_id LowCardinality(String) CODEC(ZSTD(1));

ALTER TABLE batch
    MODIFY COLUMN flows Int128,
    MODIFY COLUMN bytes Int128,
    MODIFY COLUMN packets Int128;

-- What is counted now: batches that are neither held nor retracted.
CREATE OR REPLACE VIEW batch_counted AS
SELECT *
FROM batch
WHERE batch_id NOT IN
(
    SELECT batch_id
    FROM batch_change
    GROUP BY batch_id
    HAVING argMax(state, number) != 'counted'
);

-- The facts of vintages are kept as they were read: as floating point numbers.
ALTER TABLE vintage_cell
    MODIFY COLUMN bytes Float64 CODEC(ZSTD(3)),
    MODIFY COLUMN packets Float64 CODEC(ZSTD(3)),
    MODIFY COLUMN flows Int64 CODEC(T64, ZSTD(3));

-- Roll-ups are filled by the service, statement by statement, whether a batch is counted or taken back.
DROP VIEW IF EXISTS flow_hour_filled SYNC;

DROP VIEW IF EXISTS flow_day_filled SYNC;

DROP VIEW IF EXISTS flow_month_filled SYNC;

DROP VIEW IF EXISTS ledger_day_filled SYNC;

-- 128 bits hold what 18 quintillion batches of an exabyte carry; the variance, a square of bytes, has 256. A variance
-- that had no end is cut at 1e60. All are partitioned by year, so that a batch that speaks of many months makes few
-- parts. As in 0004, each table is copied and the copy takes its place.

DROP TABLE IF EXISTS flow_hour_next SYNC;

CREATE TABLE flow_hour_next
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
    bytes Int128 CODEC(ZSTD(3)),
    packets Int128 CODEC(ZSTD(3)),
    flows Int128 CODEC(ZSTD(3)),
    bytes_variance Int256 CODEC(ZSTD(3))
)
ENGINE = SummingMergeTree((bytes, packets, flows, bytes_variance))
PARTITION BY toYear(time)
PRIMARY KEY (economy, time)
ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

INSERT INTO flow_hour_next
    (time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded, bytes, packets, flows, bytes_variance)
SETTINGS max_partitions_per_insert_block = 0
SELECT
    time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded, bytes, packets, flows,
    toInt256(floor(least(toFloat64(bytes_variance), 1e60)))
FROM flow_hour;

EXCHANGE TABLES flow_hour AND flow_hour_next;

DROP TABLE flow_hour_next SYNC;

DROP TABLE IF EXISTS flow_day_next SYNC;

CREATE TABLE flow_day_next
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
    bytes Int128 CODEC(ZSTD(3)),
    packets Int128 CODEC(ZSTD(3)),
    flows Int128 CODEC(ZSTD(3)),
    bytes_variance Int256 CODEC(ZSTD(3))
)
ENGINE = SummingMergeTree((bytes, packets, flows, bytes_variance))
PARTITION BY toYear(time)
PRIMARY KEY (economy, time)
ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

INSERT INTO flow_day_next
    (time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded, bytes, packets, flows, bytes_variance)
SETTINGS max_partitions_per_insert_block = 0
SELECT
    time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded, bytes, packets, flows,
    toInt256(floor(least(toFloat64(bytes_variance), 1e60)))
FROM flow_day;

EXCHANGE TABLES flow_day AND flow_day_next;

DROP TABLE flow_day_next SYNC;

DROP TABLE IF EXISTS flow_month_next SYNC;

CREATE TABLE flow_month_next
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
    bytes Int128 CODEC(ZSTD(3)),
    packets Int128 CODEC(ZSTD(3)),
    flows Int128 CODEC(ZSTD(3)),
    bytes_variance Int256 CODEC(ZSTD(3))
)
ENGINE = SummingMergeTree((bytes, packets, flows, bytes_variance))
PARTITION BY toYear(time)
PRIMARY KEY (economy, time)
ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    old_parts_lifetime = 60, non_replicated_deduplication_window = 100;

INSERT INTO flow_month_next
    (time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded, bytes, packets, flows, bytes_variance)
SETTINGS max_partitions_per_insert_block = 0
SELECT
    time, economy, operator, collector, direction, remote_asn, remote_country, location_rung, service, ip_version,
    transport, sampling_from, folded, bytes, packets, flows,
    toInt256(floor(least(toFloat64(bytes_variance), 1e60)))
FROM flow_month;

EXCHANGE TABLES flow_month AND flow_month_next;

DROP TABLE flow_month_next SYNC;

DROP TABLE IF EXISTS ledger_day_next SYNC;

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
    interface_unknown Int128 CODEC(ZSTD(1))
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
    (time, economy, operator, collector, exporter,
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config, sampling_assumed,
    sampling_unsampled, interface_unknown)
SELECT
    time, economy, operator, collector, exporter,
    datagrams, received, decoded, waiting, malformed, filtered, aggregated, events, lost,
    lost_datagrams, kernel_drops, sampling_record, sampling_options, sampling_config, sampling_assumed,
    sampling_unsampled, interface_unknown
FROM ledger_day;

EXCHANGE TABLES ledger_day AND ledger_day_next;

DROP TABLE ledger_day_next SYNC;

-- A view keeps the types it was made with, so these are made again; otherwise they are as before.
CREATE OR REPLACE VIEW flow_attributed_hour AS
SELECT
    f.time AS time,
    f.economy AS economy,
    f.operator AS operator,
    f.collector AS collector,
    f.direction AS direction,
    f.remote_asn AS remote_asn,
    f.remote_country AS remote_country,
    f.location_rung AS location_rung,
    f.service AS service,
    f.ip_version AS ip_version,
    f.transport AS transport,
    f.sampling_from AS sampling_from,
    f.folded AS folded,
    f.bytes AS bytes,
    f.packets AS packets,
    f.flows AS flows,
    f.bytes_variance AS bytes_variance,
    if(f.service != '', f.service, n.platform) AS platform,
    p.name AS platform_name,
    p.parent AS parent,
    p.category AS category,
    p.tier AS tier,
    p.stage AS stage,
    n.name AS network_name,
    n.kind AS network_kind,
    multiIf(p.control != '', p.control, n.kind IN ('access', 'transit'), n.control, '') AS control,
    c.region AS region,
    if(p.platform != '', p.status, n.status) AS interpretation_status
FROM flow_hour AS f
LEFT JOIN
(
    SELECT asn, platform, name, kind, control, status
    FROM network
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS n ON n.asn = f.remote_asn
LEFT JOIN
(
    SELECT platform, name, parent, control, category, tier, stage, status
    FROM platform
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS p ON p.platform = if(f.service != '', f.service, n.platform)
LEFT JOIN
(
    SELECT country, region
    FROM country
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS c ON c.country = f.remote_country;

CREATE OR REPLACE VIEW flow_attributed_day AS
SELECT
    f.time AS time,
    f.economy AS economy,
    f.operator AS operator,
    f.collector AS collector,
    f.direction AS direction,
    f.remote_asn AS remote_asn,
    f.remote_country AS remote_country,
    f.location_rung AS location_rung,
    f.service AS service,
    f.ip_version AS ip_version,
    f.transport AS transport,
    f.sampling_from AS sampling_from,
    f.folded AS folded,
    f.bytes AS bytes,
    f.packets AS packets,
    f.flows AS flows,
    f.bytes_variance AS bytes_variance,
    if(f.service != '', f.service, n.platform) AS platform,
    p.name AS platform_name,
    p.parent AS parent,
    p.category AS category,
    p.tier AS tier,
    p.stage AS stage,
    n.name AS network_name,
    n.kind AS network_kind,
    multiIf(p.control != '', p.control, n.kind IN ('access', 'transit'), n.control, '') AS control,
    c.region AS region,
    if(p.platform != '', p.status, n.status) AS interpretation_status
FROM flow_day AS f
LEFT JOIN
(
    SELECT asn, platform, name, kind, control, status
    FROM network
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS n ON n.asn = f.remote_asn
LEFT JOIN
(
    SELECT platform, name, parent, control, category, tier, stage, status
    FROM platform
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS p ON p.platform = if(f.service != '', f.service, n.platform)
LEFT JOIN
(
    SELECT country, region
    FROM country
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS c ON c.country = f.remote_country;

CREATE OR REPLACE VIEW flow_attributed_month AS
SELECT
    f.time AS time,
    f.economy AS economy,
    f.operator AS operator,
    f.collector AS collector,
    f.direction AS direction,
    f.remote_asn AS remote_asn,
    f.remote_country AS remote_country,
    f.location_rung AS location_rung,
    f.service AS service,
    f.ip_version AS ip_version,
    f.transport AS transport,
    f.sampling_from AS sampling_from,
    f.folded AS folded,
    f.bytes AS bytes,
    f.packets AS packets,
    f.flows AS flows,
    f.bytes_variance AS bytes_variance,
    if(f.service != '', f.service, n.platform) AS platform,
    p.name AS platform_name,
    p.parent AS parent,
    p.category AS category,
    p.tier AS tier,
    p.stage AS stage,
    n.name AS network_name,
    n.kind AS network_kind,
    multiIf(p.control != '', p.control, n.kind IN ('access', 'transit'), n.control, '') AS control,
    c.region AS region,
    if(p.platform != '', p.status, n.status) AS interpretation_status
FROM flow_month AS f
LEFT JOIN
(
    SELECT asn, platform, name, kind, control, status
    FROM network
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS n ON n.asn = f.remote_asn
LEFT JOIN
(
    SELECT platform, name, parent, control, category, tier, stage, status
    FROM platform
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS p ON p.platform = if(f.service != '', f.service, n.platform)
LEFT JOIN
(
    SELECT country, region
    FROM country
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
) AS c ON c.country = f.remote_country;
