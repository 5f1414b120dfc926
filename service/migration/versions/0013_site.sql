-- The site, an operator's point of presence, is a key of flows: '' in all rows of before, and where an operator sets none.
-- It goes last in the sorting keys, by the statement that adds it, so that no roll-up need be copied. What months are computed
-- from and published does not have it (vintage_cell), nor have the views that dashboards read. The views
-- that join flows with their interpretation are made anew after every migration (service/migration/views.py).

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
