"""Who a request comes from, as the door is told."""

from collections.abc import Callable

from starlette.types import Scope

from caudal.service.access.actor import Actor

# Returns who asks, ANYBODY where nothing is said; raises Problem where what is said is wrong. May take a while.
Identify = Callable[[Scope], Actor]
