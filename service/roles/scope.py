"""The scope that a key, or a person, of each role may and must be bound to."""

from collections.abc import Collection

from caudal.service.roles.roles import RULES, Role


def scope_fault(role: Role, economies: Collection[str], operators: Collection[str]) -> str | None:
    """Return the fault of binding a role to these economies and operators, in words; None where there is none.

    >>> scope_fault(Role.analyst, [], [])
    'an analyst reads the aggregates of economies: give at least one economy'
    """
    if role is Role.public:
        return "the public needs no key: give another role"
    rule = RULES[role]
    one = f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
    match rule.operators:
        case "some":
            if economies:
                return f"{one} is bound to operators, which have their economies: give no economies"
            return None if operators else f"{one} sees its own: give at least one operator"
        case "one":
            if economies:
                return f"{one} is bound to its operator, which has its economy: give no economies"
            return None if len(operators) == 1 else f"{one} sends for one operator: give exactly one"
    if operators:
        return f"{role} is not bound to operators: give none, or another role"
    if rule.economies == "must" and not economies:
        return f"{one} reads the aggregates of economies: give at least one economy"
    if rule.economies == "none" and economies:
        return f"{role} is not bound to economies: give none, or another role"
    return None
