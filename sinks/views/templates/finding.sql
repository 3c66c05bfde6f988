{% import "_parts.sql" as parts with context %}
-- What is said of what, one verdict on one topic at a time, in answers that are linked to a sale.
{% call parts.create() %}
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
WHERE {{ parts.current("a") }}
    AND a.status = 'answered'
    AND a.sale_id != ''
    AND a.findings != ''
{% endcall %}
