"""Bytes on their way to a key of an S3 bucket: in one request, or in parts that are no object until the last.

They are hashed as they go. Nothing is left where they turn out not to be those that were meant.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import io
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

from interlock.errors import ObjectCorrupt
from interlock.vault.hashing import opened, piece
from interlock.vault.stores.protocol import Taken

PART_BYTES = 8 << 20  # a larger object goes in parts of this, which lie in memory while they go
PARTS_MAX = 10_000  # of one object, says S3: beyond 80 GiB parts are larger
PARTS_AT_ONCE = 4  # of one object; several objects go at once

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to be put, to be read as often as it takes.

    ``compared``: with what lies under their key already, byte for byte, where S3 tells its size only.
    """

    name: str
    sha256: str
    size_bytes: int
    open: Callable[[], AbstractContextManager[BinaryIO]]
    compared: bool

    @classmethod
    def of(cls, taken: Taken) -> Self:
        small = taken.size_bytes <= PART_BYTES
        again = functools.partial(opened, taken.path, buffering=1 << 16)
        return cls(str(taken.path), taken.sha256, taken.size_bytes, again, compared=small)

    @classmethod
    def of_bytes(cls, name: str, data: bytes) -> Self:
        return cls(name, hashlib.sha256(data).hexdigest(), len(data), lambda: io.BytesIO(data), compared=True)

    @property
    def large(self) -> bool:
        """Whether it goes in parts."""
        return self.size_bytes > PART_BYTES

    @property
    def checksum(self) -> str:
        """SHA-256 as S3 writes it."""
        return _base64(bytes.fromhex(self.sha256))

    def check(self, sha256: str) -> None:
        if sha256 != self.sha256:
            raise ObjectCorrupt(f"{self.name} changed while it was put", hint="put it again when it is whole")


def upload(
    client: Any,
    to: Mapping[str, str],
    content: Content,
    condition: Mapping[str, str],
    lock: Mapping[str, Any],
) -> Answer:
    """Put it where ``to`` says; botocore's errors, among them that ``condition`` does not hold.

    Raises `ObjectCorrupt` where the bytes changed since they were hashed, `DataNotFound`, `DataUnreadable`.
    """
    with content.open() as file:
        if content.large:
            return _in_parts(client, to, content, file, condition, lock)
        data = piece(file, content.size_bytes + 1)  # one more than it has, if it grew
        content.check(hashlib.sha256(data).hexdigest())
        done: Answer = client.put_object(
            **to, **condition, **lock, Body=data, ChecksumSHA256=content.checksum
        )
        return done


def _in_parts(
    client: Any,
    to: Mapping[str, str],
    content: Content,
    file: BinaryIO,
    condition: Mapping[str, str],
    lock: Mapping[str, Any],
) -> Answer:
    begun = client.create_multipart_upload(**to, **lock, ChecksumAlgorithm="SHA256")
    under_way = {**to, "UploadId": begun["UploadId"]}
    try:
        parts = {"Parts": _parts(client, under_way, content, file)}
        done: Answer = client.complete_multipart_upload(**under_way, **condition, MultipartUpload=parts)
    except BaseException:
        with contextlib.suppress(Exception):  # else it is swept
            client.abort_multipart_upload(**under_way)
        raise
    return done


def _parts(
    client: Any, under_way: Mapping[str, str], content: Content, file: BinaryIO
) -> list[dict[str, Any]]:
    def send(number: int, data: bytes) -> dict[str, Any]:
        checksum = _base64(hashlib.sha256(data).digest())
        done = client.upload_part(**under_way, PartNumber=number, Body=data, ChecksumSHA256=checksum)
        return {"PartNumber": number, "ETag": done["ETag"], "ChecksumSHA256": checksum}

    size = max(PART_BYTES, -(-content.size_bytes // PARTS_MAX))
    hashed, parts = hashlib.sha256(), []
    waiting: deque[Future[dict[str, Any]]] = deque()
    with ThreadPoolExecutor(PARTS_AT_ONCE, "interlock-s3") as pool:
        for number in range(1, -(-content.size_bytes // size) + 2):  # one more than it has, if it grew
            if not (data := piece(file, size)):
                break
            hashed.update(data)
            waiting.append(pool.submit(send, number, data))
            if len(waiting) > PARTS_AT_ONCE:
                parts.append(waiting.popleft().result())
        parts += [one.result() for one in waiting]
    content.check(hashed.hexdigest())
    return parts


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
