{#
  Waits for Interlock's verdict; written by `interlock dbt`, which renews it. It belongs into version control.

  A test on a source or model: what is downstream of it runs in `dbt build` only where the verdict lets it.

      data_tests:
        - interlock_published:
            arguments: {table: flights, partition: "{{ var('day') }}"}

  table      as Interlock calls it; the name of the source's table or of the model if left out
  partition  the one judged last if left out
  strict     a ticket, a page and an inconclusive verdict are a refusal too
#}
{% test interlock_published(model, table=none, partition=none, strict=false) %}
  {%- set refused = interlock_refused(table or model.identifier, partition, strict) if execute else '' -%}
  {%- if refused %}{% do log('interlock: ' ~ refused, info=true) %}{% endif -%}
  select * from (select {{ dbt.string_literal(dbt.escape_single_quotes(refused | replace('\\', '/'))) }} as refused) as told
  {%- if not refused %} where 1 = 0{% endif %}
{% endtest %}

{# Why what follows must not run, in a sentence; empty where it may. What is not known holds it. #}
{% macro interlock_refused(table, partition, strict) %}
  {%- if interlock_verdicts is not defined -%}
    {% do return('no verdicts are here: run `interlock dbt` before dbt') %}
  {%- endif -%}
  {%- set told_at, tables = interlock_verdicts() -%}
  {%- set age_minutes = ((run_started_at.timestamp() - told_at) / 60) | round | int -%}
  {%- if age_minutes > var('interlock_max_age_minutes', 60) | int -%}
    {% do return('the verdicts are ' ~ age_minutes ~ ' minutes old: run `interlock dbt` again') %}
  {%- endif -%}
  {%- for name, verdicts in tables if name == table | string -%}
    {%- for label, decision, refused, refused_strictly in verdicts if partition is none or label == partition | string -%}
      {%- if loop.first %}{% do return(refused_strictly if strict else refused) %}{% endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {% do return(table ~ ('' if partition is none else '@' ~ partition) ~ ' has not been judged, as far as `interlock dbt` wrote down') %}
{% endmacro %}
