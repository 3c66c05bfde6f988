-- Written by `python -m sinks.views figures_defined_better` from sinks/views.

-- The rolling windows ending at a given time; what is in them is [at - window, at) by pane start.
CREATE OR REPLACE VIEW posventa.affiliate_rolling_at
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
    w.brand_id AS brand_id,
    w.affiliate_id AS affiliate_id,
    w.currency AS currency,
    w.window AS window,
    transform(
        w.window,
        ['1h', '24h', '7d', '30d'],
        [toInt64(1), toInt64(24), toInt64(168), toInt64(720)],
        toInt64(0)
    ) AS window_hours,
    {at:DateTime('UTC')} - toIntervalHour(window_hours) AS window_start,
    {at:DateTime('UTC')} AS window_end,
    w.* EXCEPT (brand_id, affiliate_id, currency, window, nps_answers),
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
    ratio((w.refunded + w.charged_back), w.gross) AS given_back_rate,
    multiIf(w.feedback = 0, 'none', w.feedback < 5, 'thin', w.feedback < 100, 'indicative', 'solid') AS evidence,
    multiIf(w.nps_answers = 0, 'none', w.nps_answers < 5, 'thin', w.nps_answers < 100, 'indicative', 'solid') AS nps_evidence,
    multiIf(w.csat_answers = 0, 'none', w.csat_answers < 5, 'thin', w.csat_answers < 100, 'indicative', 'solid') AS csat_evidence
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
        sum(p.renewals) AS renewals,
        sum(p.mismatched_amounts) AS mismatched_amounts,
        sum(p.without_sale) AS without_sale,
        sum(p.comments) AS comments,
        sum(p.with_findings) AS with_findings,
        gross - refunded - charged_back AS net,
        commission - commission_reversed AS earnings,
        promoters + passives + detractors AS nps_answers
    FROM posventa.affiliate_panes AS p FINAL
    ARRAY JOIN arraySlice(
        ['1h', '24h', '7d', '30d'],
        multiIf(
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 1 HOUR, 1,
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 24 HOUR, 2,
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 7 DAY, 3,
            4
        )
    ) AS window
    WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
        AND p.bucket >= {at:DateTime('UTC')} - INTERVAL 30 DAY
        AND p.bucket < {at:DateTime('UTC')}
    GROUP BY p.brand_id, p.affiliate_id, p.currency, window
    HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback + without_sale > 0
) AS w
COMMENT 'Rolling windows (1h, 24h, 7d, 30d) per brand, affiliate and currency, ending at a given time: affiliate_rolling_at(at = ''2026-01-31 12:00:00''), a DateTime in UTC. Columns as in affiliate_rolling.';

-- As affiliate_rolling_at, ending now. UTC is said, because a bare now() is handed on as text in the session's time zone.
CREATE OR REPLACE VIEW posventa.affiliate_rolling
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales and unlinked answers',
    currency String COMMENT 'ISO 4217; empty: unlinked answers',
    window String COMMENT '1h, 24h, 7d or 30d, ending now',
    window_hours Int64 COMMENT 'how long the window is',
    window_start DateTime('UTC') COMMENT 'begin of the window: panes that begin then or later count',
    window_end DateTime('UTC') COMMENT 'end of the window: panes that begin before it count',
    sales Int64 COMMENT 'valid sales, at sale time',
    gross Decimal(38, 4) COMMENT 'amount of these sales',
    commission Decimal(38, 4) COMMENT 'commission of these sales',
    new_customers Int64 COMMENT 'sales that are the customer''s first valid sale with the brand',
    repeat_sales Int64 COMMENT 'all other sales',
    referred_sales Int64 COMMENT 'sales that a customer other than the buyer recommended',
    referred_gross Decimal(38, 4) COMMENT 'amount of the referred sales',
    refunded_sales Int64 COMMENT 'sales of this time that have any refund or chargeback that was not undone, whenever that was',
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
    renewals Int64 COMMENT 'sales of a subscription but for the customer''s earliest valid one of it',
    mismatched_amounts Int64 COMMENT 'refunds and chargebacks in another currency than their sale, at their time, and sales whose attribution''s commission is in another currency: the amounts in it count nowhere',
    without_sale Int64 COMMENT 'refunds, chargebacks and attributions whose sale has not come, at their time; they count for the brand alone, affiliate ''''',
    comments Int64 COMMENT 'answers with a comment and without findings of their own',
    with_findings Int64 COMMENT 'answers with at least one finding',
    net Decimal(38, 4) COMMENT 'gross minus refunded minus charged_back',
    earnings Decimal(38, 4) COMMENT 'commission minus commission_reversed',
    nps Nullable(Float64) COMMENT 'Net Promoter Score, -100 to 100; null without NPS answers',
    nps_low Nullable(Float64) COMMENT 'lower 95 % bound of nps (adjusted Wald, widened to hold nps)',
    nps_high Nullable(Float64) COMMENT 'upper 95 % bound of nps (adjusted Wald, widened to hold nps)',
    csat Nullable(Float64) COMMENT 'fraction satisfied, 0 to 1; null without CSAT answers',
    csat_low Nullable(Float64) COMMENT 'lower 95 % bound of csat (Wilson)',
    csat_high Nullable(Float64) COMMENT 'upper 95 % bound of csat (Wilson)',
    refund_rate Nullable(Float64) COMMENT 'refunded_sales / sales; grows as sales age; null without sales',
    new_rate Nullable(Float64) COMMENT 'new_customers / sales; null without sales',
    answer_rate Nullable(Float64) COMMENT 'answered_sales / sales; grows as sales age; null without sales',
    referral_rate Nullable(Float64) COMMENT 'referred_sales / sales; null without sales',
    ces Nullable(Float64) COMMENT 'mean CES score; null without CES answers',
    given_back_rate Nullable(Float64) COMMENT '(refunded + charged_back) / gross, each at its own time, so that it may be above 1; null without gross',
    evidence String COMMENT 'how many linked answers support this: none, thin (below 5), indicative (below 100) or solid',
    nps_evidence String COMMENT 'how many NPS scores support this: none, thin (below 5), indicative (below 100) or solid',
    csat_evidence String COMMENT 'how many CSAT scores support this: none, thin (below 5), indicative (below 100) or solid'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT r.*
FROM posventa.affiliate_rolling_at(at = now('UTC')) AS r
COMMENT 'Rolling windows ending now, per brand, affiliate and currency';

-- Days in UTC.
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
    referred_sales Int64 COMMENT 'sales that a customer other than the buyer recommended',
    referred_gross Decimal(38, 4) COMMENT 'amount of the referred sales',
    refunded_sales Int64 COMMENT 'sales of this time that have any refund or chargeback that was not undone, whenever that was',
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
    renewals Int64 COMMENT 'sales of a subscription but for the customer''s earliest valid one of it',
    mismatched_amounts Int64 COMMENT 'refunds and chargebacks in another currency than their sale, at their time, and sales whose attribution''s commission is in another currency: the amounts in it count nowhere',
    without_sale Int64 COMMENT 'refunds, chargebacks and attributions whose sale has not come, at their time; they count for the brand alone, affiliate ''''',
    comments Int64 COMMENT 'answers with a comment and without findings of their own',
    with_findings Int64 COMMENT 'answers with at least one finding',
    net Decimal(38, 4) COMMENT 'gross minus refunded minus charged_back',
    earnings Decimal(38, 4) COMMENT 'commission minus commission_reversed',
    nps Nullable(Float64) COMMENT 'Net Promoter Score, -100 to 100; null without NPS answers',
    nps_low Nullable(Float64) COMMENT 'lower 95 % bound of nps (adjusted Wald, widened to hold nps)',
    nps_high Nullable(Float64) COMMENT 'upper 95 % bound of nps (adjusted Wald, widened to hold nps)',
    csat Nullable(Float64) COMMENT 'fraction satisfied, 0 to 1; null without CSAT answers',
    csat_low Nullable(Float64) COMMENT 'lower 95 % bound of csat (Wilson)',
    csat_high Nullable(Float64) COMMENT 'upper 95 % bound of csat (Wilson)',
    refund_rate Nullable(Float64) COMMENT 'refunded_sales / sales; grows as sales age; null without sales',
    new_rate Nullable(Float64) COMMENT 'new_customers / sales; null without sales',
    answer_rate Nullable(Float64) COMMENT 'answered_sales / sales; grows as sales age; null without sales',
    referral_rate Nullable(Float64) COMMENT 'referred_sales / sales; null without sales',
    ces Nullable(Float64) COMMENT 'mean CES score; null without CES answers',
    given_back_rate Nullable(Float64) COMMENT '(refunded + charged_back) / gross, each at its own time, so that it may be above 1; null without gross',
    evidence String COMMENT 'how many linked answers support this: none, thin (below 5), indicative (below 100) or solid',
    nps_evidence String COMMENT 'how many NPS scores support this: none, thin (below 5), indicative (below 100) or solid',
    csat_evidence String COMMENT 'how many CSAT scores support this: none, thin (below 5), indicative (below 100) or solid'
)
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
COMMENT 'Measures per brand, affiliate, currency and UTC day';

-- Of each day, the 7 and 30 days that end with it.
--
-- A day without contributions of its own has a row as long as its 30 days hold anything, so each day with contributions
-- is repeated, empty, up to 29 days on, or up to the next such day; none that is yet to come.
CREATE OR REPLACE VIEW posventa.affiliate_trailing
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales and unlinked answers',
    currency String COMMENT 'ISO 4217; empty: unlinked answers',
    day Date COMMENT 'day in UTC',
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
SELECT w.*
FROM
(
    SELECT
        d.brand_id AS brand_id,
        d.affiliate_id AS affiliate_id,
        d.currency AS currency,
        d.day AS day,
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
            s.renewals * own AS renewals,
            s.mismatched_amounts * own AS mismatched_amounts,
            s.without_sale * own AS without_sale,
            s.comments * own AS comments,
            s.with_findings * own AS with_findings,
            gross - refunded - charged_back AS net,
            commission - commission_reversed AS earnings,
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
                    sum(p.unlinked_feedback) AS unlinked_feedback,
                    sum(p.renewals) AS renewals,
                    sum(p.mismatched_amounts) AS mismatched_amounts,
                    sum(p.without_sale) AS without_sale,
                    sum(p.comments) AS comments,
                    sum(p.with_findings) AS with_findings
                FROM posventa.affiliate_panes AS p FINAL
                WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
                GROUP BY p.brand_id, p.affiliate_id, p.currency, day
                HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback + without_sale > 0
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
WHERE (w.sales_30d > 0 OR w.feedback_30d > 0 OR w.net_30d <> 0) AND w.day <= toDate(now('UTC'))
COMMENT 'The 7 and 30 days that end with a UTC day, up to today, per brand, affiliate and currency, where these hold anything';

-- What customers say about which topic, in the rolling windows [at - window, at), over all currencies.
--
-- share: of the affiliate's linked answers with findings, how many say this.
-- lift: that share over the same share of all others of the brand pooled, direct sales included.
-- impact: the score of all its answers less that of those that don't say it.
CREATE OR REPLACE VIEW posventa.affiliate_topics_at
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    (part, whole) -> if(whole = 0, NULL, toFloat64(part) / toFloat64(whole)) AS ratio
SELECT
    t.brand_id AS brand_id,
    t.affiliate_id AS affiliate_id,
    t.topic AS topic,
    t.verdict AS verdict,
    t.window AS window,
    transform(
        t.window,
        ['1h', '24h', '7d', '30d'],
        [toInt64(1), toInt64(24), toInt64(168), toInt64(720)],
        toInt64(0)
    ) AS window_hours,
    {at:DateTime('UTC')} - toIntervalHour(window_hours) AS window_start,
    {at:DateTime('UTC')} AS window_end,
    t.answers AS answers,
    t.promoters AS promoters,
    t.passives AS passives,
    t.detractors AS detractors,
    t.csat_answers AS csat_answers,
    t.csat_satisfied AS csat_satisfied,
    f.feedback AS feedback,
    f.with_findings AS with_findings,
    ratio(t.answers, f.with_findings) AS share,
    ratio(t.brand_answers - t.answers, f.brand_with_findings - f.with_findings) AS share_of_others,
    if(
        t.answers < 5 OR f.brand_affiliates - (f.with_findings > 0) < 3,
        NULL,
        ratio(share, share_of_others)
    ) AS lift,
    ratio(100 * (f.promoters - f.detractors), f.nps_answers) AS nps,
    ratio(f.csat_satisfied, f.csat_answers) AS csat,
    ratio(
        100 * (f.promoters - t.promoters - f.detractors + t.detractors),
        f.nps_answers - t.promoters - t.passives - t.detractors
    ) AS nps_without,
    ratio(f.csat_satisfied - t.csat_satisfied, f.csat_answers - t.csat_answers) AS csat_without,
    if(t.promoters + t.passives + t.detractors = 0, NULL, nps - nps_without) AS nps_impact,
    if(t.csat_answers = 0, NULL, csat - csat_without) AS csat_impact
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.topic AS topic,
        p.verdict AS verdict,
        window,
        sum(p.answers) AS answers,
        sum(p.promoters) AS promoters,
        sum(p.passives) AS passives,
        sum(p.detractors) AS detractors,
        sum(p.csat_answers) AS csat_answers,
        sum(p.csat_satisfied) AS csat_satisfied,
        sum(answers) OVER (PARTITION BY brand_id, topic, verdict, window) AS brand_answers
    FROM posventa.topic_panes AS p FINAL
    ARRAY JOIN arraySlice(
        ['1h', '24h', '7d', '30d'],
        multiIf(
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 1 HOUR, 1,
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 24 HOUR, 2,
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 7 DAY, 3,
            4
        )
    ) AS window
    WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
        AND p.bucket >= {at:DateTime('UTC')} - INTERVAL 30 DAY
        AND p.bucket < {at:DateTime('UTC')}
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
        sum(p.with_findings) AS with_findings,
        sum(p.promoters) AS promoters,
        sum(p.detractors) AS detractors,
        sum(p.passives) + promoters + detractors AS nps_answers,
        sum(p.csat_answers) AS csat_answers,
        sum(p.csat_satisfied) AS csat_satisfied,
        sum(with_findings) OVER (PARTITION BY brand_id, window) AS brand_with_findings,
        countIf(with_findings > 0) OVER (PARTITION BY brand_id, window) AS brand_affiliates
    FROM posventa.affiliate_panes AS p FINAL
    ARRAY JOIN arraySlice(
        ['1h', '24h', '7d', '30d'],
        multiIf(
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 1 HOUR, 1,
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 24 HOUR, 2,
            p.bucket >= {at:DateTime('UTC')} - INTERVAL 7 DAY, 3,
            4
        )
    ) AS window
    WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
        AND p.bucket >= {at:DateTime('UTC')} - INTERVAL 30 DAY
        AND p.bucket < {at:DateTime('UTC')}
    GROUP BY p.brand_id, p.affiliate_id, window
) AS f ON f.brand_id = t.brand_id AND f.affiliate_id = t.affiliate_id AND f.window = t.window
COMMENT 'Topics per brand, affiliate, verdict and window, ending at a given time: affiliate_topics_at(at = ''2026-01-31 12:00:00''), a DateTime in UTC. Columns as in affiliate_topics.';

-- As affiliate_topics_at, ending now. UTC is said, because a bare now() is handed on as text in the session's time zone.
CREATE OR REPLACE VIEW posventa.affiliate_topics
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales',
    topic String COMMENT 'what it is about, such as delivery',
    verdict String COMMENT 'DONE_RIGHT, NEEDS_IMPROVEMENT, UNMET_EXPECTATION, NOT_CONSIDERED or MISSING_INFORMATION',
    window String COMMENT '1h, 24h, 7d or 30d, ending now',
    window_hours Int64 COMMENT 'how long the window is',
    window_start DateTime('UTC') COMMENT 'begin of the window: panes that begin then or later count',
    window_end DateTime('UTC') COMMENT 'end of the window: panes that begin before it count',
    answers Int64 COMMENT 'linked answers that say this of this topic',
    promoters Int64 COMMENT 'of these, with NPS 9 or 10',
    passives Int64 COMMENT 'of these, with NPS 7 or 8',
    detractors Int64 COMMENT 'of these, with NPS 0 to 6',
    csat_answers Int64 COMMENT 'of these, with a CSAT score',
    csat_satisfied Int64 COMMENT 'of these, with CSAT 4 or 5',
    feedback Int64 COMMENT 'all the affiliate''s linked answers in the window; the same in each of its rows',
    with_findings Int64 COMMENT 'of all the affiliate''s linked answers in the window, those with any finding; the same in each of its rows',
    share Nullable(Float64) COMMENT 'answers / with_findings, over all currencies',
    share_of_others Nullable(Float64) COMMENT 'the same share over all others of the brand pooled, direct sales included; null without any finding of theirs',
    lift Nullable(Float64) COMMENT 'share / share_of_others; above 1: said more of this affiliate; null where share_of_others is 0, for fewer than 5 answers, or if fewer than 3 others have an answer with findings in the window',
    nps Nullable(Float64) COMMENT 'Net Promoter Score of all the affiliate''s answers in the window; the same in each of its rows; null without NPS answers',
    csat Nullable(Float64) COMMENT 'fraction satisfied of all the affiliate''s answers in the window; the same in each of its rows; null without CSAT answers',
    nps_without Nullable(Float64) COMMENT 'Net Promoter Score of the affiliate''s answers in the window that don''t say this of this topic; null without NPS answers among them',
    csat_without Nullable(Float64) COMMENT 'fraction satisfied of the affiliate''s answers in the window that don''t say this of this topic; null without CSAT answers among them',
    nps_impact Nullable(Float64) COMMENT 'nps minus nps_without: what this topic does to the score; null unless answers with it and without it have one; impacts don''t add up',
    csat_impact Nullable(Float64) COMMENT 'csat minus csat_without; null unless answers with it and without it have a CSAT score; impacts don''t add up'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT r.*
FROM posventa.affiliate_topics_at(at = now('UTC')) AS r
COMMENT 'Topics per brand, affiliate, verdict and window ending now, over all currencies, by answer time';
