"""The error tree of Caudal: what is raised on purpose, by which package.

CaudalError                         anything that is said in one line, with no traceback
├── SettingsError                   settings, or what is given on a command line, cannot be used: file, key, what to do
├── ListenError                     an address or interface to listen on cannot be used
├── UnwrittenError                  a file or standard output that a command was to write is not whole
├── BatchError                      a batch cannot be read, or cannot be written
├── Unreadable                      octets from a network or of a file of state: counted, and told to nobody
│   ├── TemplateSetError            a set of templates, from its first fault on
│   ├── FlatBufferError             a table of a FlatBuffer, which heads an Arrow message
│   ├── UnreadableAnswer            a DNS answer
│   ├── UnreadableInitial           the first packet of a QUIC connection
│   ├── UnreadableRequest           an HTTP request
│   ├── CutRequest                  an HTTP request that goes on in another packet
│   └── DamagedState                a file of state that is not what was written
├── ReferenceDataError              reference data are wrong or missing
│   ├── FactError                   a cell, row or file of facts: file, line and column
│   ├── UnknownEconomy              an economy that the reference does not hold
│   ├── UnknownGroup                a country group that it does not hold
│   ├── UnknownFact                 a platform, network, country or file that it does not hold
│   ├── UnknownMonth                text that was to be a month
│   ├── ImportFault                 a publisher's file cannot be read, or not as what it was said to be
│   └── AddressError                address data, or an operator's own list of prefixes, cannot be read
├── CollectorError                  anything of the collector
│   ├── CaptureError                a file is no capture, or cannot be read
│   ├── HomeError                   a home prefix is none
│   ├── Nat64Error                  a NAT64 prefix is none
│   ├── StateError                  the state directory cannot be used, or no collector runs on it
│   ├── ReplayError                 captures cannot be replayed as asked
│   └── SpoolError                  the spool cannot be written
│       └── SpoolFull               … because it holds as much as it may
├── ServiceError                    anything of the service
│   ├── StoreError                  the store cannot be opened, or does not answer
│   │   ├── StoreFull               … because its disk is full, or would be
│   │   ├── StoreRefused            it answers, and refuses what it was given
│   │   ├── MigrationError          its schema is not one that this version can work with
│   │   └── TooDear                 a question reached a limit of it: time, memory, rows
│   ├── KeyConflict                 a key that must not be made beside those there are
│   ├── LoginRefused                a login that is not what was begun
│   ├── ProviderError               the provider of identities does not answer as it must
│   ├── BatchRefused                a batch that reads well and must not be stored
│   ├── QuotaExceeded               a collector has sent as much as it may for now
│   ├── Unfinished                  work for a request that was not finished
│   │   ├── Gone                    … because its client has gone: answered to nobody
│   │   ├── TooLong                 … because it took longer than one request may
│   │   └── Busy                    … because others came first, and enough are waiting
│   ├── QuestionError               a question that cannot be answered as asked
│   │   ├── ChangeRefused           … because the batch is not in a state that takes this order
│   │   ├── AlreadyPublished        … because what is published does not change
│   │   ├── NotPublished            … because it is of a month that is not published
│   │   └── NotFound                … because it is of something that does not exist
│   └── IndicatorError              an indicator cannot be computed at all
│       ├── CellsError              a frame of flow cells that indicators cannot read
│       ├── SuppliedError           a file of paths or routes that a deployment supplies cannot be read
│       └── DefinitionError         an indicator contradicts its definition, or the catalogue
├── Problem                         an answer of the API that says what is wrong (RFC 9457)
├── DashboardError                  anything of the dashboards
│   └── PublishError                Grafana could not be reached, refused, or answered something unexpected
└── DemoError                       the demo cannot go on

The message of each is one line that says what is wrong, where, and what to do. The command `caudal` catches CaudalError
and nothing else: any other exception is a defect, and ends it with a traceback. Errors about a value that somebody gave
are ValueErrors as well, so that a settings model may raise them.
"""


class CaudalError(Exception):
    """Anything that Caudal raises on purpose."""


class SettingsError(CaudalError):
    """Settings, or options of a command, cannot be used: the message names file and key, or the option."""


class ListenError(CaudalError):
    """An address or interface to listen on cannot be used."""


class Unreadable(CaudalError, ValueError):
    """Octets from a network, or of a file of state, are not what they should be.

    Whoever reads them catches it, counts them and goes on: it never reaches a command.
    """
