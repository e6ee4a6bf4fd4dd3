"""The content of objects that are on a remote, and perhaps in this store as well."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from blake3 import blake3

from mlops_cli.core import codec
from mlops_cli.core.id_table import IdTable
from mlops_cli.core.ids import ObjectId
from mlops_cli.core.objects import ObjectStore
from mlops_cli.core.packs import Codec, Index, as_id
from mlops_cli.errors import IntegrityError, MissingObject
from mlops_cli.remotes.catalogue import Place, key_of
from mlops_cli.remotes.remote import Remote
from mlops_cli.remotes.spans import spans

_HELD_BYTES = 64 * 1024 * 1024
_AT_ONCE = 128


class Contents:
    """Gives content by id, checked: from the store where it has it, else from the remote.

    Stored bytes as they are on the remote are given by `payload`, and are held for a while.
    """

    def __init__(self, objects: ObjectStore, remote: Remote, indexes: Sequence[Index]) -> None:
        self._objects = objects
        self._remote = remote
        self._indexes = indexes
        self._table = IdTable(list(indexes))
        self._held: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._size = 0

    def payload(self, place: Place) -> bytes:
        """Return an object's stored bytes, unchecked."""
        held = self._held.get((place.key, place.entry.offset))
        if held is None:
            held = self._remote.transport.read(place.key, place.entry.offset, place.entry.stored)
            self._hold(place, held)
        return held

    def get(self, oid: ObjectId) -> bytes:
        """Return the content of an object.

        Raises:
            MissingObject: it is neither here nor there.
            IntegrityError: it is damaged on the remote.
        """
        try:
            return self._objects.get(oid)
        except (MissingObject, IntegrityError):
            pass
        place = self._place(oid)
        payload = self.payload(place)
        if place.entry.codec is Codec.LIST:
            content = b"".join(self.join(codec.decode_list(payload, place.entry.length)))
        else:
            content = codec.decompress(payload, place.entry, lambda key: self.get(as_id(key)))
        if blake3(content).hexdigest() != oid:
            raise IntegrityError(f"object {oid} is not what its name says")
        return content

    def join(self, pieces: Sequence[tuple[bytes, int]]) -> Iterator[bytes]:
        """Yield the contents of chunks, whose lengths are told, many brought by one read.

        Raises:
            MissingObject, IntegrityError: as of `get`; a chunk has another length.
        """
        for first in range(0, len(pieces), _AT_ONCE):
            batch = pieces[first : first + _AT_ONCE]
            self._read_ahead([key for key, _ in batch])
            for key, length in batch:
                content = self.get(as_id(key))
                if len(content) != length:
                    raise IntegrityError(f"its chunk {as_id(key)} has the wrong length")
                yield content

    def _read_ahead(self, keys: Sequence[bytes]) -> None:
        missing = {key for key in keys if not self._objects.has(as_id(key))}
        found = [(key, self._place(as_id(key))) for key in missing]
        wanted = [(k, at) for k, at in found if (at.key, at.entry.offset) not in self._held]
        for span in spans(wanted):
            data = self._remote.transport.read(span.key, span.start, span.length)
            for _, place in span.places:
                self._hold(place, span.payload(data, place))

    def _place(self, oid: ObjectId) -> Place:
        found = self._table.find(bytes.fromhex(oid))
        if found is None:
            raise MissingObject(f"object {oid} is not on '{self._remote.name}'", oid=oid)
        index = self._indexes[found[0]]
        return Place(key_of(index.name), index.entry(found[1]))

    def _hold(self, place: Place, payload: bytes) -> None:
        self._held[place.key, place.entry.offset] = payload
        self._size += len(payload)
        while self._size > _HELD_BYTES and len(self._held) > 1:
            self._size -= len(self._held.popitem(last=False)[1])
