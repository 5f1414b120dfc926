"""What Grafana and the ClickHouse plugin do to a query before ClickHouse sees it, written from their docs.

Grafana's `${name:singlequote}`, `${name}` and `$name`; then the plugin's `$__conditionalAll` and its time
macros (plugin 4.x). A macro that is not known here, or a variable without a value, raises: a query
must not get through a test by being left half expanded.
"""

import re
from collections.abc import Mapping
from datetime import datetime

ALL = "$__all"


class UnknownMacro(AssertionError):
    """The query uses something that neither Grafana nor the plugin would expand."""


def expand(
    sql: str,
    variables: Mapping[str, str | list[str]],
    start: datetime,
    end: datetime,
    interval_seconds: int,
) -> str:
    """Return the SQL that ClickHouse would get; `variables` maps a name to its value, values, or ALL."""
    sql = _conditional_all(sql, variables)
    sql = re.sub(r"\$\{(\w+)(?::(\w+))?\}", lambda match: _value(variables, match[1], match[2]), sql)
    from_time = f"toDateTime({int(start.timestamp())})"
    to_time = f"toDateTime({int(end.timestamp())})"
    sql = re.sub(r"\$__timeFilter\(([^()]*)\)", rf"\1 >= {from_time} AND \1 <= {to_time}", sql)
    sql = re.sub(
        r"\$__timeInterval\(([^()]*)\)",
        rf"toStartOfInterval(toDateTime(\1), INTERVAL {interval_seconds} second)",
        sql,
    )
    for macro, text in (
        ("fromTime", from_time),
        ("toTime", to_time),
        ("interval_s", str(interval_seconds)),
    ):
        sql = re.sub(rf"\$__{macro}\b(?!\()", text, sql)
    left = re.search(r"\$\w*", re.sub(r"'(?:[^'\\]|\\.)*'", "''", sql))
    if left:
        raise UnknownMacro(f"{left[0]} is not expanded in: {sql}")
    return sql


def _conditional_all(sql: str, variables: Mapping[str, str | list[str]]) -> str:
    marker = "$__conditionalAll("
    while (begin := sql.find(marker)) >= 0:
        depth, comma = 1, -1
        end = begin + len(marker)
        while depth:
            character = sql[end]
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == "," and depth == 1:
                comma = end
            end += 1
        condition = sql[begin + len(marker) : comma].strip()
        argument = sql[comma + 1 : end - 1].strip()
        name = re.fullmatch(r"\$(\w+)|\$\{(\w+)\}", argument)
        if name is None:
            raise UnknownMacro(
                f"the second argument of $__conditionalAll must be a plain variable: {argument}"
            )
        chosen = variables[name[1] or name[2]]
        sql = sql[:begin] + ("1=1" if chosen == ALL else condition) + sql[end:]
    return sql


def _value(variables: Mapping[str, str | list[str]], name: str, format_: str | None) -> str:
    if name not in variables:
        raise UnknownMacro(f"${{{name}}} is no variable of the dashboard")
    value = variables[name]
    values = value if isinstance(value, list) else [value]
    if format_ != "singlequote":
        raise UnknownMacro(f"${{{name}}} goes into SQL without :singlequote")
    return ",".join("'" + text.replace("'", "\\'") + "'" for text in values)
