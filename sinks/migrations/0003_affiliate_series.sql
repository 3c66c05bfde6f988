-- The panes themselves, summed over the source partitions. Why Int128 and these six counts: see affiliate_rolling_at.
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
    unlinked_feedback Int64 COMMENT 'answers that link to no sale; they count for the brand alone, affiliate '''''
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
    sum(p.unlinked_feedback) AS unlinked_feedback
FROM posventa.affiliate_panes AS p FINAL
WHERE p.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
GROUP BY p.brand_id, p.affiliate_id, p.currency, p.bucket
HAVING sales + refunds + chargebacks + invitations + feedback + unlinked_feedback > 0
COMMENT 'Measures per brand, affiliate, currency and pane';
