"""The scope that a key, or a person, of each role may and must be bound to."""

from collections.abc import Collection

from caudal.service.roles.roles import Role


def scope_fault(role: Role, economies: Collection[str], operators: Collection[str]) -> str | None:
    """Return the fault of binding a role to these economies and operators, in words; None where there is none.

    >>> scope_fault(Role.analyst, [], [])
    'an analyst reads the aggregates of economies: give at least one economy'
    """
    if role is Role.public:
        return "the public needs no key: give another role"
    if role is Role.operator:
        if economies:
            return "an operator is bound to operators, which have their economies: give no economies"
        return None if operators else "an operator sees its own: give at least one operator"
    if role is Role.collector:
        if economies:
            return "a collector is bound to its operator, which has its economy: give no economies"
        return None if len(operators) == 1 else "a collector sends for one operator: give exactly one"
    if operators:
        return f"{role} is not bound to operators: give none, or another role"
    if role is Role.analyst and not economies:
        return "an analyst reads the aggregates of economies: give at least one economy"
    if role in (Role.auditor, Role.admin) and economies:
        return f"{role} is not bound to economies: give none, or another role"
    return None
