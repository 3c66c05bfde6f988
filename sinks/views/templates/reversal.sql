{% import "_parts.sql" as parts with context %}
-- One row a reversal: what was given back, and what of it counts.
{% call parts.create() %}
WITH
    {{ parts.money() }}
SELECT
{% for column in view.columns %}
    {{ ("money(r.%s)" if column.type == AS_MONEY else "r.%s") % column.name }} AS {{ column.name }}{{ "," if not loop.last }}
{% endfor %}
FROM posventa.reversals AS r FINAL
WHERE {{ parts.current("r") }}
{% endcall %}
