-- How many live records have the same values, so that the total of a filter by these is looked up: counting takes as long as there
-- are records. Written with each release, for the values whose number it changes. No foreign keys: they would cost a release more
-- than the rows do, and `check` counts.

CREATE TABLE tally (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    noun text COLLATE "C" NOT NULL,
    status text COLLATE "C",
    timeliness text COLLATE "C",
    period_end date,
    -- In the newest release.
    live bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (noun, status, timeliness, period_end)
);
-- From a release on, until the next row of the same tally.
CREATE TABLE tally_at (
    tally bigint NOT NULL,
    release bigint NOT NULL,
    live bigint NOT NULL,
    PRIMARY KEY (tally, release)
);

WITH change AS (
    SELECT noun, status, timeliness, period_end, from_release AS release, 1 AS more FROM record WHERE doc IS NOT NULL
    UNION ALL SELECT noun, status, timeliness, period_end, until_release, -1 FROM record
    WHERE doc IS NOT NULL AND until_release IS NOT NULL),
sums AS (
    SELECT noun, status, timeliness, period_end, release, sum(more) AS more FROM change
    GROUP BY noun, status, timeliness, period_end, release HAVING sum(more) <> 0),
made AS (
    INSERT INTO tally (noun, status, timeliness, period_end, live)
    SELECT noun, status, timeliness, period_end, sum(more) FROM sums GROUP BY noun, status, timeliness, period_end
    RETURNING *)
INSERT INTO tally_at (tally, release, live)
SELECT made.number, release, sum(more) OVER (PARTITION BY made.number ORDER BY release)
FROM made JOIN sums ON sums.noun = made.noun AND sums.status IS NOT DISTINCT FROM made.status
    AND sums.timeliness IS NOT DISTINCT FROM made.timeliness AND sums.period_end IS NOT DISTINCT FROM made.period_end;
