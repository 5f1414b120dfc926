#!/bin/bash
# Runs once, when the database is new: make the user as whom Grafana reads. It can read the store and
# nothing else. readonly = 2 forbids every write and still lets the plugin's client set its time limit.
set -euo pipefail
# The client takes user and password from the environment; nothing secret stands on a command line.
export CLICKHOUSE_USER CLICKHOUSE_PASSWORD
password="$(cat /run/secrets/grafana_clickhouse_password)"
clickhouse-client --host 127.0.0.1 --multiquery <<SQL
CREATE USER IF NOT EXISTS grafana IDENTIFIED WITH sha256_password BY '$password'
    SETTINGS readonly = 2, max_memory_usage = 4000000000;
GRANT SELECT ON ${CLICKHOUSE_DB}.* TO grafana;
SQL
