{% import "_parts.sql" as parts with context %}
-- Sales that a customer brought whom an affiliate had won before, under that affiliate.
--
-- first: of each customer, the first valid sale, which counts if it is earlier than the sale that they brought.
-- said: of each customer and moment, the last NPS score; ASOF takes the latest moment before the sale.
{% call parts.create() %}
WITH
    {{ parts.money() }}
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
        WHERE {{ parts.current("j") }} AND j.status = 'valid' AND j.referred_by NOT IN ('', j.customer_id)
    ) AS s
    LEFT JOIN
    (
        SELECT
            j.brand_id AS brand_id,
            j.customer_id AS customer_id,
            j.affiliate_id AS affiliate_id,
            j.occurred_at AS occurred_at
        FROM posventa.journeys AS j FINAL
        WHERE {{ parts.current("j") }} AND j.status = 'valid' AND j.is_new_customer = 1
    ) AS first ON first.brand_id = s.brand_id AND first.customer_id = s.referred_by
    ASOF LEFT JOIN
    (
        SELECT
            a.brand_id AS brand_id,
            a.customer_id AS customer_id,
            a.answered_at AS answered_at,
            argMax(assumeNotNull(a.nps), a.feedback_id) AS nps
        FROM posventa.answers AS a FINAL
        WHERE {{ parts.current("a") }} AND a.status = 'answered' AND a.nps IS NOT NULL
        GROUP BY a.brand_id, a.customer_id, a.answered_at
    ) AS said ON said.brand_id = s.brand_id AND said.customer_id = s.referred_by AND said.answered_at < s.occurred_at
) AS w
GROUP BY w.brand_id, w.affiliate_id, w.currency, w.month
{% endcall %}
