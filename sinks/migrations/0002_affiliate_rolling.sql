-- The rolling windows ending at a given time; what is in them is (at - window, at] by pane start.
--
-- Money is summed as Int128, since sums of Int64 wrap without an error, and shown as an exact decimal.
-- A key all of whose measures are zero has no row. Six counts tell: every other measure needs one of them.
CREATE OR REPLACE VIEW posventa.affiliate_rolling_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    1.959964 AS z,  -- 95 % of a normal distribution lie within so many standard deviations
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money,
    (part, whole) -> if(whole = 0, NULL, part / whole) AS ratio,
    -- adjusted Wald: p promoters and d detractors (fractions) of n, counting three answers more, 3/4 to either
    (p, d, n, side) -> greatest(-100, least(100, 100 * (p - d + side * z * sqrt((p + d - pow(p - d, 2)) / n)))) AS wald,
    (promoters, detractors, answers, side) -> if(
        answers = 0,
        NULL,
        wald((promoters + 0.75) / (answers + 3), (detractors + 0.75) / (answers + 3), answers + 3, side)
    ) AS nps_bound,
    -- Wilson: a fraction s of n answers
    (s, n, side) -> greatest(0, least(1,
        (s + z * z / (2 * n) + side * z * sqrt(s * (1 - s) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    )) AS wilson,
    (satisfied, answers, side) -> if(answers = 0, NULL, wilson(satisfied / answers, answers, side)) AS csat_bound
SELECT
    w.* EXCEPT (nps_answers),
    ratio(100 * (w.promoters - w.detractors), w.nps_answers) AS nps,
    nps_bound(w.promoters, w.detractors, w.nps_answers, -1) AS nps_low,
    nps_bound(w.promoters, w.detractors, w.nps_answers, +1) AS nps_high,
    ratio(w.csat_satisfied, w.csat_answers) AS csat,
    csat_bound(w.csat_satisfied, w.csat_answers, -1) AS csat_low,
    csat_bound(w.csat_satisfied, w.csat_answers, +1) AS csat_high,
    ratio(w.refunded_sales, w.sales) AS refund_rate,
    ratio(w.new_customers, w.sales) AS new_rate,
    ratio(w.answered_sales, w.sales) AS answer_rate,
    ratio(w.referred_sales, w.sales) AS referral_rate,
    ratio(w.ces_score_sum, w.ces_answers) AS ces,
    multiIf(w.feedback = 0, 'none', w.feedback < 5, 'thin', w.feedback < 30, 'indicative', 'solid') AS evidence
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.currency AS currency,
        window,
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
        gross - refunded - charged_back AS net,
        promoters + passives + detractors AS nps_answers
    -- every pane counts in the narrowest window it lies in and in all wider ones; most lie in the widest only
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
    GROUP BY p.brand_id, p.affiliate_id, p.currency, window
    HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback > 0
) AS w
COMMENT 'Rolling windows (1h, 24h, 7d, 30d) per brand, affiliate and currency, ending at a given time: affiliate_rolling_at(at = ''2026-01-31 12:00:00''), a DateTime in UTC. Columns as in affiliate_rolling.';

-- The same, ending now. UTC is said, because a bare now() is handed on as text in the session's time zone.
CREATE OR REPLACE VIEW posventa.affiliate_rolling
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales and unlinked answers',
    currency String COMMENT 'ISO 4217; empty: unlinked answers',
    window String COMMENT '1h, 24h, 7d or 30d, ending now',
    sales Int64 COMMENT 'valid sales, at sale time',
    gross Decimal(38, 4) COMMENT 'amount of these sales',
    commission Decimal(38, 4) COMMENT 'commission of these sales',
    new_customers Int64 COMMENT 'sales that are the customer''s first valid sale with the brand',
    repeat_sales Int64 COMMENT 'all other sales',
    referred_sales Int64 COMMENT 'sales that another customer recommended',
    referred_gross Decimal(38, 4) COMMENT 'amount of the referred sales',
    refunded_sales Int64 COMMENT 'sales of this time that have any refund or chargeback, whenever that was',
    answered_sales Int64 COMMENT 'sales of this time with at least one linked answer, whenever that was',
    refunds Int64 COMMENT 'refunds, at refund time',
    refunded Decimal(38, 4) COMMENT 'amount refunded, at refund time',
    commission_reversed Decimal(38, 4) COMMENT 'commission taken back by refunds and chargebacks, at their time',
    chargebacks Int64 COMMENT 'chargebacks, at their time',
    charged_back Decimal(38, 4) COMMENT 'amount charged back, at chargeback time',
    invitations Int64 COMMENT 'linked invitations to give feedback, at invitation time',
    feedback Int64 COMMENT 'linked answers, at answer time',
    promoters Int64 COMMENT 'answers with NPS 9 or 10',
    passives Int64 COMMENT 'answers with NPS 7 or 8',
    detractors Int64 COMMENT 'answers with NPS 0 to 6',
    csat_answers Int64 COMMENT 'answers with a CSAT score (1 to 5)',
    csat_satisfied Int64 COMMENT 'answers with CSAT 4 or 5',
    csat_score_sum Int64 COMMENT 'sum of the CSAT scores',
    ces_answers Int64 COMMENT 'answers with a CES score (1 to 7)',
    ces_score_sum Int64 COMMENT 'sum of the CES scores',
    done_right Int64 COMMENT 'answers that name something done right',
    needs_improvement Int64 COMMENT 'answers that name something to improve',
    unmet_expectation Int64 COMMENT 'answers that name an unmet expectation',
    not_considered Int64 COMMENT 'answers that name an aspect nobody thought of at the sale',
    missing_information Int64 COMMENT 'answers that name something the affiliate should have told',
    feedback_delay_seconds_sum Int64 COMMENT 'sum over linked answers of answer time minus sale time, in seconds',
    unlinked_feedback Int64 COMMENT 'answers that link to no sale; they count for the brand alone, affiliate ''''',
    net Decimal(38, 4) COMMENT 'gross minus refunded minus charged_back',
    nps Nullable(Float64) COMMENT 'Net Promoter Score, -100 to 100; null without NPS answers',
    nps_low Nullable(Float64) COMMENT 'lower 95 % bound of nps (adjusted Wald)',
    nps_high Nullable(Float64) COMMENT 'upper 95 % bound of nps (adjusted Wald)',
    csat Nullable(Float64) COMMENT 'fraction satisfied, 0 to 1; null without CSAT answers',
    csat_low Nullable(Float64) COMMENT 'lower 95 % bound of csat (Wilson)',
    csat_high Nullable(Float64) COMMENT 'upper 95 % bound of csat (Wilson)',
    refund_rate Nullable(Float64) COMMENT 'refunded_sales / sales; null without sales',
    new_rate Nullable(Float64) COMMENT 'new_customers / sales; null without sales',
    answer_rate Nullable(Float64) COMMENT 'answered_sales / sales; null without sales',
    referral_rate Nullable(Float64) COMMENT 'referred_sales / sales; null without sales',
    ces Nullable(Float64) COMMENT 'mean CES score; null without CES answers',
    evidence String COMMENT 'how much feedback supports this: none, thin (below 5), indicative (below 30) or solid'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT r.*
FROM posventa.affiliate_rolling_at(at = now('UTC')) AS r
COMMENT 'Rolling windows ending now, per brand, affiliate and currency';
