-- Interpretation, versioned. `reference_version` records each time a version became the one in force;
-- the others hold the rows of every version ever loaded, one partition each.

CREATE TABLE IF NOT EXISTS reference_version
(
    version String,
    loaded_at DateTime64(3, 'UTC'),
    synthetic Bool
)
ENGINE = MergeTree
ORDER BY loaded_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS network
(
    version String,
    asn UInt32,
    platform LowCardinality(String),
    name String,
    kind LowCardinality(String),
    control LowCardinality(String),
    status LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY version
ORDER BY asn
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS platform
(
    version String,
    platform String,
    name String,
    parent String,
    control LowCardinality(String),
    tier LowCardinality(String),
    category LowCardinality(String),
    stage UInt8,
    status LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY version
ORDER BY platform
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS country
(
    version String,
    country String,
    name_en String,
    name_es String,
    name_pt String,
    region LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY version
ORDER BY country
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS country_group
(
    version String,
    group_id LowCardinality(String),
    country String
)
ENGINE = MergeTree
PARTITION BY version
ORDER BY (group_id, country)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which platform stands behind a flow: the one DNS or SNI named, else the one whose network it is.
-- Who controls it: whoever controls the platform, else the access or transit network.

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
