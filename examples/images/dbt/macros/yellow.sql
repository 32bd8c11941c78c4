{# An input of the Workspace, by its whole name: FROM {{ yellow_input('Original.Shop.customers') }} #}
{% macro yellow_input(name) %}{{ return(fromjson(env_var('YELLOW_INPUTS'))[name]['table']) }}{% endmacro %}

{# Copies every model that is called as an output dataset into that output. Nothing is copied when something has failed: then dbt's exit status discards the run. #}
{% macro yellow_copy_outputs() %}
  {% if execute and flags.WHICH in ['build', 'run'] %}
    {% for dataset, output in fromjson(env_var('YELLOW_OUTPUTS')).items() %}
      {% set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', dataset) | list %}
      {% if not models %}{{ exceptions.raise_compiler_error('there is no model for output dataset ' ~ dataset) }}{% endif %}
      {% set columns = output['columns'] | map(attribute='name') | map('tojson') | join(', ') %}
      {% if results | rejectattr('status', 'in', ['success', 'pass']) | list | length == 0 %}
        {% do run_query('insert into ' ~ output['table'] ~ ' (' ~ columns ~ ') select ' ~ columns ~ ' from ' ~ models[0]['relation_name']) %}
        {{ log(dataset ~ ' is copied', info=true) }}
      {% endif %}
    {% endfor %}
    {% do run_query('commit') %}
  {% endif %}
{% endmacro %}
