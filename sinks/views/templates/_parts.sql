{# What several views share, each once. `view`, and the lists that sinks/views/render.py hands over, are known here. #}

{# A view around the SELECT that the caller writes. #}
{% macro create() %}
CREATE OR REPLACE VIEW posventa.{{ view.name }}
{% if not view.parameter %}
(
{% for column in view.columns %}
    {{ column.name }} {{ column.type }} COMMENT {{ column.meaning | quoted }}{{ "," if not loop.last }}
{% endfor %}
)
{% endif %}
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
{{ caller() | trim }}
COMMENT {{ view.comment | quoted }};
{% endmacro %}

{# Rows of the generation in use. #}
{% macro current(row) -%}
{{ row }}.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
{%- endmacro %}

{# Measures added up. Money is summed as Int128, since sums of Int64 wrap without an error, and shown as an exact decimal. #}
{% macro measures_summed(row) -%}
{% for measure in measures -%}
{{ "money(sum(toInt128(%s.%s)))" % (row, measure.name) if measure.type == AS_MONEY else "sum(%s.%s)" % (row, measure.name) }} AS {{ measure.name }}{{ ",\n" if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# Sums of measures, where these are columns. #}
{% macro sums() -%}
{% for sum in summed -%}
{{ sum.formula }} AS {{ sum.name }}{{ ",\n" if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# A key all of whose measures are zero has no row: these counts tell, since every other measure needs one of them. #}
{% macro has_any_measure() -%}
{{ standing_alone | join(" + ") }} > 0
{%- endmacro %}

{% macro rates_of(row) -%}
{% for rate in rates -%}
{{ of_row(rate, row) }} AS {{ rate.name }}{{ ",\n" if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# What lies in the windows that end at the parameter `at`, which are [at - window, at) by pane start: so a day at midnight is
   the day of affiliate_daily. Every pane counts in the narrowest window that it lies in and in all wider ones; most lie in the
   widest only. #}
{% macro by_window(row) -%}
ARRAY JOIN arraySlice(
    [{{ windows | map(attribute="name") | map("quoted") | join(", ") }}],
    multiIf(
{% for window in windows[:-1] %}
        {{ row }}.bucket >= {at:DateTime('UTC')} - INTERVAL {{ window.length }}, {{ loop.index }},
{% endfor %}
        {{ windows | length }}
    )
) AS window
WHERE {{ current(row) }}
    AND {{ row }}.bucket >= {at:DateTime('UTC')} - INTERVAL {{ windows[-1].length }}
    AND {{ row }}.bucket < {at:DateTime('UTC')}
{%- endmacro %}

{# The times of the window that `row` is of. #}
{% macro window_times(row) -%}
transform(
    {{ row }}.window,
    [{{ windows | map(attribute="name") | map("quoted") | join(", ") }}],
    [{% for window in windows %}toInt64({{ window.seconds // 3600 }}){{ ", " if not loop.last }}{% endfor %}],
    toInt64(0)
) AS window_hours,
{at:DateTime('UTC')} - toIntervalHour(window_hours) AS window_start,
{at:DateTime('UTC')} AS window_end
{%- endmacro %}

{# Functions, for WITH. #}
{% macro money() -%}
ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
{%- endmacro %}

{% macro ratio() -%}
(part, whole) -> if(whole = 0, NULL, toFloat64(part) / toFloat64(whole)) AS ratio
{%- endmacro %}

{% macro bounds() -%}
-- adjusted Wald: p promoters and d detractors (fractions) of n, counting three answers more, 3/4 to either
(p, d, n, side) -> greatest(-100, least(100, 100 * (p - d + side * z * sqrt((p + d - pow(p - d, 2)) / n)))) AS wald,
(nps, bound, side) -> if(side < 0, least(nps, bound), greatest(nps, bound)) AS widened,
(promoters, detractors, answers, side) -> if(
    answers = 0,
    NULL,
    widened(
        100 * (promoters - detractors) / answers,
        wald((promoters + 0.75) / (answers + 3), (detractors + 0.75) / (answers + 3), answers + 3, side),
        side
    )
) AS nps_bound,
-- Wilson: a fraction s of n answers
(s, n, side) -> greatest(0, least(1,
    (s + z * z / (2 * n) + side * z * sqrt(s * (1 - s) / n + z * z / (4 * n * n))) / (1 + z * z / n)
)) AS wilson,
(satisfied, answers, side) -> if(answers = 0, NULL, wilson(satisfied / answers, answers, side)) AS csat_bound
{%- endmacro %}

{% macro normal() -%}
1.959964 AS z,  -- 95 % of a normal distribution lie within so many standard deviations
{%- endmacro %}

{% macro functions() -%}
{{ normal() }}
{{ money() }},
{{ ratio() }},
{{ bounds() }}
{%- endmacro %}
