"""Everything that can go wrong, each with what happened and what to do.

    LookalikeError
    ├── WrongArgument            the question cannot be asked like this
    │   ├── UnknownDataset
    │   ├── AmbiguousDataset
    │   ├── UnusableImage        a file to check that is no image, or cannot be read
    │   ├── RefusedCursor        from another query, another dataset or another state of it
    │   └── WrongSettings        base URL, credentials
    ├── DatasetNotReady          DRAFT, ERROR, or still indexing where an answer needs an index
    ├── CannotAnswer             the server ignores what the question needs
    └── ServerTrouble
        ├── Unauthorized         401
        ├── Forbidden            403
        ├── NotFound             404
        ├── RefusedParameters    400, 422 and the like
        ├── TooManyRequests      429
        ├── ServerFailed         5xx
        ├── Unreachable          no connection, or no answer in time
        ├── BadAnswer            an answer that is not the Explore API's
        └── ExportFailed         the export of a dataset was refused, failed, or cannot be read
            ├── ExportNotDone    it may be there in a minute
            └── NoExport         there is no such call

No message holds upstream text as it came: names pass through `UntrustedText`, bodies are never quoted.
"""


class LookalikeError(Exception):
    """What happened and what to do about it; `str(error)` is "what. todo"."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what, todo)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what}. {self.todo}"


class WrongArgument(LookalikeError):  # noqa: N818  (named for what happened)
    """The question cannot be asked like this."""


class UnknownDataset(WrongArgument):
    """No dataset has this name, id or path."""


class AmbiguousDataset(WrongArgument):
    """Several datasets fit, or none was named where there are several."""


class UnusableImage(WrongArgument):
    """The image to check is none, cannot be read, or must not be."""


class RefusedCursor(WrongArgument):
    """The cursor is garbled or belongs to another query, dataset or state of the dataset."""


class WrongSettings(WrongArgument):
    """The base URL or the credentials cannot be used."""


class DatasetNotReady(LookalikeError):  # noqa: N818  (named for what happened)
    """The dataset cannot answer in its present state."""


class CannotAnswer(LookalikeError):  # noqa: N818  (named for what happened)
    """The server ignores what the question needs, so no answer from it would be true."""


class ServerTrouble(LookalikeError):  # noqa: N818  (named for what happened)
    """The Explore server did not give an answer that can be used."""


class Unauthorized(ServerTrouble):
    """401: the credential was refused."""


class Forbidden(ServerTrouble):
    """403: the credential is valid but may not do this."""


class NotFound(ServerTrouble):
    """404: nothing there, or nothing that this credential may see."""


class RefusedParameters(ServerTrouble):
    """400, 422 and the like; `fields` are those of our own parameters that the server named."""

    def __init__(self, what: str, todo: str, fields: frozenset[str] = frozenset()) -> None:
        super().__init__(what, todo)
        self.fields = fields


class TooManyRequests(ServerTrouble):
    """429, still after waiting."""


class ServerFailed(ServerTrouble):
    """5xx, still after trying again."""


class Unreachable(ServerTrouble):
    """No connection, or no answer before the deadline."""


class BadAnswer(ServerTrouble):
    """An answer that is not in the Explore API's format, or larger than any real one."""


class ExportFailed(ServerTrouble):
    """The server's export of a dataset cannot be had, or not yet."""


class ExportNotDone(ExportFailed):
    """The export is still being made, or the server was busy."""


class NoExport(ExportFailed):
    """The server does not know exports at all."""
