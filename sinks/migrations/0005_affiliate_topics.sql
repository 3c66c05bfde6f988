-- What customers say about which topic, in the rolling windows, ending at a given time.
--
-- share: of the affiliate's linked answers, over all currencies, how many say this.
-- lift: that share over the same share of all others of the brand pooled, direct sales included.
CREATE OR REPLACE VIEW posventa.affiliate_topics_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (part, whole) -> if(whole = 0, NULL, part / whole) AS ratio
SELECT
    t.brand_id AS brand_id,
    t.affiliate_id AS affiliate_id,
    t.topic AS topic,
    t.verdict AS verdict,
    t.window AS window,
    t.answers AS answers,
    ratio(t.answers, f.feedback) AS share,
    ratio(share, ratio(t.brand_answers - t.answers, f.brand_feedback - f.feedback)) AS lift
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.topic AS topic,
        p.verdict AS verdict,
        window,
        sum(p.answers) AS answers,
        sum(answers) OVER (PARTITION BY brand_id, topic, verdict, window) AS brand_answers
    FROM posventa.topic_panes AS p FINAL
    ARRAY JOIN arraySlice(
        ['1h', '24h', '7d', '30d'],
        multiIf(
            p.bucket > {at:DateTime('UTC')} - INTERVAL 1 HOUR, 1,
            p.bucket > {at:DateTime('UTC')} - INTERVAL 24 HOUR, 2,
            p.bucket > {at:DateTime('UTC')} - INTERVAL 7 DAY, 3,
            4
        )
    ) AS window
    WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
        AND p.bucket > {at:DateTime('UTC')} - INTERVAL 30 DAY
        AND p.bucket <= {at:DateTime('UTC')}
    GROUP BY p.brand_id, p.affiliate_id, p.topic, p.verdict, window
    HAVING answers > 0
) AS t
LEFT JOIN
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        window,
        sum(p.feedback) AS feedback,
        sum(feedback) OVER (PARTITION BY brand_id, window) AS brand_feedback
    FROM posventa.affiliate_panes AS p FINAL
    ARRAY JOIN arraySlice(
        ['1h', '24h', '7d', '30d'],
        multiIf(
            p.bucket > {at:DateTime('UTC')} - INTERVAL 1 HOUR, 1,
            p.bucket > {at:DateTime('UTC')} - INTERVAL 24 HOUR, 2,
            p.bucket > {at:DateTime('UTC')} - INTERVAL 7 DAY, 3,
            4
        )
    ) AS window
    WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
        AND p.bucket > {at:DateTime('UTC')} - INTERVAL 30 DAY
        AND p.bucket <= {at:DateTime('UTC')}
    GROUP BY p.brand_id, p.affiliate_id, window
) AS f ON f.brand_id = t.brand_id AND f.affiliate_id = t.affiliate_id AND f.window = t.window
COMMENT 'Topics per brand, affiliate, verdict and window, ending at a given time: affiliate_topics_at(at = ''2026-01-31 12:00:00''), a DateTime in UTC. Columns as in affiliate_topics.';

-- The same, ending now.
CREATE OR REPLACE VIEW posventa.affiliate_topics
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales',
    topic String COMMENT 'what it is about, such as delivery',
    verdict String COMMENT 'DONE_RIGHT, NEEDS_IMPROVEMENT, UNMET_EXPECTATION, NOT_CONSIDERED or MISSING_INFORMATION',
    window String COMMENT '1h, 24h, 7d or 30d, ending now',
    answers Int64 COMMENT 'linked answers that say this of this topic',
    share Nullable(Float64) COMMENT 'answers / all linked answers of the affiliate in the window, over all currencies',
    lift Nullable(Float64) COMMENT 'share / the same share over all others of the brand pooled; above 1: said more of this affiliate; null where that is 0 or there are none'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT r.*
FROM posventa.affiliate_topics_at(at = now('UTC')) AS r
COMMENT 'Topics per brand, affiliate, verdict and window ending now';
