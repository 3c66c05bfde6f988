{% import "_parts.sql" as parts with context %}
-- Each window against the one just before it: [at - window, at) and [at - 2 windows, at - window), by pane start.
--
-- nps: the difference of the adjusted p - d of both (3/4 of 3 more answers to promoters and detractors each), with their
-- variances added. csat: Agresti and Caffo, one satisfied and one other answer more in both.
{% set spans = windows[1:] %}
{% call parts.create() %}
WITH
    {{ parts.normal() }}
    {{ parts.ratio() }},
    (promoters, detractors, n) -> (promoters - detractors) / (n + 3) AS balance,
    (promoters, detractors, n) -> ((promoters + detractors + 1.5) / (n + 3) - pow(balance(promoters, detractors, n), 2)) / (n + 3)
        AS nps_variance,
    (satisfied, n) -> (satisfied + 1) / (n + 2) AS fraction,
    (satisfied, n) -> fraction(satisfied, n) * (1 - fraction(satisfied, n)) / (n + 2) AS csat_variance,
    (low, high, enough) -> multiIf(NOT enough OR low IS NULL, '', low > 0, 'up', high < 0, 'down', '') AS turned
SELECT
    c.brand_id AS brand_id,
    c.affiliate_id AS affiliate_id,
    c.window AS window,
    {{ parts.window_times("c") | indent(4) }},
{% for side in ("", "_before") %}
    c.sales{{ side }} AS sales{{ side }},
    c.new_customers{{ side }} AS new_customers{{ side }},
    c.reversals{{ side }} AS reversals{{ side }},
    c.feedback{{ side }} AS feedback{{ side }},
    c.nps_answers{{ side }} AS nps_answers{{ side }},
    ratio(100 * (c.promoters{{ side }} - c.detractors{{ side }}), c.nps_answers{{ side }}) AS nps{{ side }},
    c.csat_answers{{ side }} AS csat_answers{{ side }},
    ratio(c.csat_satisfied{{ side }}, c.csat_answers{{ side }}) AS csat{{ side }},
{% endfor %}
    nps - nps_before AS nps_change,
    if(nps_change IS NULL, NULL, greatest(-200, least(assumeNotNull(nps_change), c.nps_middle - c.nps_half))) AS nps_change_low,
    if(nps_change IS NULL, NULL, least(200, greatest(assumeNotNull(nps_change), c.nps_middle + c.nps_half))) AS nps_change_high,
    turned(nps_change_low, nps_change_high, least(c.nps_answers, c.nps_answers_before) >= {{ least }}) AS nps_turned,
    csat - csat_before AS csat_change,
    if(csat_change IS NULL, NULL, greatest(-1, c.csat_middle - c.csat_half)) AS csat_change_low,
    if(csat_change IS NULL, NULL, least(1, c.csat_middle + c.csat_half)) AS csat_change_high,
    turned(csat_change_low, csat_change_high, least(c.csat_answers, c.csat_answers_before) >= {{ least }}) AS csat_turned
FROM
(
    SELECT
        s.*,
        100 * (
            balance(s.promoters, s.detractors, s.nps_answers)
            - balance(s.promoters_before, s.detractors_before, s.nps_answers_before)
        ) AS nps_middle,
        100 * z * sqrt(
            nps_variance(s.promoters, s.detractors, s.nps_answers)
            + nps_variance(s.promoters_before, s.detractors_before, s.nps_answers_before)
        ) AS nps_half,
        fraction(s.csat_satisfied, s.csat_answers) - fraction(s.csat_satisfied_before, s.csat_answers_before) AS csat_middle,
        z * sqrt(
            csat_variance(s.csat_satisfied, s.csat_answers)
            + csat_variance(s.csat_satisfied_before, s.csat_answers_before)
        ) AS csat_half
    FROM
    (
        SELECT
            p.brand_id AS brand_id,
            p.affiliate_id AS affiliate_id,
            span.1 AS window,
{% for side, is_in in (("", ">="), ("_before", "<")) %}
            sumIf(p.sales, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS sales{{ side }},
            sumIf(p.new_customers, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS new_customers{{ side }},
            sumIf(p.refunds + p.chargebacks, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS reversals{{ side }},
            sumIf(p.feedback, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS feedback{{ side }},
            sumIf(p.promoters, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS promoters{{ side }},
            sumIf(p.detractors, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS detractors{{ side }},
            sumIf(p.promoters + p.passives + p.detractors, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS nps_answers{{ side }},
            sumIf(p.csat_answers, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS csat_answers{{ side }},
            sumIf(p.csat_satisfied, p.bucket {{ is_in }} {at:DateTime('UTC')} - toIntervalHour(span.2)) AS csat_satisfied{{ side }}{{ "," if not loop.last }}
{% endfor %}
        FROM posventa.affiliate_panes AS p FINAL
        ARRAY JOIN [
{% for window in spans %}
            ({{ window.name | quoted }}, {{ window.seconds // 3600 }}){{ "," if not loop.last }}
{% endfor %}
        ] AS span
        WHERE {{ parts.current("p") }}
            AND p.bucket >= {at:DateTime('UTC')} - toIntervalHour(2 * span.2)
            AND p.bucket >= {at:DateTime('UTC')} - INTERVAL {{ 2 * spans[-1].seconds // 86400 }} DAY
            AND p.bucket < {at:DateTime('UTC')}
        GROUP BY p.brand_id, p.affiliate_id, window
        HAVING sum({% for count in standing_alone %}p.{{ count }}{{ " + " if not loop.last }}{% endfor %}) > 0
    ) AS s
) AS c
{% endcall %}
