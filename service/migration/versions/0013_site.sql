-- The site, an operator's point of presence, is a key of flows: '' in all rows of before, and where an operator sets none.
-- It goes last in the sorting keys, by the statement that adds it, so that no roll-up need be copied. What months are computed
-- from and published does not have it (vintage_cell), nor have the views that dashboards read.

ALTER TABLE flow_window ADD COLUMN IF NOT EXISTS site LowCardinality(String) CODEC(ZSTD(1));

ALTER TABLE flow_hour
    ADD COLUMN IF NOT EXISTS site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded, site);

ALTER TABLE flow_day
    ADD COLUMN IF NOT EXISTS site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded, site);

ALTER TABLE flow_month
    ADD COLUMN IF NOT EXISTS site LowCardinality(String) CODEC(ZSTD(1)),
    MODIFY ORDER BY (economy, time, direction, remote_country, remote_asn, operator, collector, location_rung, service,
    transport, ip_version, sampling_from, folded, site);

-- As before, with the site.

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
    f.site AS site,
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
    f.site AS site,
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
    f.site AS site,
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

-- As before, without it.

CREATE OR REPLACE VIEW flow_counted_hour AS
SELECT * EXCEPT site REPLACE (
    toFloat64(bytes * halves) / 2 AS bytes,
    toFloat64(packets * halves) / 2 AS packets,
    toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)
FROM flow_attributed_hour;

CREATE OR REPLACE VIEW flow_counted_day AS
SELECT * EXCEPT site REPLACE (
    toFloat64(bytes * halves) / 2 AS bytes,
    toFloat64(packets * halves) / 2 AS packets,
    toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)
FROM flow_attributed_day;

CREATE OR REPLACE VIEW flow_counted_month AS
SELECT * EXCEPT site REPLACE (
    toFloat64(bytes * halves) / 2 AS bytes,
    toFloat64(packets * halves) / 2 AS packets,
    toFloat64(bytes_variance * halves * halves) / 4 AS bytes_variance)
FROM flow_attributed_month;
