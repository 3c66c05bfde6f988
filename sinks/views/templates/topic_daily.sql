{% import "_parts.sql" as parts with context %}
-- What customers say about which topic, by day in UTC.
{% call parts.create() %}
SELECT
    p.brand_id AS brand_id,
    p.affiliate_id AS affiliate_id,
    p.topic AS topic,
    p.verdict AS verdict,
    toDate(p.bucket) AS day,
{% for count in topic_measures %}
    sum(p.{{ count }}) AS {{ count }}{{ "," if not loop.last }}
{% endfor %}
FROM posventa.topic_panes AS p FINAL
WHERE {{ parts.current("p") }}
GROUP BY p.brand_id, p.affiliate_id, p.topic, p.verdict, day
HAVING answers > 0
{% endcall %}
