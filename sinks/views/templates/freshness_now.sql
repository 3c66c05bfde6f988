{% import "_parts.sql" as parts with context %}
-- How fresh the tables are, as last reported by each partition's owner, and one total row.
{% call parts.create() %}
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
        WHERE {{ parts.current("f") }}
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
{% endcall %}
