-- Written by `python -m sinks.views log_ends_age` from sinks/views.

ALTER TABLE posventa.freshness ADD COLUMN IF NOT EXISTS ends_age_seconds Float64 AFTER busy_at;

-- How fresh the tables are, as last reported by each partition's owner, and one total row.
CREATE OR REPLACE VIEW posventa.freshness_now
(
    topic String COMMENT 'source topic; empty: total of all',
    partition Int32 COMMENT 'source partition; -1: total of all',
    complete_up_to DateTime64(3, 'UTC') COMMENT 'everything that reached the broker before this time is in these tables; total: the minimum',
    lag_records UInt64 COMMENT 'records waiting; total: the sum',
    lag_seconds Float64 COMMENT 'age of the oldest record waiting; total: the maximum',
    status String COMMENT 'stalled (no report for 15 s, the ends of the log unreadable for 15 s, or input waiting and no progress for 30 s), behind (lag over 60 s), idle (nothing to read for 60 s) or ok; total: the worst',
    as_of DateTime64(3, 'UTC') COMMENT 'time of the report; total: the oldest'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    states AS
    (
        SELECT
            f.topic AS topic,
            f.source_partition AS source_partition,
            f.complete_up_to AS complete_up_to,
            f.lag_records AS lag_records,
            f.lag_seconds AS lag_seconds,
            f.as_of AS as_of,
            now64(3, 'UTC') AS asked_at,
            -- from best to worst; a total is idle only when every partition is
            multiIf(
                dateDiff('millisecond', f.as_of, asked_at) > 15000 OR f.ends_age_seconds > 15, 4,
                f.lag_records > 0 AND dateDiff('millisecond', f.progress_at, asked_at) > 30000, 4,
                f.lag_seconds > 60, 3,
                f.lag_records = 0 AND dateDiff('millisecond', f.busy_at, asked_at) > 60000, 1,
                2
            ) AS rank
        FROM posventa.freshness AS f FINAL
        WHERE f.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
    ),
    rank -> ['idle', 'ok', 'behind', 'stalled'][rank] AS status_of
SELECT
    s.topic AS topic,
    toInt32(s.source_partition) AS partition,
    s.complete_up_to AS complete_up_to,
    s.lag_records AS lag_records,
    s.lag_seconds AS lag_seconds,
    status_of(s.rank) AS status,
    s.as_of AS as_of
FROM states AS s
UNION ALL
SELECT
    '' AS topic,
    toInt32(-1) AS partition,
    min(s.complete_up_to) AS complete_up_to,
    sum(s.lag_records) AS lag_records,
    max(s.lag_seconds) AS lag_seconds,
    status_of(max(s.rank)) AS status,
    min(s.as_of) AS as_of
FROM states AS s
HAVING count() > 0
COMMENT 'Freshness per source topic and partition, and in total';
