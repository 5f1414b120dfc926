-- What was published of a month, for good. A computation writes the facts it read, what else it was told
-- and its values; the row in `vintage` comes last and is one part, so a month is published as a whole or
-- not at all. Values that no vintage names were left by a computation that was killed.

CREATE TABLE IF NOT EXISTS vintage
(
    vintage String,
    run String,
    economy LowCardinality(String),
    time DateTime('UTC'),
    number UInt32,
    computed_at DateTime64(3, 'UTC'),
    software String,
    reference_version String,
    facts String,
    inputs String CODEC(ZSTD(3)),
    reason String,
    synthetic Bool,
    observations UInt32
)
ENGINE = MergeTree
ORDER BY (economy, time, number)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS indicator_value
(
    economy LowCardinality(String),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    run String CODEC(ZSTD(1)),
    position UInt32,
    vintage String CODEC(ZSTD(1)),
    indicator LowCardinality(String),
    dimension Nullable(String),
    value Nullable(Float64),
    low Nullable(Float64),
    high Nullable(Float64),
    undetermined Nullable(Float64),
    coverage Nullable(Float64),
    flows UInt64,
    flags Array(LowCardinality(String)),
    reason Nullable(String),
    details Map(String, Float64),
    unit LowCardinality(String),
    level Float64,
    method_version LowCardinality(String),
    reference_version LowCardinality(String),
    computed_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (economy, time, run, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The facts of a month as they were read: roll-ups go on growing when batches come late. `facts` is a hash
-- of the rows, so a revision that reads the same facts needs no second copy.
CREATE TABLE IF NOT EXISTS vintage_cell
(
    economy LowCardinality(String),
    time DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    facts String CODEC(ZSTD(1)),
    operator LowCardinality(String),
    direction LowCardinality(String) CODEC(ZSTD(1)),
    remote_asn UInt32 CODEC(ZSTD(3)),
    remote_country LowCardinality(String) CODEC(ZSTD(1)),
    location_rung LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    sampling_from LowCardinality(String) CODEC(ZSTD(1)),
    folded Bool CODEC(ZSTD(1)),
    bytes UInt64 CODEC(ZSTD(3)),
    packets UInt64 CODEC(ZSTD(3)),
    flows UInt64 CODEC(T64, ZSTD(3)),
    bytes_variance Float64 CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYear(time)
ORDER BY (economy, time, facts, direction, remote_country, remote_asn, operator, location_rung, service,
    sampling_from, folded)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What else a computation was given, by the hash of its content: ways of traffic, routing tables.
CREATE TABLE IF NOT EXISTS vintage_input
(
    digest String,
    kind LowCardinality(String),
    content String CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY digest
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Every file of facts of every version of the reference, whole, overlay rows in place.
CREATE TABLE IF NOT EXISTS reference_file
(
    version String,
    file LowCardinality(String),
    content String CODEC(ZSTD(6))
)
ENGINE = MergeTree
ORDER BY (version, file)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The newest vintage of every month, for whoever reads the store itself.
CREATE OR REPLACE VIEW indicator_published AS
SELECT i.*
FROM indicator_value AS i
INNER JOIN
(
    SELECT economy, time, argMax(run, number) AS run
    FROM vintage
    GROUP BY economy, time
) AS newest ON newest.economy = i.economy AND newest.time = i.time AND newest.run = i.run;
