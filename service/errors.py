"""What can go wrong in the service.

ServiceError
├── SettingsError      the settings cannot be used: file, key, what to do
├── StoreError         the store cannot be opened or does not answer
│   ├── MigrationError the schema of the store is not one this version can work with
│   └── TooDear        a question reached a limit of the store: time, memory, rows
├── ListenError        the address to listen on cannot be used
├── BatchRefused       a batch that is well formed and must not be stored
├── Unfinished         work for a request that was not finished
│   ├── Gone           … because its client has gone: answered to nobody
│   ├── TooLong        … because it took longer than one request may
│   └── Busy           … because others came first, and enough are waiting
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


class TooDear(StoreError):
    """A question reached a limit of the store."""


class ListenError(ServiceError):
    """The address to listen on cannot be used."""


class BatchRefused(ServiceError):
    """A batch that reads well and must not be stored."""


class Unfinished(ServiceError):
    """Work for a request that was not finished."""


class Gone(Unfinished):
    """The client has gone: nobody is told, and nothing is wrong."""


class TooLong(Unfinished):
    """The work took longer than one request may."""


class Busy(Unfinished):
    """Others came first, and enough are waiting."""


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
