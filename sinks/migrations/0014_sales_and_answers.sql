-- Written by `python -m sinks.views sales_and_answers` from sinks/views.

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
