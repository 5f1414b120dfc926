"""Which services of digital levies a platform provides, by its category."""

from collections.abc import Mapping

from caudal.service.indicators.context import Context
from caudal.service.indicators.figures import rows

FILE = "categories"
COLUMNS = ("category", "levies")
# A platform whose category nobody has classified provides a digital service, and that is all that is known.
UNKNOWN = frozenset({"digital_services"})

# Categories of platforms with a revenue by region, until categories.csv says it of all.
_CATEGORIES: Mapping[str, str] = {
    "search_ads": "advertising user_data",
    "search_ads_video": "advertising user_data",
    "social": "advertising user_data",
    "social_messaging_ads": "advertising user_data",
    "short_video_ads": "advertising user_data",
    "professional_social": "advertising user_data",
    "adtech": "advertising user_data",
    "marketplace": "intermediation advertising",
    "marketplace_devices": "intermediation advertising",
    "marketplace_fintech": "intermediation advertising",
    "device_cloud_store": "intermediation streaming digital_services",
    "video_streaming": "streaming",
    "live_video": "streaming advertising",
    "music_streaming": "streaming",
    "mobility": "intermediation",
    "travel": "intermediation",
}


class Levies:
    """The services of digital levies that each platform provides."""

    def __init__(self, context: Context) -> None:
        """Read platforms and their categories from the facts of `context`."""
        known = {str(row["category"]): str(row["levies"] or "") for row in rows(context, FILE, COLUMNS)}
        self._levies = known or _CATEGORIES
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
