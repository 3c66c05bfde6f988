-- Days, each with the 7 and 30 days that end with it. Why Int128 and these six counts: see affiliate_rolling_at.
--
-- A day without contributions of its own has a row as long as its 30 days hold anything, so each day with contributions
-- is repeated, empty, up to 29 days on, or up to the next such day.
CREATE OR REPLACE VIEW posventa.affiliate_daily
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales and unlinked answers',
    currency String COMMENT 'ISO 4217; empty: unlinked answers',
    day Date COMMENT 'day in UTC',
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
    evidence String COMMENT 'how much feedback supports this: none, thin (below 5), indicative (below 30) or solid',
    sales_7d Int64 COMMENT 'sales of the 7 days that end with this day',
    gross_7d Decimal(38, 4) COMMENT 'gross of the 7 days that end with this day',
    net_7d Decimal(38, 4) COMMENT 'net of the 7 days that end with this day',
    feedback_7d Int64 COMMENT 'feedback of the 7 days that end with this day',
    nps_7d Nullable(Float64) COMMENT 'nps of the 7 days that end with this day',
    csat_7d Nullable(Float64) COMMENT 'csat of the 7 days that end with this day',
    refund_rate_7d Nullable(Float64) COMMENT 'refund_rate of the 7 days that end with this day',
    sales_30d Int64 COMMENT 'sales of the 30 days that end with this day',
    gross_30d Decimal(38, 4) COMMENT 'gross of the 30 days that end with this day',
    net_30d Decimal(38, 4) COMMENT 'net of the 30 days that end with this day',
    feedback_30d Int64 COMMENT 'feedback of the 30 days that end with this day',
    nps_30d Nullable(Float64) COMMENT 'nps of the 30 days that end with this day',
    csat_30d Nullable(Float64) COMMENT 'csat of the 30 days that end with this day',
    refund_rate_30d Nullable(Float64) COMMENT 'refund_rate of the 30 days that end with this day'
)
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
    w.* EXCEPT (own, nps_answers),
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
        d.*,
        sum(d.sales) OVER week AS sales_7d,
        sum(d.gross) OVER week AS gross_7d,
        sum(d.net) OVER week AS net_7d,
        sum(d.feedback) OVER week AS feedback_7d,
        ratio(100 * sum(d.promoters - d.detractors) OVER week, sum(d.nps_answers) OVER week) AS nps_7d,
        ratio(sum(d.csat_satisfied) OVER week, sum(d.csat_answers) OVER week) AS csat_7d,
        ratio(sum(d.refunded_sales) OVER week, sum(d.sales) OVER week) AS refund_rate_7d,
        sum(d.sales) OVER month AS sales_30d,
        sum(d.gross) OVER month AS gross_30d,
        sum(d.net) OVER month AS net_30d,
        sum(d.feedback) OVER month AS feedback_30d,
        ratio(100 * sum(d.promoters - d.detractors) OVER month, sum(d.nps_answers) OVER month) AS nps_30d,
        ratio(sum(d.csat_satisfied) OVER month, sum(d.csat_answers) OVER month) AS csat_30d,
        ratio(sum(d.refunded_sales) OVER month, sum(d.sales) OVER month) AS refund_rate_30d
    FROM
    (
        SELECT
            s.brand_id AS brand_id,
            s.affiliate_id AS affiliate_id,
            s.currency AS currency,
            s.day + days_later AS day,
            days_later = 0 AS own,
            s.sales * own AS sales,
            s.gross * own AS gross,
            s.commission * own AS commission,
            s.new_customers * own AS new_customers,
            s.repeat_sales * own AS repeat_sales,
            s.referred_sales * own AS referred_sales,
            s.referred_gross * own AS referred_gross,
            s.refunded_sales * own AS refunded_sales,
            s.answered_sales * own AS answered_sales,
            s.refunds * own AS refunds,
            s.refunded * own AS refunded,
            s.commission_reversed * own AS commission_reversed,
            s.chargebacks * own AS chargebacks,
            s.charged_back * own AS charged_back,
            s.invitations * own AS invitations,
            s.feedback * own AS feedback,
            s.promoters * own AS promoters,
            s.passives * own AS passives,
            s.detractors * own AS detractors,
            s.csat_answers * own AS csat_answers,
            s.csat_satisfied * own AS csat_satisfied,
            s.csat_score_sum * own AS csat_score_sum,
            s.ces_answers * own AS ces_answers,
            s.ces_score_sum * own AS ces_score_sum,
            s.done_right * own AS done_right,
            s.needs_improvement * own AS needs_improvement,
            s.unmet_expectation * own AS unmet_expectation,
            s.not_considered * own AS not_considered,
            s.missing_information * own AS missing_information,
            s.feedback_delay_seconds_sum * own AS feedback_delay_seconds_sum,
            s.unlinked_feedback * own AS unlinked_feedback,
            gross - refunded - charged_back AS net,
            promoters + passives + detractors AS nps_answers
        FROM
        (
            SELECT
                o.*,
                leadInFrame(o.day, 1, o.day + 30) OVER (
                    PARTITION BY o.brand_id, o.affiliate_id, o.currency
                    ORDER BY o.day
                    ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
                ) AS next_day
            FROM
            (
                SELECT
                    p.brand_id AS brand_id,
                    p.affiliate_id AS affiliate_id,
                    p.currency AS currency,
                    toDate(p.bucket) AS day,
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
                    sum(p.unlinked_feedback) AS unlinked_feedback
                FROM posventa.affiliate_panes AS p FINAL
                WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
                GROUP BY p.brand_id, p.affiliate_id, p.currency, day
                HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback > 0
            ) AS o
        ) AS s
        ARRAY JOIN range(
            toUInt32(least(30, s.next_day - s.day))
        ) AS days_later
    ) AS d
    WINDOW
        week AS (
            PARTITION BY d.brand_id, d.affiliate_id, d.currency
            ORDER BY d.day
            RANGE BETWEEN 6 PRECEDING AND CURRENT ROW
        ),
        month AS (
            PARTITION BY d.brand_id, d.affiliate_id, d.currency
            ORDER BY d.day
            RANGE BETWEEN 29 PRECEDING AND CURRENT ROW
        )
) AS w
WHERE w.own OR w.sales_30d > 0 OR w.feedback_30d > 0 OR w.net_30d <> 0
COMMENT 'Measures per brand, affiliate, currency and UTC day, with the 7 and 30 days that end with that day';
