{% import "_parts.sql" as parts with context %}
-- What customers wrote, while it stands. A text that was taken back is blank in its table.
{% call parts.create() %}
SELECT
    c.brand_id AS brand_id,
    c.feedback_id AS feedback_id,
    c.customer_id AS customer_id,
    a.affiliate_id AS affiliate_id,
    a.answered_at AS answered_at,
    c.language AS language,
    c.comment AS comment
FROM
(
    SELECT t.*
    FROM posventa.comments AS t FINAL
    WHERE {{ parts.current("t") }} AND t.comment != ''
) AS c
INNER JOIN
(
    SELECT r.*
    FROM posventa.answers AS r FINAL
    WHERE {{ parts.current("r") }} AND r.status = 'answered'
) AS a ON a.brand_id = c.brand_id AND a.customer_id = c.customer_id AND a.feedback_id = c.feedback_id
{% endcall %}
