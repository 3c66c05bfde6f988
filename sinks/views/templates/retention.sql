{% import "_parts.sql" as parts with context %}
-- What became of the customers whom an affiliate won, month by month from that of their first valid sale.
--
-- by_month: of a cohort, by months since: customers returned, sales, gross and net; nothing of a month without sales. The first
-- sale is in month 0 and in the cohort's currency, so every customer of a cohort is counted there once.
{% call parts.create() %}
WITH
    {{ parts.money() }},
    {{ parts.ratio() }},
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
            WHERE {{ parts.current("j") }} AND j.status = 'valid'
            GROUP BY j.brand_id, j.customer_id
        ) AS c
        ARRAY JOIN c.bought AS sale
        WHERE sale.2 = c.currency
        GROUP BY c.brand_id, c.affiliate_id, c.currency, c.cohort_month, months_since
    ) AS m
    GROUP BY m.brand_id, m.affiliate_id, m.currency, m.cohort_month
) AS r
ARRAY JOIN range(toUInt64(greatest(0, dateDiff('month', r.cohort_month, this_month) + 1))) AS since
{% endcall %}
