-- Written by `python -m sinks.views days_topics_and_changes` from sinks/views.

-- Days of a time zone.
CREATE OR REPLACE VIEW posventa.affiliate_daily_in
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    1.959964 AS z,  -- 95 % of a normal distribution lie within so many standard deviations
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money,
    (part, whole) -> if(whole = 0, NULL, toFloat64(part) / toFloat64(whole)) AS ratio,
    -- adjusted Wald: p promoters and d detractors (fractions) of n, counting three answers more, 3/4 to either
    (p, d, n, side) -> greatest(-100, least(100, 100 * (p - d + side * z * sqrt((p + d - pow(p - d, 2)) / n)))) AS wald,
    (nps, bound, side) -> if(side < 0, least(nps, bound), greatest(nps, bound)) AS widened,
    (promoters, detractors, answers, side) -> if(
        answers = 0,
        NULL,
        widened(
            100 * (promoters - detractors) / answers,
            wald((promoters + 0.75) / (answers + 3), (detractors + 0.75) / (answers + 3), answers + 3, side),
            side
        )
    ) AS nps_bound,
    -- Wilson: a fraction s of n answers
    (s, n, side) -> greatest(0, least(1,
        (s + z * z / (2 * n) + side * z * sqrt(s * (1 - s) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    )) AS wilson,
    (satisfied, answers, side) -> if(answers = 0, NULL, wilson(satisfied / answers, answers, side)) AS csat_bound
SELECT
    d.* EXCEPT (nps_answers),
    ratio(100 * (d.promoters - d.detractors), d.nps_answers) AS nps,
    nps_bound(d.promoters, d.detractors, d.nps_answers, -1) AS nps_low,
    nps_bound(d.promoters, d.detractors, d.nps_answers, +1) AS nps_high,
    ratio(d.csat_satisfied, d.csat_answers) AS csat,
    csat_bound(d.csat_satisfied, d.csat_answers, -1) AS csat_low,
    csat_bound(d.csat_satisfied, d.csat_answers, +1) AS csat_high,
    ratio(d.refunded_sales, d.sales) AS refund_rate,
    ratio(d.new_customers, d.sales) AS new_rate,
    ratio(d.answered_sales, d.sales) AS answer_rate,
    ratio(d.referred_sales, d.sales) AS referral_rate,
    ratio(d.ces_score_sum, d.ces_answers) AS ces,
    ratio((d.refunded + d.charged_back), d.gross) AS given_back_rate,
    multiIf(d.feedback = 0, 'none', d.feedback < 5, 'thin', d.feedback < 100, 'indicative', 'solid') AS evidence,
    multiIf(d.nps_answers = 0, 'none', d.nps_answers < 5, 'thin', d.nps_answers < 100, 'indicative', 'solid') AS nps_evidence,
    multiIf(d.csat_answers = 0, 'none', d.csat_answers < 5, 'thin', d.csat_answers < 100, 'indicative', 'solid') AS csat_evidence
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.currency AS currency,
        toDate(p.bucket, {zone:String}) AS day,
        sum(p.sales) AS sales,
        money(sum(toInt128(p.gross))) AS gross,
        money(sum(toInt128(p.commission))) AS commission,
        sum(p.new_customers) AS new_customers,
        sum(p.repeat_sales) AS repeat_sales,
        sum(p.referred_sales) AS referred_sales,
        money(sum(toInt128(p.referred_gross))) AS referred_gross,
        sum(p.refunded_sales) AS refunded_sales,
        sum(p.answered_sales) AS answered_sales,
        sum(p.refunds) AS refunds,
        money(sum(toInt128(p.refunded))) AS refunded,
        money(sum(toInt128(p.commission_reversed))) AS commission_reversed,
        sum(p.chargebacks) AS chargebacks,
        money(sum(toInt128(p.charged_back))) AS charged_back,
        sum(p.invitations) AS invitations,
        sum(p.feedback) AS feedback,
        sum(p.promoters) AS promoters,
        sum(p.passives) AS passives,
        sum(p.detractors) AS detractors,
        sum(p.csat_answers) AS csat_answers,
        sum(p.csat_satisfied) AS csat_satisfied,
        sum(p.csat_score_sum) AS csat_score_sum,
        sum(p.ces_answers) AS ces_answers,
        sum(p.ces_score_sum) AS ces_score_sum,
        sum(p.done_right) AS done_right,
        sum(p.needs_improvement) AS needs_improvement,
        sum(p.unmet_expectation) AS unmet_expectation,
        sum(p.not_considered) AS not_considered,
        sum(p.missing_information) AS missing_information,
        sum(p.feedback_delay_seconds_sum) AS feedback_delay_seconds_sum,
        sum(p.unlinked_feedback) AS unlinked_feedback,
        sum(p.renewals) AS renewals,
        sum(p.mismatched_amounts) AS mismatched_amounts,
        sum(p.without_sale) AS without_sale,
        sum(p.comments) AS comments,
        sum(p.with_findings) AS with_findings,
        gross - refunded - charged_back AS net,
        commission - commission_reversed AS earnings,
        promoters + passives + detractors AS nps_answers
    FROM posventa.affiliate_panes AS p FINAL
    WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
    GROUP BY p.brand_id, p.affiliate_id, p.currency, day
    HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback + without_sale > 0
) AS d
COMMENT 'Measures per brand, affiliate, currency and day of an IANA time zone: affiliate_daily_in(zone = ''Europe/Madrid''). Columns as in affiliate_daily.';

-- What customers say about which topic, by day in UTC.
CREATE OR REPLACE VIEW posventa.topic_daily
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales',
    topic String COMMENT 'what it is about, such as delivery',
    verdict String COMMENT 'DONE_RIGHT, NEEDS_IMPROVEMENT, UNMET_EXPECTATION, NOT_CONSIDERED or MISSING_INFORMATION',
    day Date COMMENT 'day in UTC',
    answers Int64 COMMENT 'linked answers that say this of this topic',
    promoters Int64 COMMENT 'of these, with NPS 9 or 10',
    passives Int64 COMMENT 'of these, with NPS 7 or 8',
    detractors Int64 COMMENT 'of these, with NPS 0 to 6',
    csat_answers Int64 COMMENT 'of these, with a CSAT score',
    csat_satisfied Int64 COMMENT 'of these, with CSAT 4 or 5'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    p.brand_id AS brand_id,
    p.affiliate_id AS affiliate_id,
    p.topic AS topic,
    p.verdict AS verdict,
    toDate(p.bucket) AS day,
    sum(p.answers) AS answers,
    sum(p.promoters) AS promoters,
    sum(p.passives) AS passives,
    sum(p.detractors) AS detractors,
    sum(p.csat_answers) AS csat_answers,
    sum(p.csat_satisfied) AS csat_satisfied
FROM posventa.topic_panes AS p FINAL
WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
GROUP BY p.brand_id, p.affiliate_id, p.topic, p.verdict, day
HAVING answers > 0
COMMENT 'Topics per brand, affiliate, verdict and UTC day, over all currencies, by answer time';

-- Each window against the one just before it: [at - window, at) and [at - 2 windows, at - window), by pane start.
--
-- nps: the difference of the adjusted p - d of both (3/4 of 3 more answers to promoters and detractors each), with their
-- variances added. csat: Agresti and Caffo, one satisfied and one other answer more in both.
CREATE OR REPLACE VIEW posventa.affiliate_change_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    1.959964 AS z,  -- 95 % of a normal distribution lie within so many standard deviations
    (part, whole) -> if(whole = 0, NULL, toFloat64(part) / toFloat64(whole)) AS ratio,
    (promoters, detractors, n) -> (promoters - detractors) / (n + 3) AS balance,
    (promoters, detractors, n) -> ((promoters + detractors + 1.5) / (n + 3) - pow(balance(promoters, detractors, n), 2)) / (n + 3)
        AS nps_variance,
    (satisfied, n) -> (satisfied + 1) / (n + 2) AS fraction,
    (satisfied, n) -> fraction(satisfied, n) * (1 - fraction(satisfied, n)) / (n + 2) AS csat_variance,
    (low, high, enough) -> multiIf(NOT enough OR low IS NULL, '', low > 0, 'up', high < 0, 'down', '') AS turned
SELECT
    c.brand_id AS brand_id,
    c.affiliate_id AS affiliate_id,
    c.window AS window,
    transform(
        c.window,
        ['1h', '24h', '7d', '30d'],
        [toInt64(1), toInt64(24), toInt64(168), toInt64(720)],
        toInt64(0)
    ) AS window_hours,
    {at:DateTime('UTC')} - toIntervalHour(window_hours) AS window_start,
    {at:DateTime('UTC')} AS window_end,
    c.sales AS sales,
    c.new_customers AS new_customers,
    c.reversals AS reversals,
    c.feedback AS feedback,
    c.nps_answers AS nps_answers,
    ratio(100 * (c.promoters - c.detractors), c.nps_answers) AS nps,
    c.csat_answers AS csat_answers,
    ratio(c.csat_satisfied, c.csat_answers) AS csat,
    c.sales_before AS sales_before,
    c.new_customers_before AS new_customers_before,
    c.reversals_before AS reversals_before,
    c.feedback_before AS feedback_before,
    c.nps_answers_before AS nps_answers_before,
    ratio(100 * (c.promoters_before - c.detractors_before), c.nps_answers_before) AS nps_before,
    c.csat_answers_before AS csat_answers_before,
    ratio(c.csat_satisfied_before, c.csat_answers_before) AS csat_before,
    nps - nps_before AS nps_change,
    if(nps_change IS NULL, NULL, greatest(-200, least(assumeNotNull(nps_change), c.nps_middle - c.nps_half))) AS nps_change_low,
    if(nps_change IS NULL, NULL, least(200, greatest(assumeNotNull(nps_change), c.nps_middle + c.nps_half))) AS nps_change_high,
    turned(nps_change_low, nps_change_high, least(c.nps_answers, c.nps_answers_before) >= 5) AS nps_turned,
    csat - csat_before AS csat_change,
    if(csat_change IS NULL, NULL, greatest(-1, c.csat_middle - c.csat_half)) AS csat_change_low,
    if(csat_change IS NULL, NULL, least(1, c.csat_middle + c.csat_half)) AS csat_change_high,
    turned(csat_change_low, csat_change_high, least(c.csat_answers, c.csat_answers_before) >= 5) AS csat_turned
FROM
(
    SELECT
        s.*,
        100 * (
            balance(s.promoters, s.detractors, s.nps_answers)
            - balance(s.promoters_before, s.detractors_before, s.nps_answers_before)
        ) AS nps_middle,
        100 * z * sqrt(
            nps_variance(s.promoters, s.detractors, s.nps_answers)
            + nps_variance(s.promoters_before, s.detractors_before, s.nps_answers_before)
        ) AS nps_half,
        fraction(s.csat_satisfied, s.csat_answers) - fraction(s.csat_satisfied_before, s.csat_answers_before) AS csat_middle,
        z * sqrt(
            csat_variance(s.csat_satisfied, s.csat_answers)
            + csat_variance(s.csat_satisfied_before, s.csat_answers_before)
        ) AS csat_half
    FROM
    (
        SELECT
            p.brand_id AS brand_id,
            p.affiliate_id AS affiliate_id,
            span.1 AS window,
            sumIf(p.sales, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS sales,
            sumIf(p.new_customers, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS new_customers,
            sumIf(p.refunds + p.chargebacks, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS reversals,
            sumIf(p.feedback, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS feedback,
            sumIf(p.promoters, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS promoters,
            sumIf(p.detractors, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS detractors,
            sumIf(p.promoters + p.passives + p.detractors, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS nps_answers,
            sumIf(p.csat_answers, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS csat_answers,
            sumIf(p.csat_satisfied, p.bucket >= {at:DateTime('UTC')} - toIntervalHour(span.2)) AS csat_satisfied,
            sumIf(p.sales, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS sales_before,
            sumIf(p.new_customers, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS new_customers_before,
            sumIf(p.refunds + p.chargebacks, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS reversals_before,
            sumIf(p.feedback, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS feedback_before,
            sumIf(p.promoters, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS promoters_before,
            sumIf(p.detractors, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS detractors_before,
            sumIf(p.promoters + p.passives + p.detractors, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS nps_answers_before,
            sumIf(p.csat_answers, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS csat_answers_before,
            sumIf(p.csat_satisfied, p.bucket < {at:DateTime('UTC')} - toIntervalHour(span.2)) AS csat_satisfied_before
        FROM posventa.affiliate_panes AS p FINAL
        ARRAY JOIN [
            ('24h', 24),
            ('7d', 168),
            ('30d', 720)
        ] AS span
        WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
            AND p.bucket >= {at:DateTime('UTC')} - toIntervalHour(2 * span.2)
            AND p.bucket >= {at:DateTime('UTC')} - INTERVAL 60 DAY
            AND p.bucket < {at:DateTime('UTC')}
        GROUP BY p.brand_id, p.affiliate_id, window
        HAVING sum(p.sales + p.refunds + p.chargebacks + p.invitations + p.feedback + p.unlinked_feedback + p.without_sale) > 0
    ) AS s
) AS c
COMMENT 'What changed per brand, affiliate and window, ending at a given time: affiliate_change_at(at = ''2026-01-31 12:00:00''), a DateTime in UTC. Columns as in affiliate_change.';

-- As affiliate_change_at, ending now. UTC is said, because a bare now() is handed on as text in the session's time zone.
CREATE OR REPLACE VIEW posventa.affiliate_change
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales and unlinked answers',
    window String COMMENT '24h, 7d or 30d, ending now',
    window_hours Int64 COMMENT 'how long the window is',
    window_start DateTime('UTC') COMMENT 'begin of the window: panes that begin then or later count',
    window_end DateTime('UTC') COMMENT 'end of the window: panes that begin before it count',
    sales Int64 COMMENT 'valid sales, at sale time',
    new_customers Int64 COMMENT 'sales that are the customer''s first valid sale with the brand',
    reversals Int64 COMMENT 'refunds and chargebacks, at their time',
    feedback Int64 COMMENT 'linked answers, at answer time',
    nps_answers Int64 COMMENT 'answers with an NPS score',
    nps Nullable(Float64) COMMENT 'Net Promoter Score; null without NPS answers',
    csat_answers Int64 COMMENT 'answers with a CSAT score',
    csat Nullable(Float64) COMMENT 'fraction satisfied; null without CSAT answers',
    sales_before Int64 COMMENT 'sales of the window just before',
    new_customers_before Int64 COMMENT 'new_customers of the window just before',
    reversals_before Int64 COMMENT 'reversals of the window just before',
    feedback_before Int64 COMMENT 'feedback of the window just before',
    nps_answers_before Int64 COMMENT 'nps_answers of the window just before',
    nps_before Nullable(Float64) COMMENT 'nps of the window just before',
    csat_answers_before Int64 COMMENT 'csat_answers of the window just before',
    csat_before Nullable(Float64) COMMENT 'csat of the window just before',
    nps_change Nullable(Float64) COMMENT 'nps minus nps_before; null unless both are there',
    nps_change_low Nullable(Float64) COMMENT 'lower 95 % bound of nps_change (two adjusted Wald variances, widened to hold it)',
    nps_change_high Nullable(Float64) COMMENT 'upper 95 % bound of nps_change',
    nps_turned String COMMENT 'up or down where the bounds of the change don''t hold 0; empty: they do, or a window has fewer than 5 scores. One in twenty turns is chance',
    csat_change Nullable(Float64) COMMENT 'csat minus csat_before; null unless both are there',
    csat_change_low Nullable(Float64) COMMENT 'lower 95 % bound of csat_change (Agresti and Caffo, 2000, The American Statistician 54(4))',
    csat_change_high Nullable(Float64) COMMENT 'upper 95 % bound of csat_change',
    csat_turned String COMMENT 'up or down where the bounds of the change don''t hold 0; empty: they do, or a window has fewer than 5 scores. One in twenty turns is chance'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT r.*
FROM posventa.affiliate_change_at(at = now('UTC')) AS r
COMMENT 'What changed against the window just before, per brand, affiliate and window ending now, over all currencies';
