-- Why there is no value is stored as codes with their figures, not as a sentence, and dimensions as ids, not in words.
-- The sentences and words of before are read a last time by what PERFORM names (service/earlier/rewriting.py), which
-- may run again as any statement may. The column of the sentences goes when all of them are read.

ALTER TABLE indicator_value
    ADD COLUMN IF NOT EXISTS reason_codes Array(LowCardinality(String)) AFTER flags,
    ADD COLUMN IF NOT EXISTS reason_figures Array(String) AFTER reason_codes;

PERFORM dimensions_as_ids;

PERFORM reasons_as_codes;

PERFORM inputs_with_codes;

ALTER TABLE indicator_value DROP COLUMN IF EXISTS reason;

CREATE OR REPLACE VIEW indicator_published AS
SELECT i.*
FROM indicator_value AS i
INNER JOIN
(
    SELECT economy, time, argMax(run, number) AS run
    FROM vintage
    GROUP BY economy, time
) AS newest ON newest.economy = i.economy AND newest.time = i.time AND newest.run = i.run;
