{% import "_parts.sql" as parts with context %}
{# What is not simply the table's column of that name, or money. #}
{% set made = {
    "net": "if(j.status = 'rejected', 0, money(toInt128(j.amount) - j.refunded - j.charged_back))",
    "earnings": "if(j.status = 'rejected', 0, money(toInt128(j.commission) - j.commission_reversed))",
} %}
-- One row a sale: how it went, from order to what the customer finally thought of it.
{% call parts.create() %}
WITH
    {{ parts.money() }}
SELECT
{% for column in view.columns %}
{% set stored = "money(j.%s)" if column.type == AS_MONEY else "j.%s" %}
    {{ made.get(column.name, stored % column.name) }} AS {{ column.name }}{{ "," if not loop.last }}
{% endfor %}
FROM posventa.journeys AS j FINAL
WHERE {{ parts.current("j") }}
{% endcall %}
