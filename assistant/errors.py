"""Every error this package raises on purpose.

AssistantError
├── SettingsError        a setting is missing or has no meaning
│   └── KeptSettingsError     the file of settings that the page keeps is damaged
├── InputError           what the user gave can't be used
│   ├── UnreadableFileError   the file can't be read as any known format
│   ├── QuestionError         the question is empty or far too long
│   └── FilterError           a filter by metadata can't be read
├── LibraryError         the library on disk is missing, locked, empty or of another kind
│   ├── EmptyLibraryError
│   ├── LibraryBusyError
│   ├── EmbedderMismatchError
│   └── StoreError            the vectors can't be had where the settings say that they are
│       ├── StoreUnavailableError  their server can't be reached in time, or fails
│       └── StoreElsewhereError    the present ones are in another store
├── CancelledError       the caller wanted the answer no more
├── ModelError           a model can't be fetched, started or reached in time
│   ├── ContextOverflowError  it was given more than it can read
│   └── ModelFilesError       its files are missing or don't match their hash
├── WorkersError         the cluster that reads and embeds can't be reached, or is lost
└── RequestTimeoutError  a request to the service takes longer than it may

Each message says what happened, where, and what to do about it. Only the surfaces
(command line, web page) catch these; adapters translate their vendor's errors.
"""


class AssistantError(Exception):
    """Base of all errors raised on purpose; its text is fit for a user's eyes."""


class SettingsError(AssistantError):
    """A setting is missing or has no meaning."""


class KeptSettingsError(SettingsError):
    """The file of settings that the page keeps can't be read."""


class InputError(AssistantError):
    """What the user gave can't be used."""


class UnreadableFileError(InputError):
    """The file can't be read as any known format."""


class QuestionError(InputError):
    """The question is empty or far too long."""


class FilterError(InputError):
    """A filter by metadata can't be read."""


class LibraryError(AssistantError):
    """The library on disk can't be used as it is."""


class EmptyLibraryError(LibraryError):
    """There is no paper to answer from."""


class LibraryBusyError(LibraryError):
    """Another process is writing to the library."""


class EmbedderMismatchError(LibraryError):
    """The stored vectors come from another embedder than the one in use."""


class StoreError(LibraryError):
    """The vectors can't be had where the settings say that they are."""


class StoreUnavailableError(StoreError):
    """The server that holds the vectors can't be reached in time, or fails."""


class StoreElsewhereError(StoreError):
    """The library's present vectors are in another store."""


class CancelledError(AssistantError):
    """The caller wanted the answer no more."""


class ModelError(AssistantError):
    """A model can't be fetched, started or reached in time."""


class ContextOverflowError(ModelError):
    """A model was given more text than it can read at once."""


class ModelFilesError(ModelError):
    """The files of a model are missing, or don't match their hash."""


class WorkersError(AssistantError):
    """The cluster that reads and embeds can't be reached, or is lost."""


class RequestTimeoutError(AssistantError):
    """A request to the service takes longer than it may."""
