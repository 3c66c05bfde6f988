{% import "_parts.sql" as parts with context %}
-- The panes themselves, summed over the source partitions.
{% call parts.create() %}
WITH
    {{ parts.money() }}
SELECT
    p.brand_id AS brand_id,
    p.affiliate_id AS affiliate_id,
    p.currency AS currency,
    p.bucket AS bucket,
    {{ parts.measures_summed("p") | indent(4) }}
FROM posventa.affiliate_panes AS p FINAL
WHERE {{ parts.current("p") }}
GROUP BY p.brand_id, p.affiliate_id, p.currency, p.bucket
HAVING {{ parts.has_any_measure() }}
{% endcall %}
