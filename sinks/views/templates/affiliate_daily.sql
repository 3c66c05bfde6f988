{% import "_parts.sql" as parts with context %}
{% set zone = ", {zone:String}" if view.parameter else "" %}
-- Days{{ " of a time zone" if zone else " in UTC" }}.
{% call parts.create() %}
WITH
    {{ parts.functions() | indent(4) }}
SELECT
    d.* EXCEPT (nps_answers),
    {{ parts.rates_of("d") | indent(4) }}
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.currency AS currency,
        toDate(p.bucket{{ zone }}) AS day,
        {{ parts.measures_summed("p") | indent(8) }},
        {{ parts.sums() | indent(8) }}
    FROM posventa.affiliate_panes AS p FINAL
    WHERE {{ parts.current("p") }}
    GROUP BY p.brand_id, p.affiliate_id, p.currency, day
    HAVING {{ parts.has_any_measure() }}
) AS d
{% endcall %}
