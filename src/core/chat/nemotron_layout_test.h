#pragma once

#include <string_view>

namespace adder {

/// The layout of Nemotron 3 prompts without tools, in our own words: a system block always, reasoning of assistant
/// messages before the last question left out, tool results gathered in one user turn.
constexpr std::string_view kNemotronLayout = R"({%- set ns = namespace(last=-1, tools=false) -%}
{%- set rest = messages -%}
{%- set system = '' -%}
{%- if messages and messages[0].role == 'system' -%}
  {%- set system = messages[0].content -%}
  {%- set rest = messages[1:] -%}
{%- endif -%}
{%- for m in rest if m.role == 'user' -%}{%- set ns.last = ns.last + 1 -%}{%- endfor -%}
{{- '<|im_start|>system\n' ~ system ~ '<|im_end|>\n' -}}
{%- set seen = namespace(users=-1) -%}
{%- for m in rest -%}
  {%- if m.role == 'tool' -%}
    {%- if not ns.tools -%}{{- '<|im_start|>user\n' -}}{%- set ns.tools = true -%}{%- endif -%}
    {{- '<tool_response>\n' ~ m.content ~ '\n</tool_response>\n' -}}
    {%- if loop.last or loop.nextitem.role != 'tool' -%}{{- '<|im_end|>\n' -}}{%- set ns.tools = false -%}{%- endif -%}
    {%- continue -%}
  {%- endif -%}
  {{- '<|im_start|>' ~ m.role ~ '\n' -}}
  {%- if m.role != 'assistant' -%}
    {%- if m.role == 'user' -%}{%- set seen.users = seen.users + 1 -%}{%- endif -%}
    {{- m.content ~ '<|im_end|>\n' -}}
    {%- continue -%}
  {%- endif -%}
  {%- set old = seen.users < ns.last -%}
  {%- set content = m.content or '' -%}
  {%- if m.reasoning_content is defined and m.reasoning_content | trim -%}
    {%- if old -%}
      {%- set content = '<think></think>' ~ ('' if m.tool_calls else '\n') ~ content -%}
    {%- else -%}
      {%- set content = '<think>\n' ~ m.reasoning_content ~ '\n</think>\n' ~ content -%}
    {%- endif -%}
  {%- elif '<think>' not in content and '</think>' not in content -%}
    {%- set content = '<think></think>' ~ content -%}
  {%- endif -%}
  {{- content | trim -}}
  {%- if m.tool_calls -%}
    {{- '\n' -}}
    {%- for call in m.tool_calls -%}
      {{- '<tool_call>\n<function=' ~ call.function.name ~ '>\n' -}}
      {%- for key, value in call.function.arguments | items -%}
        {{- '<parameter=' ~ key ~ '>\n' -}}
        {{- value | tojson if value is mapping or (value is sequence and value is not string) else value -}}
        {{- '\n</parameter>\n' -}}
      {%- endfor -%}
      {{- '</function>\n</tool_call>\n' -}}
    {%- endfor -%}
  {%- endif -%}
  {{- '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|im_start|>assistant\n' ~ ('<think>\n' if enable_thinking | default(true) else '<think></think>') -}}
{%- endif -%}
)";

}  // namespace adder
