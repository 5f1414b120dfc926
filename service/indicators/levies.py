"""Which services of digital levies a platform provides, by its category."""

from caudal.service.indicators.context import Context
from caudal.service.indicators.figures import rows

FILE = "categories"
COLUMNS = ("category", "levies")
# A platform whose category nobody has classified provides a digital service, and that is all that is known.
UNKNOWN = frozenset({"digital_services"})


class Levies:
    """The services of digital levies that each platform provides."""

    def __init__(self, context: Context) -> None:
        """Read platforms and their categories from the facts of `context`."""
        known = {str(row["category"]): str(row["levies"] or "") for row in rows(context, FILE, COLUMNS)}
        self._levies = known
        self._category = {
            str(row["platform_id"]): str(row["category"])
            for row in rows(context, "platforms", ("platform_id", "category"))
        }

    def of(self, platform: str) -> frozenset[str]:
        """Return the ids of the services that a platform provides; those of UNKNOWN where its category says none."""
        levies = self._levies.get(self._category.get(platform, ""))
        return UNKNOWN if levies is None else frozenset(levies.split())


def levies_of(context: Context, platform: str) -> frozenset[str]:
    """Return the ids of the services of digital levies that a platform provides."""
    return Levies(context).of(platform)
