"""The door of the API: every field of a request by its kind and its bounds. What differs never reaches a handler."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from kit.emulator.wire import Refusal

SMALL = 1 << 20
"""Bytes that a request may have: 10,000 files of a dataset fit."""

LARGE = 32 << 20
"""Bytes that a request may have which carries a notebook or the files of a dataset: pictures in a notebook fit."""

LARGE_METHODS = {
    "SaveKernel",
    "CreateDataset",
    "CreateDatasetVersion",
    "CreateDatasetVersionById",
    "CreateModelInstance",
    "CreateModelInstanceVersion",
}

DEEPEST = 16
"""Folders in folders that a dataset may have."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


@dataclass(frozen=True)
class Field:
    """What a field holds: a `type` of JSON, or with `many` a list of at most so many of that type.

    A text has at most `most` characters, a number lies between `least` and `most`. An object is checked in its turn.
    """

    type: type
    most: int = 0
    least: int = 0
    many: int = 0

    @property
    def words(self) -> str:
        """What it must be, for a refusal."""
        if self.many:
            return f"a list of at most {self.many:,}, each {Field(self.type, self.most, self.least).words}"
        if self.type is str:
            return f"a text of at most {self.most:,} characters"
        if self.type is int:
            return f"a whole number from {self.least:,} to {self.most:,}"
        return "true or false" if self.type is bool else "an object"

    def holds(self, value: Any) -> bool:
        """Whether a value is what it must be. Objects are not looked into."""
        if self.many:
            one = Field(self.type, self.most, self.least)
            return isinstance(value, list) and len(value) <= self.many and all(map(one.holds, value))
        if self.type is int:  # JSON's true is no number, though Python's is
            return type(value) is int and self.least <= value <= self.most
        if self.type is str:
            return isinstance(value, str) and len(value) <= self.most and _is_text(value)
        return isinstance(value, self.type)


_NAME = Field(str, 255)
_REF = Field(str, 1_000)
_PROSE = Field(str, 100_000)
_FLAG = Field(bool)
_ID = Field(int, 2**53)
_OBJECT = Field(dict)
_REFS = Field(str, 1_000, many=100)

FIELDS = {
    **dict.fromkeys(
        (
            *("benchmarkSlug", "category", "competition", "competitionName", "dataset", "datasetSlug", "fileType"),
            *("forumSlug", "framework", "group", "instanceSlug", "kernelExecutionType", "kernelOwner", "kernelSlug"),
            *("kernelType", "language", "license", "licenseName", "machineShape", "modelInstanceType", "modelSlug"),
            *("owner", "ownerSlug", "pageName", "pageToken", "parentKernel", "slug", "sortBy", "title"),
            *("user", "userName", "versionLabel"),
        ),
        _NAME,
    ),
    **dict.fromkeys(
        (
            *("blobFileTokens", "externalBaseModelUrl", "fileName", "filePath", "name", "path", "refreshToken"),
            *("search", "subtitle", "token"),
        ),
        _REF,
    ),
    **dict.fromkeys(
        ("description", "overview", "provenanceSources", "submissionDescription", "usage", "versionNotes"), _PROSE
    ),
    **dict.fromkeys(
        ("deleteOldVersions", "enableGpu", "enableInternet", "enableTpu", "isPrivate", "overridePublic"), _FLAG
    ),
    **dict.fromkeys(
        (
            *("contentLength", "datasetVersionNumber", "id", "kernelSessionId", "kernelVersion", "maxSize", "minSize"),
            *("ref", "sessionTimeoutSeconds", "submissionId", "topicId", "versionNumber"),
        ),
        _ID,
    ),
    **dict.fromkeys(
        (
            *("categoryIds", "competitionDataSources", "datasetDataSources", "kernelDataSources", "keywords"),
            *("modelDataSources",),
        ),
        _REFS,
    ),
    "page": Field(int, 10**9, least=-1),  # -1 is the client's word for none
    "pageSize": Field(int, 10**9),
    "newTitle": Field(str, 200),  # a folder is named after it
    "text": Field(str, LARGE),
    "body": _OBJECT,
    "settings": _OBJECT,
    "files": Field(dict, many=100_000),
    "directories": Field(dict, many=10_000),
    "licenses": Field(dict, many=10),
}
"""Every field that a handler reads, by its name on the wire: a name means the same in all methods that have it.

A test compares the types with kagglesdk's. The bounds are the emulator's own: wide enough for all that is meant well.
"""


def most_bytes(method: str) -> int:
    """Bytes that the body of a request of `method` may have."""
    return LARGE if method in LARGE_METHODS else SMALL


def read(raw: bytes) -> dict[str, Any]:
    """The known fields of a request's body, all of them of their kinds; fields that are null or unknown are left out.

    Raises Refusal for a body that is no JSON object, and for a field of another kind or out of its bounds.
    """
    if len(raw) > SMALL and len(_STRING.sub(b"", raw)) > SMALL:
        # What a large request may hold are texts. The same bytes as millions of lists would take a gigabyte.
        raise Refusal(413, "Request too large")
    try:
        body = json.loads(raw or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, "Request body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Request body is not a JSON object")
    return checked(body)


def checked(body: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """The known fields of an object, all of them of their kinds; `depth` counts the objects that it lies in.

    Raises Refusal as `read` does.
    """
    if depth > DEEPEST:
        raise Refusal(400, f"Request is nested more than {DEEPEST} deep")
    kept = {}
    for name, value in body.items():
        field = FIELDS.get(name)
        if field is None or value is None:
            continue
        if not field.holds(value):
            raise Refusal(400, f"Invalid value of {name!r}: it must be {field.words}")
        if field.type is dict:
            value = [checked(one, depth + 1) for one in value] if field.many else checked(value, depth + 1)
        kept[name] = value
    return kept


def _is_text(value: str) -> bool:
    """Whether a text can be written down anywhere: half a surrogate pair cannot, and NUL ends a file's name."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
