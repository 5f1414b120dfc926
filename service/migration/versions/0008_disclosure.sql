-- The secret factor of each operator, drawn once (service/perturbation.py): whoever has it can undo what protects
-- the operator's figures. A row that is drawn for a larger reach replaces the one before it.

CREATE TABLE IF NOT EXISTS perturbation
(
    economy LowCardinality(String),
    operator LowCardinality(String),
    factor Float64,
    reach Float64,
    drawn_at DateTime64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (economy, operator, drawn_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
