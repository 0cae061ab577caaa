"""Operations: one declaration from which the route, its checks and its description are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from edgebot.server.house import House

Access: TypeAlias = Literal["token", "open"]


class Wire(BaseModel):
    """What goes over the wire: unknown fields are errors, texts are bounded by their fields."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Lenient(BaseModel):
    """The same for other people's protocols: unknown fields are ignored."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked."""

    house: House
    request: Request
    path: Mapping[str, str]
    fields: BaseModel | None = None
    """The query."""

    body: BaseModel | None = None
    content: bytes = b""
    """The body of an operation that takes other things than JSON."""

    def query(self, model: type[M]) -> M:
        """The query as ``model``."""
        assert isinstance(self.fields, model)
        return self.fields

    def json(self, model: type[M]) -> M:
        """The body as ``model``."""
        assert isinstance(self.body, model)
        return self.body

    def number(self, name: str) -> int:
        """A number in the path; -1 for what is none, which nothing is called."""
        text = self.path[name]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


Answering: TypeAlias = Callable[[Call], Awaitable[BaseModel | Response | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that can be asked of the HTTP door."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    """As in OpenAPI: ``/api/timers/{id}``."""

    summary: str
    answering: Answering
    tag: str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    """JSON; an empty body where every field may be left out."""

    takes: tuple[str, ...] = ()
    """Content types other than JSON; their bytes are :attr:`Call.content`."""

    form: bool = False
    """It takes ``multipart/form-data`` with a field ``file``, and reads it by itself."""

    answer: type[BaseModel] | None = None
    also: tuple[str, ...] = ()
    """Content types it may answer with besides JSON."""

    status: int = 200
    unwell: type[BaseModel] | None = None
    """The body of its 503, where that is no :class:`Problems`."""

    refusals: Mapping[int, str] = field(default_factory=dict)
    """Status codes of its own for what goes wrong."""

    access: Access = "token"
    path_kinds: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the path that are numbers: ``{"id": "integer"}``."""

    @property
    def name(self) -> str:
        """Identifies it: ``get_api_timers_id``."""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace(".", "_")
        return "_".join([self.method.lower(), *words.split("/")]).replace("-", "_").rstrip("_")


class Problem(Wire):
    """What went wrong, with the next step."""

    message: str
    code: str
    """A word for programs: ``invalid``, ``not_found``, ``busy`` …"""


class Problems(Wire):
    """The body of every answer that is an error."""

    error: Problem


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_found(what: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, "not_found", what)
