{% import "_parts.sql" as parts with context %}
-- The rolling windows ending at a given time; what is in them is [at - window, at) by pane start.
{% call parts.create() %}
WITH
    {{ parts.functions() | indent(4) }}
SELECT
    w.brand_id AS brand_id,
    w.affiliate_id AS affiliate_id,
    w.currency AS currency,
    w.window AS window,
    {{ parts.window_times("w") | indent(4) }},
    w.* EXCEPT (brand_id, affiliate_id, currency, window, nps_answers),
    {{ parts.rates_of("w") | indent(4) }}
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.currency AS currency,
        window,
        {{ parts.measures_summed("p") | indent(8) }},
        {{ parts.sums() | indent(8) }}
    FROM posventa.affiliate_panes AS p FINAL
    {{ parts.by_window("p") | indent(4) }}
    GROUP BY p.brand_id, p.affiliate_id, p.currency, window
    HAVING {{ parts.has_any_measure() }}
) AS w
{% endcall %}
