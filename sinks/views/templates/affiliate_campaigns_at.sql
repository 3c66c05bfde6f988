{% import "_parts.sql" as parts with context %}
-- What each campaign sold in the windows [at - window, at), by the start of the sale's pane, and what became of these sales.
--
-- p: how long a pane is stands in no table, but every valid sale lies in a pane of its key. So a sale's pane begins at a time or
-- later if the sale is not before the first pane that does. 4294967295 is later than any.
{% call parts.create() %}
WITH
    {{ parts.functions() | indent(4) }}
SELECT
    w.brand_id AS brand_id,
    w.affiliate_id AS affiliate_id,
    w.currency AS currency,
    w.campaign AS campaign,
    w.window AS window,
    transform(
        w.window,
        [{{ sale_windows | map(attribute="name") | map("quoted") | join(", ") }}],
        [{% for window in sale_windows %}toInt64({{ window.seconds // 3600 }}){{ ", " if not loop.last }}{% endfor %}],
        toInt64(0)
    ) AS window_hours,
    {at:DateTime('UTC')} - toIntervalHour(window_hours) AS window_start,
    {at:DateTime('UTC')} AS window_end,
    w.* EXCEPT (brand_id, affiliate_id, currency, campaign, window, nps_answers),
{% for rate in rates if rate.name in of_campaign.rates %}
    {{ of_row(rate, "w") }} AS {{ rate.name }}{{ "," if not loop.last }}
{% endfor %}
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
{% for count in of_campaign.scores %}
        toInt64(sum(s.{{ count }})) AS {{ count }},
{% endfor %}
        toInt64(sum(s.is_renewal)) AS renewals,
        {{ parts.sums() | indent(8) }}
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
{% for count in of_campaign.scores %}
            ifNull(a.{{ count }}, 0) AS {{ count }},
{% endfor %}
            multiIf(
{% for window in sale_windows[:-1] %}
                j.second >= p.first_{{ window.name }}, {{ loop.index }},
{% endfor %}
                {{ sale_windows | length }}
            ) AS narrowest
        FROM
        (
            SELECT t.*, toUInt32(toUnixTimestamp64Second(t.occurred_at)) AS second
            FROM posventa.journeys AS t FINAL
            WHERE {{ parts.current("t") }}
                AND t.status = 'valid'
                AND t.occurred_at >= {at:DateTime('UTC')} - INTERVAL {{ sale_windows[-1].length }}
        ) AS j
        INNER JOIN
        (
            SELECT
                b.brand_id AS brand_id,
                b.affiliate_id AS affiliate_id,
                b.currency AS currency,
{% for window in sale_windows %}
                minIf(
                    toUInt32(b.bucket), b.bucket >= {at:DateTime('UTC')} - INTERVAL {{ window.length }}
                ) AS first_{{ window.name }}_or_0,
                if(first_{{ window.name }}_or_0 = 0, 4294967295, first_{{ window.name }}_or_0) AS first_{{ window.name }},
{% endfor %}
                minIf(toUInt32(b.bucket), b.bucket >= {at:DateTime('UTC')}) AS first_beyond_or_0,
                if(first_beyond_or_0 = 0, 4294967295, first_beyond_or_0) AS first_beyond
            FROM posventa.affiliate_panes AS b FINAL
            WHERE {{ parts.current("b") }}
                AND b.sales > 0
                AND b.bucket >= {at:DateTime('UTC')} - INTERVAL {{ sale_windows[-1].length }}
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
            WHERE {{ parts.current("r") }} AND r.status = 'answered' AND r.sale_id != ''
            GROUP BY r.brand_id, r.affiliate_id, r.customer_id, r.sale_id
        ) AS a ON a.brand_id = j.brand_id AND a.affiliate_id = j.affiliate_id
            AND a.customer_id = j.customer_id AND a.sale_id = j.sale_id
        WHERE j.second >= p.first_{{ sale_windows[-1].name }} AND j.second < p.first_beyond
    ) AS s
    ARRAY JOIN arraySlice([{{ sale_windows | map(attribute="name") | map("quoted") | join(", ") }}], s.narrowest) AS window
    GROUP BY s.brand_id, s.affiliate_id, s.currency, s.campaign, window
) AS w
{% endcall %}
