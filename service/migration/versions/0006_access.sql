-- Keys, and the record of what was done. Rows are added and never changed: a revocation is a row, and each line
-- of the record holds the hash of the one before.

-- What a key allows, and the SHA-256 of it; the key itself is shown once and stored nowhere.
-- No economies or operators: it is not bound to any.
CREATE TABLE IF NOT EXISTS access_key
(
    id String,
    digest String,
    role LowCardinality(String),
    name String,
    economies Array(String),
    operators Array(String),
    created_at DateTime64(3, 'UTC'),
    expires_at DateTime64(3, 'UTC'),
    created_by String
)
ENGINE = MergeTree
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS access_key_revocation
(
    id String,
    revoked_at DateTime64(3, 'UTC'),
    revoked_by String,
    reason String
)
ENGINE = MergeTree
ORDER BY id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS audit
(
    number UInt64,
    time DateTime64(3, 'UTC'),
    actor String,
    role LowCardinality(String),
    credential String,
    deed LowCardinality(String),
    subject String,
    outcome LowCardinality(String),
    detail String CODEC(ZSTD(3)),
    previous String,
    hash String
)
ENGINE = MergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
