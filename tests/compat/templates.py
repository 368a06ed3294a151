"""adder's chat templates against Jinja: the same bytes for every published template and conversation.

    templates.py TEMPLATE_TOOL TEMPLATES [OUT.json]       needs: jinja2, transformers

TEMPLATES is a folder with packages that carry chat templates (see `peers`), unpacked or as wheels: every *.jinja in them
is compiled by transformers' own environment (sandboxed Jinja, trim_blocks, lstrip_blocks, its tojson, loop controls and
{% generation %}) and rendered over conversations with system text, tools, tool calls and results, reasoning, several
turns and awkward content, with thinking on and off. adder must give the same bytes, refuse what Jinja refuses, and
mark as quoted exactly the characters that come from the messages: each conversation is written in letters that no
template uses. Small templates then go through corners of the language one by one. Last, the renderings that are published
with the Nemotron 3 template, by their hashes.
"""
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time
import zipfile

import jinja2
from transformers.utils import chat_template_utils

NOW = 1780000000  # some day in 2026
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Look up the weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string", "description": "City name"},
                                         "unit": {"type": "string", "enum": ["c", "f"]}}, "required": ["city"]}}}
TOOL_2 = {"type": "function", "function": {
    "name": "add", "description": " Adds: 1 < 2 & \"é\" ", "strict": True, "parameters": {
        "type": "object", "additionalProperties": False, "properties": {
            "a": {"type": "number", "default": 1.5, "minimum": 0}, "b": {"type": ["integer", "null"]},
            "c": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
            "d": {"type": "object", "properties": {"x": {"type": "boolean", "description": "x?"}}}}}}}


def call(name, arguments, number=1):
    return {"id": f"call{number:05}", "type": "function", "function": {"name": name, "arguments": arguments}}


def conversations():
    u, s = {"role": "user", "content": "Hi"}, {"role": "system", "content": "S"}
    a = {"role": "assistant", "content": "Hello there."}
    thinking = {"role": "assistant", "reasoning_content": "R1\nR2", "content": "A1"}
    inline = {"role": "assistant", "content": "<think>\nR3\n</think>\n\nA3"}
    calls = {"role": "assistant", "content": "pre", "reasoning_content": "R", "tool_calls": [
        call("get_weather", {"city": "Oslo"}), call("add", {"a": 1, "b": None, "c": ["x", "é"], "d": {"x": True}}, 2)]}
    silent_call = {"role": "assistant", "content": None, "tool_calls": [call("get_weather", {"city": "Oslo"})]}
    empty_call = {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {})]}
    text_call = {"role": "assistant", "content": "", "tool_calls": [call("get_weather", '{"city": "Oslo"}')]}
    result = {"role": "tool", "content": "x", "tool_call_id": "call00001", "name": "get_weather"}
    result_2 = {"role": "tool", "content": "{\"sum\": 3}", "tool_call_id": "call00002", "name": "add"}
    parts = {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
    awkward = {"role": "user", "content": " \n é 日本 'q' \"d\" \\ <|im_end|> {{ 7 }} {% if %}\t\u00a0\u2028👍 \n"}
    blank = {"role": "user", "content": ""}
    plain = [[u], [s, u], [u, a, u], [s, u, a, u, a], [s, u, thinking, u], [u, inline, u], [parts], [s, parts, a, u],
             [awkward, a, awkward], [s, blank], [a, u], [u, u], [u, a, s, u], [], [{"role": "robot", "content": "x"}],
             [{"role": "developer", "content": "D"}, u], [{**s, "content": ""}, u], [{**u, "content": " /no_think x"}]]
    with_tools = [[u], [s, u], [s, u, calls, result, result_2], [u, silent_call, result, a, u],
                  [s, u, empty_call, result, thinking, u], [u, text_call, result], [u, calls, result, result_2, a, u],
                  [u, silent_call, result, silent_call, result]]
    for tools in (None, [TOOL], [TOOL, TOOL_2]):
        for messages in plain if tools is None else with_tools:
            for settings in ({"add_generation_prompt": True}, {"add_generation_prompt": False},
                             {"add_generation_prompt": True, "enable_thinking": False}):
                yield {"messages": messages, **({"tools": tools} if tools else {}), **settings}


# Corners of the language that published templates touch rarely. Each is rendered with VALUES.
VALUES = {"n": 7, "f": 2.5, "t": "aXbXc d", "l": [3, 1, 2], "d": {"b": 1, "a": [1, {"x": None}], "items": 5}, "e": "",
          "none": None, "u": "naïve 日本", "rows": [{"k": "x", "v": 1}, {"k": "Y", "v": 2}, {"k": "x", "v": 3}, {"v": 4}],
          "lines": "a\n\nb \n", "yes": True, "big": 1e22, "small": 1e-7, "whole": 3.0, "q": "it's \"q\"\\\n"}
CORNERS = r"""
{{ l[0] }} {{ l[-1] }} {{ l[9] }} {{ l[::-1] }} {{ l[1:] }} {{ l[:-1] }} {{ t[1:3] }} {{ t[::-1] }} {{ u[-2:] }} {{ u[2] }}
{{ d.b }} {{ d['items'] }} {{ d.items() | list | length }} {{ d.get('zz') }} {{ d.get('zz', 4) }} {{ d.zz }} {{ d.keys() | list }}
{{ n + 1 }} {{ n / 2 }} {{ n // 2 }} {{ -n // 2 }} {{ n % 3 }} {{ -n % 3 }} {{ 2 ** 3 }} {{ 2 ** -1 }} {{ n * f }} {{ -f }} {{ 7 // 2.0 }}
{{ 1 + 2 * 3 - 4 / 2 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ (1, 2) | length }} {{ 1 ~ 2 + 3 }} {{ 'a' ~ n ~ none ~ yes ~ missing }}
{{ 'a' * 3 }} {{ [0] * 2 }} {{ l + [9] }} {{ 'a' 'b' }} {{ "\x41\u00e9\n\t\\\'\q" }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in t }} {{ 'q' not in t }} {{ 3 in l }} {{ 'b' in d }} {{ 1 == 1.0 }} {{ yes == 1 }} {{ l == [3, 1, 2] }} {{ 'B' < 'a' }}
{{ not n }} {{ n and 0 }} {{ e or 'x' }} {{ n if n > 5 else 0 }} {{ 'x' if false }} {{ not n == 7 }} {{ missing is defined }} {{ none is none }}
{{ n is odd }} {{ n is divisibleby 7 }} {{ n is not even }} {{ t is string }} {{ l is iterable }} {{ d is mapping }} {{ l is sequence }} {{ t is sequence }} {{ n is number }} {{ yes is number }} {{ f is float }} {{ n is integer }} {{ yes is integer }} {{ yes is boolean }} {{ n is in [7] }} {{ n is eq 7 }} {{ n is sameas 7 }} {{ 'a' is lower }} {{ yes is true }} {{ n is ge 7 }}
{{ t | upper }} {{ t | lower }} {{ t | title }} {{ t | capitalize }} {{ 'o\'neil x-ray' | title }} {{ t | replace('X', '-') }} {{ t | replace('X', '-', 1) }} {{ t | length }} {{ u | length }} {{ t | first }} {{ t | last }} {{ t | list }} {{ t | reverse }}
{{ '  x ' | trim }}| {{ 'xxaxx' | trim('x') }} {{ '--a--'.strip('-') }} {{ ' a '.lstrip() }}| {{ ' a '.rstrip() }}|
{{ t.split('X') }} {{ t.split() }} {{ t.split('X', 1) }} {{ t.rsplit('X', 1) }} {{ ' a  b '.split() }} {{ ' a  b '.split(none, 1) }} {{ ' a  b c '.rsplit(none, 1) }} {{ 'a b '.split(none, 1) }} {{ 'a b '.split(none, 2) }} {{ 'a '.split(none, 1) }} {{ ' a b'.rsplit(none, 1) }} {{ ' a b'.rsplit(none, 2) }} {{ ' a '.split(none, 0) }}|{{ ' a '.rsplit(none, 0) }}|{{ '  '.split(none, 1) }} {{ ''.split() }} {{ ''.split('x') }} {{ 'axbx'.split('x')[-1] }} {{ lines.splitlines() }}
{{ t.startswith('aX') }} {{ t.endswith('d') }} {{ t.startswith(('q', 'a')) }} {{ t.find('X') }} {{ t.rfind('X') }} {{ t.find('q') }} {{ u.find('日') }} {{ t.count('X') }} {{ '-'.join(['a', 'b']) }} {{ t.removeprefix('a') }} {{ t.removesuffix('d') }} {{ '12'.isdigit() }} {{ ''.isdigit() }} {{ t.replace('', '.') }} {{ t.replace('X', '') }} {{ t.upper().lower() }} {{ t.title() }} {{ t.capitalize() }}
{{ l | sort }} {{ l | sort(reverse=true) }} {{ ['b', 'A', 'c'] | sort }} {{ l | min }} {{ l | max }} {{ l | sum }} {{ l | first }} {{ l | last }} {{ [] | first }} {{ l | join(', ') }} {{ l | reverse | list }} {{ ['a', 'A', 'b'] | unique | list }} {{ d | dictsort | tojson }} {{ d | items | list | tojson }} {{ rows | map(attribute='k') | list }} {{ rows | map(attribute='k', default='?') | list }} {{ ['a', 'b'] | map('upper') | join }} {{ rows | join('+', attribute='v') }}
{{ rows | selectattr('k') | list | length }} {{ rows | selectattr('k', 'equalto', 'x') | map(attribute='v') | list }} {{ rows | rejectattr('k', 'defined') | list }} {{ l | select('gt', 1) | list }} {{ l | reject('odd') | list }} {{ [0, 1] | select | list }} {{ rows | selectattr('v', '>=', 3) | list | length }} {{ rows | sort(attribute='v', reverse=true) | map(attribute='v') | list }} {{ rows | sum(attribute='v') }}
{{ d | tojson }} {{ d | tojson(indent=2) }} {{ q | tojson }} {{ u | tojson }} {{ u | tojson(ensure_ascii=true) }} {{ '👍' | tojson(ensure_ascii=true) }} {{ d | tojson(separators=(',', ':')) }} {{ d | tojson(sort_keys=true) }} {{ [] | tojson(indent=2) }} {{ {} | tojson }} {{ [1.0, big, small, none, yes] | tojson }}
{{ f }} {{ whole }} {{ big }} {{ small }} {{ 1e16 }} {{ 123456789012345.6 }} {{ 0.1 + 0.2 }} {{ d }} {{ l }} {{ [q, 'a', none, yes, 1.5] }} {{ [u, '\x7f\xa0\x00'] }} {{ ["it's"] }}
{{ missing | default('x') }} {{ e | default('x') }} {{ e | default('x', true) }} {{ none | default('x') }} {{ missing | d }}| {{ '12' | int }} {{ 'x' | int }} {{ 'x' | int(5) }} {{ '1.9' | int }} {{ 2.7 | int }} {{ '1.5' | float }} {{ n | float }} {{ -3 | abs }} {{ 2.567 | round(1) }} {{ 2.5 | round }} {{ 2.1 | round(0, 'ceil') }} {{ n | string | length }}
{{ lines | indent }}| {{ lines | indent(2, true) }}| {{ lines | indent(2, false, true) }}| {{ lines | indent('> ') }}|
{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('o', 'e') }},{% else %}none{% endfor %}
{% for i in l if i > 1 %}{{ loop.index }}{{ i }}{{ loop.last }} {% endfor %}{% for i in [] %}{% else %}empty{% endfor %}{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{% for c in u %}{{ c }}.{% endfor %}{% for x in missing %}{% endfor %}
{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %} {{ range(3) | list }} {{ range(1, 8, 3) | list }} {{ range(5, 0, -2) | list }}
{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }} {% if true %}{% set x = 9 %}{% endif %}{{ x }} {% set a, b = 1, 2 %}{{ a }}{{ b }} {% set ns = namespace(c=0, z='q') %}{% for i in l %}{% set ns.c = ns.c + i %}{% endfor %}{{ ns.c }}{{ ns.z }}
{% set block %} inside {{ n }} {% endset %}[{{ block }}]{% set up | upper %}abc{% endset %}{{ up }}{% filter upper %}low {{ n }}{% endfilter %}{% with a = 5, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% macro m(a, b=2, c='x') %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m() }}{{ m(b=7, a=8) }}{% macro r(n) %}{{ n }}{% if n > 0 %}{{ r(n - 1) }}{% endif %}{% endmacro %}{{ r(3) }}{% macro w() %}[{{ caller() }}{{ caller() }}]{% endmacro %}{% call w() %}body {{ n }}{% endcall %}{% macro w2() %}{{ caller('p', 2) }}{% endmacro %}{% call(a, b) w2() %}{{ a }}{{ b }}{% endcall %}
{% raw %}{{ x }} {% if %}{% endraw %} {#- gone -#} x {%- if true -%} y {%- endif -%} z {{- 1 -}} w {%+ if true +%} v {% endif %}
{% generation %}said {{ n }}{% endgeneration %} {{ strftime_now('%Y') | length }} {{ {'a': 1, 'b': [1, 2]}['b'][1] }} {{ {'a': {'b': {}}} }} {{ dict(a=1).a }} {{ [1, [2, 3]][1][0] }} {{ d.a[1].x }} {{ rows[0].k }} {{ d.a.0 }} {{ 'a' if n else 'b' if f else 'c' }} {{ (n if n else f) + 1 }}
{{ missing.x }}
{{ none.x.y }}
{{ missing + 'a' }}
{{ 'a' + 1 }}
{{ missing() }}
{{ 1 / 0 }}
{{ raise_exception('no') }}
{{ 1 < 'a' }}
{{ none | length }}
{% for x in none %}{% endfor %}
{{ t | nofilter }}
{{ t is notest }}
{% if %}
{% endfor %}
{% for x in l %}
{{ 'abc }}
{{ (1, 2 }}
{{ missing | tojson }}
{{ [1, 2] | join(missing) }}{{ missing | upper }}{{ missing | trim }}{{ missing | length }}{{ missing ~ 'x' }}{{ missing == none }}{{ missing == missing2 }}{{ 'a' in missing }}{{ missing | list }}{{ none | string }}{{ none ~ '' }}{{ none is defined }}
{{ t.pop }}{{ d.nope }}{{ d['nope'] }}{{ l['x'] }}{{ t['x'] }}{{ n.x }}{{ t.nope }}
{{ d.update({'a': 1}) }}
{{ l.append(1) }}
{{ ''.__class__ }}
{{ t.__class__.__mro__ }}
{{ d.__init__.__globals__ }}
""".strip().split("\n")
WHITESPACE = ["a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "  {{ 1 }}\n  {# c #}\n x {# d #}\ny", "{% if true %}  \n x{% endif %}",
              "a {%- if true %} b {% endif -%} \n c", "x\n\t {%- set a = 1 -%}\n y", "a\r\nb\rc{% if true %}\r\nd{% endif %}\r\n",
              "{%+ if true %}a{% endif %}\n   {%+ if true %}b{% endif +%}\nc", "a\n{% raw %}\n  {{ x }}\n{% endraw %}\nb",
              "{{ 1 }}\n\n", "\n\n{{ 1 }}\n", "", "\n", "  {%- raw -%}  a  {%- endraw -%}  b", "{#- a -#}  b  {# c -#}\n d",
              "{% for i in [1,2] %}\n    {{ i }}\n{% endfor %}\n", "{{ 1 -}}  \n {{- 2 }}", "{{ '}}' }}{{ {'a': {}}['a'] }}"]


# By the hash of the text: user, thinking on; several turns, thinking off; tool results; one tool. See the model's card.
NEMOTRON = [
    ("5ede607edaf6e602caa126f8dfea57b745ab14326530f7f198bf8eeb5b4a720d",
     {"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": True, "enable_thinking": True}),
    ("37ced17f79f11e0f3987eea7f99f1899718d7a3703cb07feee5c45c47a114cce",
     {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"},
                   {"role": "assistant", "reasoning_content": "R1", "content": "A1"}, {"role": "user", "content": "U2"}],
      "add_generation_prompt": True, "enable_thinking": False}),
    ("35a5281f21f14acdc2b4b73a80fb8ca400f8250ce4c24735d1d3c79df7765c4a",
     {"messages": [{"role": "user", "content": "U1"},
                   {"role": "assistant", "reasoning_content": "R", "content": "pre",
                    "tool_calls": [call("get_weather", {"city": "Oslo"})]}, {"role": "tool", "content": "x"},
                   {"role": "assistant", "content": "done"}, {"role": "user", "content": "U2"}],
      "add_generation_prompt": True, "enable_thinking": True}),
    ("55cab921f2e998f5b1748a7791288d1a40a33e9594ff4e69c9ef6dbc5b3cb7a9",
     {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"}], "tools": [TOOL],
      "add_generation_prompt": False}),
]


def templates(folder):
    """Name and text, each text once."""
    seen = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".whl":
            archive = zipfile.ZipFile(path)
            found = [(f"{path.name.split('-')[0]}/{pathlib.Path(n).name}", archive.read(n)) for n in archive.namelist()
                     if n.endswith(".jinja")]
        else:
            found = [(str(path.relative_to(folder)), path.read_bytes())] if path.suffix == ".jinja" else []
        for name, text in found:
            if text not in seen:
                seen.add(text)
                yield name, text.decode()


def theirs(text, values):
    """transformers' rendering, or the name of what Jinja raised."""
    try:
        compiled = chat_template_utils._compile_jinja_template(text)
        compiled.environment.globals["strftime_now"] = lambda pattern: time.strftime(pattern, time.gmtime(NOW))
        return compiled.render(**values), None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        return None, f"{type(error).__name__}: {error}"


class Tool:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, text, quoted, trusted):
        print(json.dumps({"template": text, "quoted": quoted, "trusted": trusted, "now": NOW}), file=self.process.stdin,
              flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"template_tool ended on {text[:200]!r} with {str(quoted)[:500]}")
        return json.loads(line)


# Strings of a conversation in Korean letters, one for one, which no template has: where they come out, a message is quoted.
SHIFT = 0xAC00


def disguised(value, key=""):
    if isinstance(value, str) and key in ("content", "reasoning_content", "text", "description"):
        return "".join(chr(SHIFT + ord(c)) if c.isalnum() and ord(c) < 128 else c for c in value)
    if isinstance(value, dict):
        return {k: disguised(v, k) for k, v in value.items()}
    return [disguised(v, key) for v in value] if isinstance(value, list) else value


def marks_agree(answer):
    data = answer["text"].encode()
    own, done = [], 0
    for begin, end in answer["quoted"]:
        own.append(data[done:begin])
        done = end
    text = b"\n".join([*own, data[done:]]).decode(errors="replace")
    return not any(SHIFT <= ord(c) < SHIFT + 128 for c in text)


class Judge:
    def __init__(self, tool):
        self.tool, self.failed, self.counts, self.first = tool, 0, {}, []

    def compare(self, group, name, text, quoted, trusted):
        expected, reason = theirs(text, {**trusted, **quoted})
        answer = self.tool(text, quoted, trusted)
        kind = "refused" if expected is None else "rendered"
        agrees = answer.get("text") == expected and (expected is None or marks_agree(answer))
        row = self.counts.setdefault(group, {"rendered": 0, "refused": 0, "differ": 0})
        row[kind if agrees else "differ"] += 1
        self.failed += not agrees
        if not agrees and row["differ"] <= 60 and name.split(" ")[0] not in "".join(self.first):
            self.first.append(f"{name}: Jinja {reason or repr(expected)[-300:]}\n      adder {answer.get('error') or repr(answer['text'])[-300:]}")
        return agrees


def main():
    tool, folder = Tool(sys.argv[1]), pathlib.Path(sys.argv[2])
    judge = Judge(tool)
    for text in CORNERS + WHITESPACE:
        judge.compare("corners of the language", text[:60], text, VALUES, {})
    chats = list(conversations())
    chats += [{**c, "messages": disguised(c["messages"])} for c in chats[::3]]
    nano, n_templates = [], 0
    for name, text in templates(folder):
        n_templates += 1
        agreed = [judge.compare("published templates", f"{name} {json.dumps(c)[:300]}", text, c, TOKENS) for c in chats]
        print(f"{'same  ' if all(agreed) else 'DIFFER'}  {name} {sum(agreed)}/{len(agreed)}", flush=True)
        if "nemotron_3_nano" in name and "training" not in name:
            nano.append((name, text))
    for name, text in nano:
        for expected, chat in NEMOTRON:
            answer = tool(text, chat, TOKENS)
            digest = hashlib.sha256(answer.get("text", "").encode()).hexdigest()
            row = judge.counts.setdefault("published renderings", {"rendered": 0, "refused": 0, "differ": 0})
            row["rendered" if digest == expected else "differ"] += 1
            judge.failed += digest != expected
            if digest != expected:
                judge.first.append(f"{name}: {answer}")
    print("\n".join(judge.first))
    print(f"{n_templates} templates, {len(chats)} conversations")
    for group, row in judge.counts.items():
        print(f"{group:26} {row['rendered']:7} rendered the same, {row['refused']:6} refused by both, {row['differ']:5} differ")
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(json.dumps({"templates": n_templates, "groups": judge.counts}, indent=2))
    sys.exit(judge.failed != 0 or n_templates == 0)


if __name__ == "__main__":
    main()
