"""The publisher of months, which works by itself when they are due; months it missed are published when it starts."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from caudal.common.errors import CaudalError
from caudal.service.errors import AlreadyPublished, ServiceError
from caudal.service.metrics import Metrics
from caudal.service.months.vintages import Vintages
from caudal.service.queries import economies_with_data, months_with_data
from caudal.service.queries.vintages import vintages
from caudal.service.settings.settings import PublicationSettings
from caudal.service.store.store import Store
from caudal.service.vocabulary.period import Month

_log = logging.getLogger("caudal.service")
_HOURS_BETWEEN = 1


class Publisher:
    """Publishes each month of each economy once, on the day that the settings say.

    It looks every hour for what is due and not published, and once when it starts: what was missed while the
    service did not run, and what failed, is done then. Revisions are for people to decide.
    """

    def __init__(
        self,
        vintages_: Vintages,
        store: Store,
        publication: PublicationSettings,
        clock: Callable[[], datetime],
        metrics: Metrics,
        record: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._vintages = vintages_
        self._store = store
        self._publication = publication
        self._clock = clock
        self._metrics = metrics
        self._record = record
        self._scheduler: Any = None
        self._stopped = False

    def start(self) -> None:
        """Begin to look, in a thread of its own; at once for the first time."""
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(
            self.run,
            "interval",
            hours=_HOURS_BETWEEN,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            misfire_grace_time=None,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Finish the month that is being published, and begin no other."""
        self._stopped = True
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def run(self) -> None:
        """Publish all months that are due. Failures are logged, counted, and tried again the next time."""
        try:
            waiting = self.due()
        except ServiceError as error:
            _log.error("cannot tell which months are to be published: %s", error)
            return
        for economy, month in waiting:
            if self._stopped:
                return
            try:
                made = self._vintages.publish(economy, month)
                if made is not None:
                    self._record(made.vintage)
            except AlreadyPublished:
                continue
            except CaudalError as error:
                self._metrics.publications.labels("failed").inc()
                _log.error("%s %s was not published: %s", economy, month, error)
            except Exception:  # noqa: BLE001 - one month that fails must not keep the others back
                self._metrics.publications.labels("failed").inc()
                _log.exception("%s %s was not published", economy, month)
            else:
                self._metrics.publications.labels("published").inc()
                _log.info("published %s", made.vintage if made is not None else f"{economy} {month}")

    def due(self) -> list[tuple[str, str]]:
        """Return the (economy, month) whose day has come and that are not published, oldest first."""
        now = self._clock()
        published = {(each.economy, each.month) for each in vintages(self._store, newest=True)}
        return sorted(
            (
                (economy, month)
                for economy in economies_with_data(self._store)["economy"].cast(str).to_list()
                for month in months_with_data(self._store, economy)
                if (economy, month) not in published and self._in_time(month, now)
            ),
            key=lambda each: (each[1], each[0]),
        )

    def _in_time(self, month: str, now: datetime) -> bool:
        ended = Month.parse(month).end
        day = ended + timedelta(days=self._publication.day - 1, hours=self._publication.hour)
        back = (now.year - ended.year) * 12 + now.month - ended.month
        return day <= now and back < self._publication.catch_up_months
