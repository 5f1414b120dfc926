"""What can go wrong in the service.

ServiceError
├── SettingsError      the settings cannot be used: file, key, what to do
├── StoreError         the store cannot be opened or does not answer
│   └── MigrationError the schema of the store is not one this version can work with
├── ListenError        the address to listen on cannot be used
├── BatchRefused       a batch that is well formed and must not be stored
└── QuestionError      a question the store cannot answer as asked
    ├── NotFound       … because what it asks for does not exist
    └── AlreadyPublished  … because what is published does not change

Every message is one line that says what is wrong, where, and what to do.
"""

from collections.abc import Sequence


class ServiceError(Exception):
    """Anything the service reports in one line."""


class SettingsError(ServiceError):
    """The settings cannot be used."""


class StoreError(ServiceError):
    """The store cannot be opened, or does not answer."""


class MigrationError(StoreError):
    """The schema of the store is not one that this version can work with."""


class ListenError(ServiceError):
    """The address to listen on cannot be used."""


class BatchRefused(ServiceError):
    """A batch that reads well and must not be stored."""


class QuotaExceeded(ServiceError):
    """A collector has sent as much as it may for now: `used` of `limit`, and when it may go on."""

    def __init__(self, message: str, *, quota: str, used: int, limit: int, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.quota, self.used, self.limit = quota, used, limit
        self.retry_after_seconds = retry_after_seconds


class QuestionError(ServiceError):
    """A question that cannot be answered as asked."""


class AlreadyPublished(QuestionError):
    """What is published does not change; a revision needs a reason."""


class NotFound(QuestionError):
    """What was asked for does not exist; `kind` says what it is, `available` names what does exist."""

    def __init__(self, kind: str, message: str, available: Sequence[str]) -> None:
        super().__init__(message)
        self.kind = kind
        self.available = list(available)
