-- The border of the country. What two of its networks exchange is domestic, and metered twice where both report.
-- Networks are told by the AS numbers that operators declare, else by the listed access networks of the economy.

-- The listed access networks of each economy, in every version of the reference.
CREATE TABLE IF NOT EXISTS access_network
(
    version String,
    country LowCardinality(String),
    asn UInt32
)
ENGINE = MergeTree
PARTITION BY version
ORDER BY (country, asn)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The AS numbers that operators declare in the settings. Each time these change all are written as one part, with
-- the next number; in force are those of the highest. A row of AS number 0 says that there are none.
CREATE TABLE IF NOT EXISTS operator_network
(
    economy LowCardinality(String),
    operator LowCardinality(String),
    asn UInt32,
    since Date32,
    until Date32,
    number UInt64,
    loaded_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (number, economy, asn)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Whom each operator meets of the networks of its economy, by month: whose it is by declaration, whether it is listed, and
-- whether the other side reports the same traffic. Of a network that nobody declared it does if some operator that declared
-- nothing never meets it, as nobody meets its own network.
CREATE OR REPLACE VIEW network_met AS
WITH
reporting AS
(
    SELECT r.economy AS economy, r.time AS time, r.operator AS operator
    FROM flow_month AS r
    GROUP BY economy, time, operator
    HAVING sum(r.bytes) > 0
),
owned AS
(
    SELECT m.economy AS economy, m.time AS time, o.operator AS operator, o.asn AS asn
    FROM (SELECT DISTINCT economy, time FROM reporting) AS m
    INNER JOIN
    (
        SELECT economy, operator, asn, since, until
        FROM operator_network
        WHERE number = (SELECT max(number) FROM operator_network)
    ) AS o ON o.economy = m.economy
    WHERE o.since <= toDate32(m.time) + 14 AND toDate32(m.time) + 14 <= o.until
),
listed AS
(
    SELECT country AS economy, asn
    FROM access_network
    WHERE version = (SELECT argMax(version, loaded_at) FROM reference_version)
),
met AS
(
    SELECT
        f.economy AS economy,
        f.time AS time,
        f.operator AS operator,
        f.remote_asn AS remote_asn,
        sumIf(f.bytes, f.direction IN ('out', 'in') AND f.service = ''
            AND (f.remote_country IN ('', 'ZZ', f.economy) OR f.location_rung = 'anycast')) > 0 AS meets
    FROM flow_month AS f
    GROUP BY economy, time, operator, remote_asn
)
SELECT
    m.economy AS economy,
    m.time AS time,
    m.operator AS operator,
    m.remote_asn AS remote_asn,
    toString(w.operator) AS owner,
    l.asn != 0 AS listed,
    (m.economy, m.time, m.operator) IN (SELECT economy, time, operator FROM reporting)
        AND (m.economy, m.time, m.operator) NOT IN (SELECT economy, time, operator FROM owned) AS silent,
    s.operators - silent AS rivals,
    countIf(silent AND m.meets) OVER (PARTITION BY m.economy, m.time, m.remote_asn) - (silent AND m.meets) AS meeting,
    if(owner != '',
        owner != m.operator AND (m.economy, m.time, toLowCardinality(owner)) IN (SELECT economy, time, operator FROM reporting),
        meeting < rivals) AS half
FROM met AS m
LEFT JOIN owned AS w ON w.economy = m.economy AND w.time = m.time AND w.asn = m.remote_asn
LEFT JOIN listed AS l ON l.economy = m.economy AND l.asn = m.remote_asn
LEFT JOIN
(
    SELECT economy, time, count() AS operators
    FROM reporting
    WHERE (economy, time, operator) NOT IN (SELECT economy, time, operator FROM owned)
    GROUP BY economy, time
) AS s ON s.economy = m.economy AND s.time = m.time
WHERE w.asn != 0 OR l.asn != 0;

-- As before, and where the far end is: `exchange` with another network of the economy, the border that is crossed, or
-- "domestic"; `other_operator` that declared the network; `halves` of the sums that count.

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
    multiIf(p.control != '', p.control, n.kind IN ('access', 'transit', 'wholesale', 'satellite', 'ixp', 'academic', 'government', 'enterprise'), n.control, '') AS control,
    c.region AS region,
    if(p.platform != '', p.status, n.status) AS interpretation_status,
    f.direction IN ('out', 'in') AND if(f.service != '', f.service, n.platform) = ''
        AND multiIf(
            e.owner != '', NOT (f.remote_country NOT IN ('', 'ZZ', f.economy) AND f.location_rung IN ('operator', 'cloud')),
            e.listed, f.remote_country IN ('', 'ZZ', f.economy) OR f.location_rung = 'anycast',
            0) AS exchange,
    multiIf(
        f.direction NOT IN ('out', 'in'), '',
        exchange OR (f.remote_country = f.economy AND f.location_rung != 'anycast'), 'domestic',
        toString(f.direction)) AS border,
    if(exchange, e.owner, '') AS other_operator,
    toUInt8(if(exchange AND e.half, 1, 2)) AS halves
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
) AS c ON c.country = f.remote_country
LEFT JOIN network_met AS e ON e.economy = f.economy AND e.time = toDateTime(toStartOfMonth(f.time), 'UTC')
    AND e.operator = f.operator AND e.remote_asn = f.remote_asn;

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
    multiIf(p.control != '', p.control, n.kind IN ('access', 'transit', 'wholesale', 'satellite', 'ixp', 'academic', 'government', 'enterprise'), n.control, '') AS control,
    c.region AS region,
    if(p.platform != '', p.status, n.status) AS interpretation_status,
    f.direction IN ('out', 'in') AND if(f.service != '', f.service, n.platform) = ''
        AND multiIf(
            e.owner != '', NOT (f.remote_country NOT IN ('', 'ZZ', f.economy) AND f.location_rung IN ('operator', 'cloud')),
            e.listed, f.remote_country IN ('', 'ZZ', f.economy) OR f.location_rung = 'anycast',
            0) AS exchange,
    multiIf(
        f.direction NOT IN ('out', 'in'), '',
        exchange OR (f.remote_country = f.economy AND f.location_rung != 'anycast'), 'domestic',
        toString(f.direction)) AS border,
    if(exchange, e.owner, '') AS other_operator,
    toUInt8(if(exchange AND e.half, 1, 2)) AS halves
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
) AS c ON c.country = f.remote_country
LEFT JOIN network_met AS e ON e.economy = f.economy AND e.time = toDateTime(toStartOfMonth(f.time), 'UTC')
    AND e.operator = f.operator AND e.remote_asn = f.remote_asn;

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
    multiIf(p.control != '', p.control, n.kind IN ('access', 'transit', 'wholesale', 'satellite', 'ixp', 'academic', 'government', 'enterprise'), n.control, '') AS control,
    c.region AS region,
    if(p.platform != '', p.status, n.status) AS interpretation_status,
    f.direction IN ('out', 'in') AND if(f.service != '', f.service, n.platform) = ''
        AND multiIf(
            e.owner != '', NOT (f.remote_country NOT IN ('', 'ZZ', f.economy) AND f.location_rung IN ('operator', 'cloud')),
            e.listed, f.remote_country IN ('', 'ZZ', f.economy) OR f.location_rung = 'anycast',
            0) AS exchange,
    multiIf(
        f.direction NOT IN ('out', 'in'), '',
        exchange OR (f.remote_country = f.economy AND f.location_rung != 'anycast'), 'domestic',
        toString(f.direction)) AS border,
    if(exchange, e.owner, '') AS other_operator,
    toUInt8(if(exchange AND e.half, 1, 2)) AS halves
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
) AS c ON c.country = f.remote_country
LEFT JOIN network_met AS e ON e.economy = f.economy AND e.time = toDateTime(toStartOfMonth(f.time), 'UTC')
    AND e.operator = f.operator AND e.remote_asn = f.remote_asn;

-- The same with the sums as they count: what two networks of the economy exchange once.

CREATE OR REPLACE VIEW flow_counted_hour AS
SELECT * REPLACE (
    toFloat64(bytes * halves) / 2 AS bytes,
    toFloat64(packets * halves) / 2 AS packets,
    toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)
FROM flow_attributed_hour;

CREATE OR REPLACE VIEW flow_counted_day AS
SELECT * REPLACE (
    toFloat64(bytes * halves) / 2 AS bytes,
    toFloat64(packets * halves) / 2 AS packets,
    toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)
FROM flow_attributed_day;

CREATE OR REPLACE VIEW flow_counted_month AS
SELECT * REPLACE (
    toFloat64(bytes * halves) / 2 AS bytes,
    toFloat64(packets * halves) / 2 AS packets,
    toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)
FROM flow_attributed_month;
