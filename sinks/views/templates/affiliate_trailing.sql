{% import "_parts.sql" as parts with context %}
-- Of each day, the 7 and 30 days that end with it.
--
-- A day without contributions of its own has a row as long as its 30 days hold anything, so each day with contributions
-- is repeated, empty, up to 29 days on, or up to the next such day; none that is yet to come.
{% set over = {7: "week", 30: "month"} %}
{% call parts.create() %}
WITH
    {{ parts.functions() | indent(4) }}
SELECT w.*
FROM
(
    SELECT
        d.brand_id AS brand_id,
        d.affiliate_id AS affiliate_id,
        d.currency AS currency,
        d.day AS day,
{% for days in trailing_days %}
{% set last_days = loop.last %}
{% for column in trailing %}
        {{ of_rows(column, "d", over[days]) }} AS {{ column.name }}_{{ days }}d{{ "," if not (last_days and loop.last) }}
{% endfor %}
{% endfor %}
    FROM
    (
        SELECT
            s.brand_id AS brand_id,
            s.affiliate_id AS affiliate_id,
            s.currency AS currency,
            s.day + days_later AS day,
            days_later = 0 AS own,
{% for measure in measures %}
            s.{{ measure.name }} * own AS {{ measure.name }},
{% endfor %}
            {{ parts.sums() | indent(12) }}
        FROM
        (
            SELECT
                o.*,
                leadInFrame(o.day, 1, o.day + {{ trailing_days[-1] }}) OVER (
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
                    {{ parts.measures_summed("p") | indent(20) }}
                FROM posventa.affiliate_panes AS p FINAL
                WHERE {{ parts.current("p") }}
                GROUP BY p.brand_id, p.affiliate_id, p.currency, day
                HAVING {{ parts.has_any_measure() }}
            ) AS o
        ) AS s
        ARRAY JOIN range(
            toUInt32(least({{ trailing_days[-1] }}, s.next_day - s.day))
        ) AS days_later
    ) AS d
    WINDOW
{% for days in trailing_days %}
        {{ over[days] }} AS (
            PARTITION BY d.brand_id, d.affiliate_id, d.currency
            ORDER BY d.day
            RANGE BETWEEN {{ days - 1 }} PRECEDING AND CURRENT ROW
        ){{ "," if not loop.last }}
{% endfor %}
) AS w
WHERE (w.sales_30d > 0 OR w.feedback_30d > 0 OR w.net_30d <> 0) AND w.day <= toDate(now('UTC'))
{% endcall %}
