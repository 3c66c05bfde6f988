-- Written by `python -m sinks.views events_of_sources` from sinks/views.

ALTER TABLE posventa.affiliate_panes ADD COLUMN IF NOT EXISTS renewals Int64 AFTER unlinked_feedback;

ALTER TABLE posventa.affiliate_panes ADD COLUMN IF NOT EXISTS mismatched_amounts Int64 AFTER renewals;

ALTER TABLE posventa.affiliate_panes ADD COLUMN IF NOT EXISTS without_sale Int64 AFTER mismatched_amounts;

ALTER TABLE posventa.affiliate_panes ADD COLUMN IF NOT EXISTS comments Int64 AFTER without_sale;

ALTER TABLE posventa.affiliate_panes ADD COLUMN IF NOT EXISTS with_findings Int64 AFTER comments;

ALTER TABLE posventa.topic_panes ADD COLUMN IF NOT EXISTS promoters Int64 AFTER answers;

ALTER TABLE posventa.topic_panes ADD COLUMN IF NOT EXISTS passives Int64 AFTER promoters;

ALTER TABLE posventa.topic_panes ADD COLUMN IF NOT EXISTS detractors Int64 AFTER passives;

ALTER TABLE posventa.topic_panes ADD COLUMN IF NOT EXISTS csat_answers Int64 AFTER detractors;

ALTER TABLE posventa.topic_panes ADD COLUMN IF NOT EXISTS csat_satisfied Int64 AFTER csat_answers;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS subscription_id String AFTER feedback_delay_seconds;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS is_renewal UInt8 AFTER subscription_id;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS refunds Int64 AFTER is_renewal;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS chargebacks Int64 AFTER refunds;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS commission_reversed Int64 AFTER chargebacks;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS mismatched_amounts Int64 AFTER commission_reversed;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS last_nps Nullable(Int8) AFTER mismatched_amounts;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS last_csat Nullable(Int8) AFTER last_nps;

ALTER TABLE posventa.journeys ADD COLUMN IF NOT EXISTS last_ces Nullable(Int8) AFTER last_csat;

ALTER TABLE posventa.answers ADD COLUMN IF NOT EXISTS nps Nullable(Int8) AFTER answered_at;

ALTER TABLE posventa.answers ADD COLUMN IF NOT EXISTS csat Nullable(Int8) AFTER nps;

ALTER TABLE posventa.answers ADD COLUMN IF NOT EXISTS ces Nullable(Int8) AFTER csat;

ALTER TABLE posventa.answers ADD COLUMN IF NOT EXISTS has_comment UInt8 AFTER ces;

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

-- The panes themselves, summed over the source partitions.
CREATE OR REPLACE VIEW posventa.affiliate_series
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales and unlinked answers',
    currency String COMMENT 'ISO 4217; empty: unlinked answers',
    bucket DateTime('UTC') COMMENT 'pane start',
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
    with_findings Int64 COMMENT 'answers with at least one finding'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
SELECT
    p.brand_id AS brand_id,
    p.affiliate_id AS affiliate_id,
    p.currency AS currency,
    p.bucket AS bucket,
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
GROUP BY p.brand_id, p.affiliate_id, p.currency, p.bucket
HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback + without_sale > 0
COMMENT 'Measures per brand, affiliate, currency and pane';

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

-- One row a sale: how it went, from order to what the customer finally thought of it.
CREATE OR REPLACE VIEW posventa.journey
(
    brand_id String COMMENT 'brand',
    sale_id String COMMENT 'order reference, unique within the brand',
    customer_id String COMMENT 'pseudonym of the customer',
    affiliate_id String COMMENT 'affiliate who sold it; empty: direct sale',
    product_id String COMMENT 'product',
    offering String COMMENT 'PHYSICAL or SERVICE',
    campaign String COMMENT 'page, message or sub-id that sold it; empty: none given',
    status String COMMENT 'valid or rejected',
    amount Decimal(38, 4) COMMENT 'price placed',
    commission Decimal(38, 4) COMMENT 'what the affiliate earns',
    currency String COMMENT 'ISO 4217',
    occurred_at DateTime64(3, 'UTC') COMMENT 'sale time',
    is_new_customer UInt8 COMMENT '1: the customer''s first valid sale with the brand',
    referred_by String COMMENT 'customer who recommended it; empty: none',
    refunded Decimal(38, 4) COMMENT 'given back so far',
    charged_back Decimal(38, 4) COMMENT 'charged back so far',
    net Decimal(38, 4) COMMENT 'amount minus refunded minus charged_back; 0 when rejected',
    answers Int64 COMMENT 'linked answers',
    last_metric String COMMENT 'NPS, CSAT or CES of the last answer with a score; empty: none',
    last_score Nullable(Int8) COMMENT 'score of the last answer with a score; null: none',
    verdicts String COMMENT 'distinct verdicts of its answers, sorted, comma-separated',
    feedback_delay_seconds Nullable(Int64) COMMENT 'first answer''s time minus sale time; negative: answered first; null: no answer',
    subscription_id String COMMENT 'what renews; empty: nothing',
    is_renewal UInt8 COMMENT '1: the customer has an earlier valid sale of the same subscription',
    refunds Int64 COMMENT 'refunds that count',
    chargebacks Int64 COMMENT 'chargebacks that count',
    commission_reversed Decimal(38, 4) COMMENT 'commission taken back so far',
    earnings Decimal(38, 4) COMMENT 'commission minus commission_reversed; 0 when rejected',
    mismatched_amounts Int64 COMMENT 'refunds and chargebacks in another currency, whose amounts count nowhere, and 1 for such a commission of its attribution',
    last_nps Nullable(Int8) COMMENT 'NPS of the last answer that has one; null: none',
    last_csat Nullable(Int8) COMMENT 'CSAT of the last answer that has one; null: none',
    last_ces Nullable(Int8) COMMENT 'CES of the last answer that has one; null: none'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
SELECT
    j.brand_id AS brand_id,
    j.sale_id AS sale_id,
    j.customer_id AS customer_id,
    j.affiliate_id AS affiliate_id,
    j.product_id AS product_id,
    j.offering AS offering,
    j.campaign AS campaign,
    j.status AS status,
    money(j.amount) AS amount,
    money(j.commission) AS commission,
    j.currency AS currency,
    j.occurred_at AS occurred_at,
    j.is_new_customer AS is_new_customer,
    j.referred_by AS referred_by,
    money(j.refunded) AS refunded,
    money(j.charged_back) AS charged_back,
    if(j.status = 'rejected', 0, money(toInt128(j.amount) - j.refunded - j.charged_back)) AS net,
    j.answers AS answers,
    j.last_metric AS last_metric,
    j.last_score AS last_score,
    j.verdicts AS verdicts,
    j.feedback_delay_seconds AS feedback_delay_seconds,
    j.subscription_id AS subscription_id,
    j.is_renewal AS is_renewal,
    j.refunds AS refunds,
    j.chargebacks AS chargebacks,
    money(j.commission_reversed) AS commission_reversed,
    if(j.status = 'rejected', 0, money(toInt128(j.commission) - j.commission_reversed)) AS earnings,
    j.mismatched_amounts AS mismatched_amounts,
    j.last_nps AS last_nps,
    j.last_csat AS last_csat,
    j.last_ces AS last_ces
FROM posventa.journeys AS j FINAL
WHERE j.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
COMMENT 'One row a sale, with its refunds, chargebacks and answers';

-- One row a reversal: what was given back, and what of it counts.
CREATE OR REPLACE VIEW posventa.reversal
(
    brand_id String COMMENT 'brand',
    sale_id String COMMENT 'order reference of the sale that it is of, unique within the brand',
    reversal_id String COMMENT 'the refund''s or dispute''s id at its source; of a sale event: that event''s id',
    kind String COMMENT 'REFUND, CHARGEBACK or UNDONE',
    status String COMMENT 'counted; mismatched (in another currency than its sale: it counts, its amounts don''t); undone, rejected (its sale is) or without_sale (so far): it counts nowhere',
    affiliate_id String COMMENT 'affiliate of its sale; empty: direct sale, or no sale',
    campaign String COMMENT 'campaign of its sale; empty: none given, or no sale',
    amount Decimal(38, 4) COMMENT 'given back',
    commission Decimal(38, 4) COMMENT 'taken back from the affiliate',
    currency String COMMENT 'ISO 4217, as it was told',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when the money went back'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
SELECT
    r.brand_id AS brand_id,
    r.sale_id AS sale_id,
    r.reversal_id AS reversal_id,
    r.kind AS kind,
    r.status AS status,
    r.affiliate_id AS affiliate_id,
    r.campaign AS campaign,
    money(r.amount) AS amount,
    money(r.commission) AS commission,
    r.currency AS currency,
    r.occurred_at AS occurred_at
FROM posventa.reversals AS r FINAL
WHERE r.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
COMMENT 'One row a reversal, whether it counts or not';

-- What is said of what, one verdict on one topic at a time, in answers that are linked to a sale.
CREATE OR REPLACE VIEW posventa.finding
(
    brand_id String COMMENT 'brand',
    feedback_id String COMMENT 'one answer of one customer, unique within the brand',
    verdict String COMMENT 'DONE_RIGHT, NEEDS_IMPROVEMENT, UNMET_EXPECTATION, NOT_CONSIDERED or MISSING_INFORMATION',
    topic String COMMENT 'what it is about, such as delivery',
    affiliate_id String COMMENT 'affiliate of the linked sale, of the answer, the same in each of its rows; empty: direct sale',
    sale_id String COMMENT 'linked sale, of the answer, the same in each of its rows',
    answered_at DateTime64(3, 'UTC') COMMENT 'answer time, of the answer, the same in each of its rows',
    from_comment UInt8 COMMENT '1: read in the answer''s comment; 0: the publisher told it, as of all findings so far',
    nps Nullable(Int8) COMMENT 'NPS score of the answer, the same in each of its rows; null: none',
    csat Nullable(Int8) COMMENT 'CSAT score of the answer, the same in each of its rows; null: none',
    ces Nullable(Int8) COMMENT 'CES score of the answer, the same in each of its rows; null: none'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    a.brand_id AS brand_id,
    a.feedback_id AS feedback_id,
    splitByChar(':', said)[1] AS verdict,
    splitByChar(':', said)[2] AS topic,
    a.affiliate_id AS affiliate_id,
    a.sale_id AS sale_id,
    a.answered_at AS answered_at,
    toUInt8(0) AS from_comment,
    a.nps AS nps,
    a.csat AS csat,
    a.ces AS ces
FROM posventa.answers AS a FINAL
ARRAY JOIN splitByChar(',', a.findings) AS said
WHERE a.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
    AND a.status = 'answered'
    AND a.sale_id != ''
    AND a.findings != ''
COMMENT 'One row for each verdict on each topic of a linked answer';

-- What customers wrote, while it stands. A text that was taken back is blank in its table.
CREATE OR REPLACE VIEW posventa.comment
(
    brand_id String COMMENT 'brand',
    feedback_id String COMMENT 'one answer of one customer, unique within the brand',
    customer_id String COMMENT 'pseudonym of the customer',
    affiliate_id String COMMENT 'affiliate of the linked sale; empty: direct sale, or linked to none',
    answered_at DateTime64(3, 'UTC') COMMENT 'answer time',
    language String COMMENT 'BCP 47, as the publisher told it; empty: not told',
    comment String COMMENT 'what the customer wrote'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    c.brand_id AS brand_id,
    c.feedback_id AS feedback_id,
    c.customer_id AS customer_id,
    a.affiliate_id AS affiliate_id,
    a.answered_at AS answered_at,
    c.language AS language,
    c.comment AS comment
FROM
(
    SELECT t.*
    FROM posventa.comments AS t FINAL
    WHERE t.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND t.comment != ''
) AS c
INNER JOIN
(
    SELECT r.*
    FROM posventa.answers AS r FINAL
    WHERE r.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND r.status = 'answered'
) AS a ON a.brand_id = c.brand_id AND a.customer_id = c.customer_id AND a.feedback_id = c.feedback_id
COMMENT 'One row an answer with a comment, linked or not: for the brand''s own people alone';

-- Sales that a customer brought whom an affiliate had won before, under that affiliate.
--
-- first: of each customer, the first valid sale, which counts if it is earlier than the sale that they brought.
-- said: of each customer and moment, the last NPS score; ASOF takes the latest moment before the sale.
CREATE OR REPLACE VIEW posventa.word_of_mouth
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate of the first valid sale of the customer who recommended, if that is earlier; empty: it was a direct sale, or there is none',
    currency String COMMENT 'ISO 4217',
    month Date COMMENT 'first day of the referred sale''s month in UTC',
    referred_sales Int64 COMMENT 'valid sales recommended by another customer than the buyer',
    referred_gross Decimal(38, 4) COMMENT 'amounts of these',
    referrers Int64 COMMENT 'distinct customers who recommended these; they don''t add up over rows',
    promoter_referrers Int64 COMMENT 'of these, whose latest NPS score before at least one of these sales was 9 or 10; they don''t add up over rows'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
SELECT
    w.brand_id AS brand_id,
    w.affiliate_id AS affiliate_id,
    w.currency AS currency,
    w.month AS month,
    toInt64(count()) AS referred_sales,
    money(sum(toInt128(w.amount))) AS referred_gross,
    toInt64(uniqExact(w.referred_by)) AS referrers,
    toInt64(uniqExactIf(w.referred_by, w.promoted)) AS promoter_referrers
FROM
(
    SELECT
        s.brand_id AS brand_id,
        s.referred_by AS referred_by,
        s.amount AS amount,
        s.currency AS currency,
        toStartOfMonth(s.occurred_at) AS month,
        ifNull(if(first.occurred_at < s.occurred_at, first.affiliate_id, ''), '') AS affiliate_id,
        ifNull(said.nps >= 9, 0) AS promoted
    FROM
    (
        SELECT
            j.brand_id AS brand_id,
            j.referred_by AS referred_by,
            j.amount AS amount,
            j.currency AS currency,
            j.occurred_at AS occurred_at
        FROM posventa.journeys AS j FINAL
        WHERE j.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND j.status = 'valid' AND j.referred_by NOT IN ('', j.customer_id)
    ) AS s
    LEFT JOIN
    (
        SELECT
            j.brand_id AS brand_id,
            j.customer_id AS customer_id,
            j.affiliate_id AS affiliate_id,
            j.occurred_at AS occurred_at
        FROM posventa.journeys AS j FINAL
        WHERE j.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND j.status = 'valid' AND j.is_new_customer = 1
    ) AS first ON first.brand_id = s.brand_id AND first.customer_id = s.referred_by
    ASOF LEFT JOIN
    (
        SELECT
            a.brand_id AS brand_id,
            a.customer_id AS customer_id,
            a.answered_at AS answered_at,
            argMax(assumeNotNull(a.nps), a.feedback_id) AS nps
        FROM posventa.answers AS a FINAL
        WHERE a.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND a.status = 'answered' AND a.nps IS NOT NULL
        GROUP BY a.brand_id, a.customer_id, a.answered_at
    ) AS said ON said.brand_id = s.brand_id AND said.customer_id = s.referred_by AND said.answered_at < s.occurred_at
) AS w
GROUP BY w.brand_id, w.affiliate_id, w.currency, w.month
COMMENT 'Sales that customers brought, under the affiliate who had won these customers, per currency and month';

-- What became of the customers whom an affiliate won, month by month from that of their first valid sale.
--
-- by_month: of a cohort, by months since: customers returned, sales, gross and net; nothing of a month without sales. The first
-- sale is in month 0 and in the cohort's currency, so every customer of a cohort is counted there once.
CREATE OR REPLACE VIEW posventa.retention
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate of the customers'' first valid sale; empty: a direct sale',
    currency String COMMENT 'ISO 4217, of the customers'' first valid sale',
    cohort_month Date COMMENT 'first day of the month of the customers'' first valid sale, in UTC',
    months_since Int64 COMMENT '0: the cohort''s month; up to the current month',
    customers Int64 COMMENT 'customers of the cohort; the same in each of its rows',
    returned Int64 COMMENT 'of these, with a valid sale in that month and currency other than their first, of any affiliate',
    sales Int64 COMMENT 'their valid sales of that month and currency, the first one included',
    gross Decimal(38, 4) COMMENT 'amounts of these sales',
    net Decimal(38, 4) COMMENT 'gross minus what was given back of these sales so far, whenever',
    retention_rate Nullable(Float64) COMMENT 'returned / customers',
    is_complete UInt8 COMMENT '1: that month is over; 0: it is the current one'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money,
    (part, whole) -> if(whole = 0, NULL, toFloat64(part) / toFloat64(whole)) AS ratio,
    toStartOfMonth(now('UTC')) AS this_month
SELECT
    r.brand_id AS brand_id,
    r.affiliate_id AS affiliate_id,
    r.currency AS currency,
    r.cohort_month AS cohort_month,
    toInt64(since) AS months_since,
    toInt64(r.customers) AS customers,
    toInt64(tupleElement(r.by_month[months_since], 1)) AS returned,
    toInt64(tupleElement(r.by_month[months_since], 2)) AS sales,
    money(tupleElement(r.by_month[months_since], 3)) AS gross,
    money(tupleElement(r.by_month[months_since], 4)) AS net,
    ratio(returned, r.customers) AS retention_rate,
    addMonths(r.cohort_month, since) < this_month AS is_complete
FROM
(
    SELECT
        m.brand_id AS brand_id,
        m.affiliate_id AS affiliate_id,
        m.currency AS currency,
        m.cohort_month AS cohort_month,
        sum(m.newcomers) AS customers,
        mapFromArrays(groupArray(m.months_since), groupArray((m.returned, m.sales, m.gross, m.net))) AS by_month
    FROM
    (
        SELECT
            c.brand_id AS brand_id,
            c.affiliate_id AS affiliate_id,
            c.currency AS currency,
            c.cohort_month AS cohort_month,
            toInt64(dateDiff('month', c.cohort_month, sale.1)) AS months_since,
            countIf(sale.3 = 1) AS newcomers,
            uniqExactIf(c.customer_id, sale.3 = 0) AS returned,
            count() AS sales,
            sum(sale.4) AS gross,
            sum(sale.5) AS net
        FROM
        (
            SELECT
                j.brand_id AS brand_id,
                j.customer_id AS customer_id,
                anyIf(j.affiliate_id, j.is_new_customer = 1) AS affiliate_id,
                anyIf(j.currency, j.is_new_customer = 1) AS currency,
                anyIf(toStartOfMonth(j.occurred_at), j.is_new_customer = 1) AS cohort_month,
                groupArray((
                    toStartOfMonth(j.occurred_at),
                    j.currency,
                    j.is_new_customer,
                    toInt128(j.amount),
                    toInt128(j.amount) - j.refunded - j.charged_back
                )) AS bought
            FROM posventa.journeys AS j FINAL
            WHERE j.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND j.status = 'valid'
            GROUP BY j.brand_id, j.customer_id
        ) AS c
        ARRAY JOIN c.bought AS sale
        WHERE sale.2 = c.currency
        GROUP BY c.brand_id, c.affiliate_id, c.currency, c.cohort_month, months_since
    ) AS m
    GROUP BY m.brand_id, m.affiliate_id, m.currency, m.cohort_month
) AS r
ARRAY JOIN range(toUInt64(greatest(0, dateDiff('month', r.cohort_month, this_month) + 1))) AS since
COMMENT 'Cohorts: the customers whom an affiliate won in a month, and what they bought month by month';

-- What each campaign sold in the windows [at - window, at), by the start of the sale's pane, and what became of these sales.
--
-- p: how long a pane is stands in no table, but every valid sale lies in a pane of its key. So a sale's pane begins at a time or
-- later if the sale is not before the first pane that does. 4294967295 is later than any.
CREATE OR REPLACE VIEW posventa.affiliate_campaigns_at
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
    w.campaign AS campaign,
    w.window AS window,
    transform(
        w.window,
        ['7d', '30d', '90d'],
        [toInt64(168), toInt64(720), toInt64(2160)],
        toInt64(0)
    ) AS window_hours,
    {at:DateTime('UTC')} - toIntervalHour(window_hours) AS window_start,
    {at:DateTime('UTC')} AS window_end,
    w.* EXCEPT (brand_id, affiliate_id, currency, campaign, window, nps_answers),
    ratio(100 * (w.promoters - w.detractors), w.nps_answers) AS nps,
    nps_bound(w.promoters, w.detractors, w.nps_answers, -1) AS nps_low,
    nps_bound(w.promoters, w.detractors, w.nps_answers, +1) AS nps_high,
    ratio(w.csat_satisfied, w.csat_answers) AS csat,
    csat_bound(w.csat_satisfied, w.csat_answers, -1) AS csat_low,
    csat_bound(w.csat_satisfied, w.csat_answers, +1) AS csat_high,
    ratio(w.refunded_sales, w.sales) AS refund_rate,
    multiIf(w.feedback = 0, 'none', w.feedback < 5, 'thin', w.feedback < 100, 'indicative', 'solid') AS evidence
FROM
(
    SELECT
        s.brand_id AS brand_id,
        s.affiliate_id AS affiliate_id,
        s.currency AS currency,
        s.campaign AS campaign,
        window,
        toInt64(count()) AS sales,
        money(sum(toInt128(s.amount))) AS gross,
        money(sum(toInt128(s.commission))) AS commission,
        toInt64(sum(s.is_new_customer)) AS new_customers,
        toInt64(countIf(s.refunds + s.chargebacks > 0)) AS refunded_sales,
        toInt64(countIf(s.answers > 0)) AS answered_sales,
        money(sum(toInt128(s.refunded))) AS refunded,
        money(sum(toInt128(s.commission_reversed))) AS commission_reversed,
        money(sum(toInt128(s.charged_back))) AS charged_back,
        toInt64(sum(s.answers)) AS feedback,
        toInt64(sum(s.promoters)) AS promoters,
        toInt64(sum(s.passives)) AS passives,
        toInt64(sum(s.detractors)) AS detractors,
        toInt64(sum(s.csat_answers)) AS csat_answers,
        toInt64(sum(s.csat_satisfied)) AS csat_satisfied,
        toInt64(sum(s.is_renewal)) AS renewals,
        gross - refunded - charged_back AS net,
        commission - commission_reversed AS earnings,
        promoters + passives + detractors AS nps_answers
    FROM
    (
        SELECT
            j.brand_id AS brand_id,
            j.affiliate_id AS affiliate_id,
            CAST(j.currency, 'String') AS currency,
            j.campaign AS campaign,
            j.amount AS amount,
            j.commission AS commission,
            j.is_new_customer AS is_new_customer,
            j.is_renewal AS is_renewal,
            j.refunds AS refunds,
            j.chargebacks AS chargebacks,
            j.refunded AS refunded,
            j.charged_back AS charged_back,
            j.commission_reversed AS commission_reversed,
            j.answers AS answers,
            ifNull(a.promoters, 0) AS promoters,
            ifNull(a.passives, 0) AS passives,
            ifNull(a.detractors, 0) AS detractors,
            ifNull(a.csat_answers, 0) AS csat_answers,
            ifNull(a.csat_satisfied, 0) AS csat_satisfied,
            multiIf(
                j.second >= p.first_7d, 1,
                j.second >= p.first_30d, 2,
                3
            ) AS narrowest
        FROM
        (
            SELECT t.*, toUInt32(toUnixTimestamp64Second(t.occurred_at)) AS second
            FROM posventa.journeys AS t FINAL
            WHERE t.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
                AND t.status = 'valid'
                AND t.occurred_at >= {at:DateTime('UTC')} - INTERVAL 90 DAY
        ) AS j
        INNER JOIN
        (
            SELECT
                b.brand_id AS brand_id,
                b.affiliate_id AS affiliate_id,
                b.currency AS currency,
                minIf(
                    toUInt32(b.bucket), b.bucket >= {at:DateTime('UTC')} - INTERVAL 7 DAY
                ) AS first_7d_or_0,
                if(first_7d_or_0 = 0, 4294967295, first_7d_or_0) AS first_7d,
                minIf(
                    toUInt32(b.bucket), b.bucket >= {at:DateTime('UTC')} - INTERVAL 30 DAY
                ) AS first_30d_or_0,
                if(first_30d_or_0 = 0, 4294967295, first_30d_or_0) AS first_30d,
                minIf(
                    toUInt32(b.bucket), b.bucket >= {at:DateTime('UTC')} - INTERVAL 90 DAY
                ) AS first_90d_or_0,
                if(first_90d_or_0 = 0, 4294967295, first_90d_or_0) AS first_90d,
                minIf(toUInt32(b.bucket), b.bucket >= {at:DateTime('UTC')}) AS first_beyond_or_0,
                if(first_beyond_or_0 = 0, 4294967295, first_beyond_or_0) AS first_beyond
            FROM posventa.affiliate_panes AS b FINAL
            WHERE b.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
                AND b.sales > 0
                AND b.bucket >= {at:DateTime('UTC')} - INTERVAL 90 DAY
            GROUP BY b.brand_id, b.affiliate_id, b.currency
        ) AS p ON p.brand_id = j.brand_id AND p.affiliate_id = j.affiliate_id AND p.currency = j.currency
        LEFT JOIN
        (
            SELECT
                r.brand_id AS brand_id,
                r.affiliate_id AS affiliate_id,
                r.customer_id AS customer_id,
                r.sale_id AS sale_id,
                countIf(r.nps >= 9) AS promoters,
                countIf(r.nps IN (7, 8)) AS passives,
                countIf(r.nps <= 6) AS detractors,
                countIf(r.csat IS NOT NULL) AS csat_answers,
                countIf(r.csat >= 4) AS csat_satisfied
            FROM posventa.answers AS r FINAL
            WHERE r.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g) AND r.status = 'answered' AND r.sale_id != ''
            GROUP BY r.brand_id, r.affiliate_id, r.customer_id, r.sale_id
        ) AS a ON a.brand_id = j.brand_id AND a.affiliate_id = j.affiliate_id
            AND a.customer_id = j.customer_id AND a.sale_id = j.sale_id
        WHERE j.second >= p.first_90d AND j.second < p.first_beyond
    ) AS s
    ARRAY JOIN arraySlice(['7d', '30d', '90d'], s.narrowest) AS window
    GROUP BY s.brand_id, s.affiliate_id, s.currency, s.campaign, window
) AS w
COMMENT 'What each campaign sold in windows of 7d, 30d, 90d, ending at a given time: affiliate_campaigns_at(at = ''2026-01-31 12:00:00''), a DateTime in UTC. Columns as in affiliate_campaigns.';

-- As affiliate_campaigns_at, ending now. UTC is said, because a bare now() is handed on as text in the session's time zone.
CREATE OR REPLACE VIEW posventa.affiliate_campaigns
(
    brand_id String COMMENT 'brand',
    affiliate_id String COMMENT 'affiliate; empty: direct sales',
    currency String COMMENT 'ISO 4217',
    campaign String COMMENT 'page, message or sub-id that sold it; empty: none given',
    window String COMMENT '7d, 30d, 90d, ending now',
    window_hours Int64 COMMENT 'how long the window is',
    window_start DateTime('UTC') COMMENT 'begin of the window: panes that begin then or later count',
    window_end DateTime('UTC') COMMENT 'end of the window: panes that begin before it count',
    sales Int64 COMMENT 'valid sales whose pane begins in the window',
    gross Decimal(38, 4) COMMENT 'amount of the window''s sales',
    commission Decimal(38, 4) COMMENT 'commission of the window''s sales',
    new_customers Int64 COMMENT 'those of the window''s sales that are the customer''s first with the brand',
    refunded_sales Int64 COMMENT 'those of the window''s sales that have a refund or chargeback so far',
    answered_sales Int64 COMMENT 'those of the window''s sales that have a linked answer so far',
    refunded Decimal(38, 4) COMMENT 'amount refunded of the window''s sales, whenever that was',
    commission_reversed Decimal(38, 4) COMMENT 'commission taken back of the window''s sales, whenever that was',
    charged_back Decimal(38, 4) COMMENT 'amount charged back of the window''s sales, whenever that was',
    feedback Int64 COMMENT 'linked answers of the window''s sales, whenever they came',
    promoters Int64 COMMENT 'answers with NPS 9 or 10 of the window''s sales, whenever they came',
    passives Int64 COMMENT 'answers with NPS 7 or 8 of the window''s sales, whenever they came',
    detractors Int64 COMMENT 'answers with NPS 0 to 6 of the window''s sales, whenever they came',
    csat_answers Int64 COMMENT 'answers with a CSAT score of the window''s sales, whenever they came',
    csat_satisfied Int64 COMMENT 'answers with CSAT 4 or 5 of the window''s sales, whenever they came',
    renewals Int64 COMMENT 'those of the window''s sales that renew a subscription',
    net Decimal(38, 4) COMMENT 'gross minus refunded minus charged_back, of the window''s sales',
    earnings Decimal(38, 4) COMMENT 'commission minus commission_reversed, of the window''s sales',
    nps Nullable(Float64) COMMENT 'Net Promoter Score, -100 to 100; null without NPS answers',
    nps_low Nullable(Float64) COMMENT 'lower 95 % bound of nps (adjusted Wald, widened to hold nps)',
    nps_high Nullable(Float64) COMMENT 'upper 95 % bound of nps (adjusted Wald, widened to hold nps)',
    csat Nullable(Float64) COMMENT 'fraction satisfied, 0 to 1; null without CSAT answers',
    csat_low Nullable(Float64) COMMENT 'lower 95 % bound of csat (Wilson)',
    csat_high Nullable(Float64) COMMENT 'upper 95 % bound of csat (Wilson)',
    refund_rate Nullable(Float64) COMMENT 'refunded_sales / sales; grows as sales age; null without sales',
    evidence String COMMENT 'how many linked answers support this: none, thin (below 5), indicative (below 100) or solid'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT r.*
FROM posventa.affiliate_campaigns_at(at = now('UTC')) AS r
COMMENT 'What each campaign sold in a window, and what became of these sales so far';
