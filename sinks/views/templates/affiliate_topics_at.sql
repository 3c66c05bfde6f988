{% import "_parts.sql" as parts with context %}
-- What customers say about which topic, in the rolling windows, ending at a given time.
--
-- share: of the affiliate's linked answers, over all currencies, how many say this.
-- lift: that share over the same share of all others of the brand pooled, direct sales included.
{% call parts.create() %}
WITH
    {{ parts.ratio() }}
SELECT
    t.brand_id AS brand_id,
    t.affiliate_id AS affiliate_id,
    t.topic AS topic,
    t.verdict AS verdict,
    t.window AS window,
    t.answers AS answers,
    ratio(t.answers, f.feedback) AS share,
    ratio(share, ratio(t.brand_answers - t.answers, f.brand_feedback - f.feedback)) AS lift
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.topic AS topic,
        p.verdict AS verdict,
        window,
        sum(p.answers) AS answers,
        sum(answers) OVER (PARTITION BY brand_id, topic, verdict, window) AS brand_answers
    FROM posventa.topic_panes AS p FINAL
    {{ parts.by_window("p") | indent(4) }}
    GROUP BY p.brand_id, p.affiliate_id, p.topic, p.verdict, window
    HAVING answers > 0
) AS t
LEFT JOIN
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        window,
        sum(p.feedback) AS feedback,
        sum(feedback) OVER (PARTITION BY brand_id, window) AS brand_feedback
    FROM posventa.affiliate_panes AS p FINAL
    {{ parts.by_window("p") | indent(4) }}
    GROUP BY p.brand_id, p.affiliate_id, window
) AS f ON f.brand_id = t.brand_id AND f.affiliate_id = t.affiliate_id AND f.window = t.window
{% endcall %}
