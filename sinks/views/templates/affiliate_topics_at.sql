{% import "_parts.sql" as parts with context %}
-- What customers say about which topic, in the rolling windows [at - window, at), over all currencies.
--
-- share: of the affiliate's linked answers with findings, how many say this.
-- lift: that share over the same share of all others of the brand pooled, direct sales included.
-- impact: the score of all its answers less that of those that don't say it.
{% call parts.create() %}
WITH
    {{ parts.ratio() }}
SELECT
    t.brand_id AS brand_id,
    t.affiliate_id AS affiliate_id,
    t.topic AS topic,
    t.verdict AS verdict,
    t.window AS window,
    {{ parts.window_times("t") | indent(4) }},
{% for count in topic_measures %}
    t.{{ count }} AS {{ count }},
{% endfor %}
    f.feedback AS feedback,
    f.with_findings AS with_findings,
    ratio(t.answers, f.with_findings) AS share,
    ratio(t.brand_answers - t.answers, f.brand_with_findings - f.with_findings) AS share_of_others,
    if(
        t.answers < {{ least }} OR f.brand_affiliates - (f.with_findings > 0) < {{ others }},
        NULL,
        ratio(share, share_of_others)
    ) AS lift,
    ratio(100 * (f.promoters - f.detractors), f.nps_answers) AS nps,
    ratio(f.csat_satisfied, f.csat_answers) AS csat,
    ratio(
        100 * (f.promoters - t.promoters - f.detractors + t.detractors),
        f.nps_answers - t.promoters - t.passives - t.detractors
    ) AS nps_without,
    ratio(f.csat_satisfied - t.csat_satisfied, f.csat_answers - t.csat_answers) AS csat_without,
    if(t.promoters + t.passives + t.detractors = 0, NULL, nps - nps_without) AS nps_impact,
    if(t.csat_answers = 0, NULL, csat - csat_without) AS csat_impact
FROM
(
    SELECT
        p.brand_id AS brand_id,
        p.affiliate_id AS affiliate_id,
        p.topic AS topic,
        p.verdict AS verdict,
        window,
{% for count in topic_measures %}
        sum(p.{{ count }}) AS {{ count }},
{% endfor %}
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
        sum(p.with_findings) AS with_findings,
        sum(p.promoters) AS promoters,
        sum(p.detractors) AS detractors,
        sum(p.passives) + promoters + detractors AS nps_answers,
        sum(p.csat_answers) AS csat_answers,
        sum(p.csat_satisfied) AS csat_satisfied,
        sum(with_findings) OVER (PARTITION BY brand_id, window) AS brand_with_findings,
        countIf(with_findings > 0) OVER (PARTITION BY brand_id, window) AS brand_affiliates
    FROM posventa.affiliate_panes AS p FINAL
    {{ parts.by_window("p") | indent(4) }}
    GROUP BY p.brand_id, p.affiliate_id, window
) AS f ON f.brand_id = t.brand_id AND f.affiliate_id = t.affiliate_id AND f.window = t.window
{% endcall %}
