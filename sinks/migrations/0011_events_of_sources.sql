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

-- The rolling windows ending at a given time; what is in them is (at - window, at] by pane start.
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
        sum(p.renewals) AS renewals,
        sum(p.mismatched_amounts) AS mismatched_amounts,
        sum(p.without_sale) AS without_sale,
        sum(p.comments) AS comments,
        sum(p.with_findings) AS with_findings,
        gross - refunded - charged_back AS net,
        promoters + passives + detractors AS nps_answers
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

-- Days, each with the 7 and 30 days that end with it.
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
            s.renewals * own AS renewals,
            s.mismatched_amounts * own AS mismatched_amounts,
            s.without_sale * own AS without_sale,
            s.comments * own AS comments,
            s.with_findings * own AS with_findings,
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
WHERE w.own OR w.sales_30d > 0 OR w.feedback_30d > 0 OR w.net_30d <> 0
COMMENT 'Measures per brand, affiliate, currency and UTC day, with the 7 and 30 days that end with that day';

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

-- One row a refund or chargeback: what was given back, and what of it counts.
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
