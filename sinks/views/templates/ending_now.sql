{% import "_parts.sql" as parts with context %}
-- As {{ view.name }}_at, ending now. UTC is said, because a bare now() is handed on as text in the session's time zone.
{% call parts.create() %}
SELECT r.*
FROM posventa.{{ view.name }}_at(at = now('UTC')) AS r
{% endcall %}
