"""Errors of the service: a branch of the tree that `caudal.common.errors` draws."""

from collections.abc import Sequence

from caudal.common.errors import CaudalError


class ServiceError(CaudalError):
    """Anything the service reports in one line."""


class StoreError(ServiceError):
    """The store cannot be opened, or does not answer."""


class StoreFull(StoreError):
    """There is no room for what is to be stored."""


class StoreRefused(StoreError):
    """The store answers, and refuses what it was given: trying again changes nothing."""


class MigrationError(StoreError):
    """The schema of the store is not one that this version can work with."""


class TooDear(StoreError):
    """A question reached a limit of the store."""


class KeyConflict(ServiceError):
    """A key that must not be made beside those there are."""


class LoginRefused(ServiceError):
    """A login that is not what was begun."""


class ProviderError(ServiceError):
    """The provider of identities does not answer, or not as OpenID Connect says."""


class BatchRefused(ServiceError):
    """A batch that reads well and must not be stored."""


class QuotaExceeded(ServiceError):
    """A collector has sent as much as it may for now: `used` of `limit`, and when it may go on."""

    def __init__(self, message: str, *, quota: str, used: int, limit: int, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.quota, self.used, self.limit = quota, used, limit
        self.retry_after_seconds = retry_after_seconds


class Unfinished(ServiceError):
    """Work for a request that was not finished."""


class Gone(Unfinished):
    """The client has gone: nobody is told, and nothing is wrong."""


class TooLong(Unfinished):
    """The work took longer than one request may."""


class Busy(Unfinished):
    """Others came first, and enough are waiting: when to come again."""

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class QuestionError(ServiceError):
    """A question that cannot be answered as asked."""


class ChangeRefused(QuestionError):
    """An order about a batch that its state does not allow."""


class AlreadyPublished(QuestionError):
    """A month is published already, and does not change; a revision needs a reason."""


class NotPublished(QuestionError):
    """The month has data and is not published; `available` names the months that are."""

    def __init__(self, message: str, available: Sequence[str]) -> None:
        super().__init__(message)
        self.available = list(available)


class NotFound(QuestionError):
    """The thing asked for does not exist; `kind` says what it is, `available` names those that do."""

    def __init__(self, kind: str, message: str, available: Sequence[str]) -> None:
        super().__init__(message)
        self.kind = kind
        self.available = list(available)
