"""Properties as Pulumi sends them, read where a rule looks: most of a resource is never looked at.

They behave as those of the SDK do: read-only mappings and sequences, numbers as floats, secrets unwrapped, and an
`UnknownValueError` for a value that is not known yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import ListValue, Struct
from google.protobuf.struct_pb2 import Value as Sent
from pulumi_policy import proxy
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.proxy import UnknownValueError

_UNKNOWN: Final = frozenset(
    value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_") and isinstance(value, str)
)
Path = tuple[str, ...]


class Fields(Mapping[str, Any]):
    """An object."""

    __slots__ = ("_fields", "_path", "_read")

    def __init__(self, sent: Struct, path: Path = ()) -> None:
        self._fields = sent.fields
        self._path = path
        self._read: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401
        if key in self._read:
            return self._read[key]
        if key not in self._fields:  # to ask a protobuf map for a key that it has not would add it
            raise KeyError(key)
        return self._read.setdefault(key, _value(self._fields[key], (*self._path, key)))

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401
        """The value of `key`, or `default`."""
        return self[key] if key in self._fields else default

    def __contains__(self, key: object) -> bool:
        return key in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._fields))

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        """What a message shows of an object where a text is wanted: not what is in it, for that may be secret."""
        return "{...}"


class Items(Sequence[Any]):
    """A list."""

    __slots__ = ("_path", "_read", "_values")

    def __init__(self, sent: ListValue, path: Path) -> None:
        self._values = sent.values
        self._path = path
        self._read: dict[int, Any] = {}

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if index not in self._read:
            self._read[index] = _value(self._values[index], (*self._path, str(index)))
        return self._read[index]

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        """What a message shows of a list where a text is wanted."""
        return "[...]"


def _value(sent: Sent, path: Path) -> Any:  # noqa: ANN401
    kind = sent.WhichOneof("kind")
    if kind == "string_value":
        if sent.string_value in _UNKNOWN:
            raise UnknownValueError(sent.string_value, list(path))
        return sent.string_value
    if kind == "struct_value":
        return _object(sent.struct_value, path)
    if kind == "list_value":
        return Items(sent.list_value, path)
    if kind == "number_value":
        return sent.number_value
    return sent.bool_value if kind == "bool_value" else None


def _object(sent: Struct, path: Path) -> Any:  # noqa: ANN401
    if SPECIAL_SIG_KEY not in sent.fields:
        return Fields(sent, path)
    if sent.fields[SPECIAL_SIG_KEY].string_value == SPECIAL_SECRET_SIG:
        return _value(sent.fields["value"], path)
    asset: Any = deserialize_properties({path[-1]: MessageToDict(sent)})
    return asset[path[-1]]
