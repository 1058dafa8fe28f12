"""Objects and files as they lie: in folders, or in buckets of S3."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from interlock.errors import ExtraMissing, StorageFailed, StoreUnreachable

_PIECE = 1 << 20
_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "412", "PreconditionFailed"}


class Place(Protocol):
    """Somewhere objects lie under keys. `StorageFailed` or `StoreUnreachable` where it cannot be asked."""

    def size(self, key: str, version: str | None = None) -> int | None:
        """An object's bytes, None where it is not there; ``version`` as the catalog pins it."""

    def pieces(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """An object's bytes in pieces; none where it is not there."""

    def temporary(self) -> int:
        """Files on their way in, or left by writers that died."""


def opened(address: str) -> Place:
    """A folder, or ``s3://BUCKET/PREFIX?profile=NAME&endpoint=URL&region=REGION``."""
    return Bucket(address) if address.startswith("s3://") else Folder(Path(address))


@functools.lru_cache(16)
def bucket_at(address: str) -> Bucket:
    """As `opened`, of a bucket that many files are in."""
    return Bucket(address)


def read(place: Place, key: str, version: str | None = None, most: int | None = None) -> bytes:
    """A small object whole, or the first ``most`` bytes of it."""
    found = b""
    for piece in place.pieces(key, version):
        found += piece
        if most is not None and len(found) >= most:
            return found[:most]
    return found


def sha256(place: Place, key: str, version: str | None, on_bytes: Callable[[int], None]) -> str:
    """SHA-256 of an object."""
    hashed = hashlib.sha256()
    for piece in place.pieces(key, version):
        hashed.update(piece)
        on_bytes(len(piece))
    return hashed.hexdigest()


class Folder:
    """Files under their keys. A file has no versions."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def size(self, key: str, version: str | None = None) -> int | None:
        try:
            return os.stat(self.root / key).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageFailed(f"{self.root / key}: {error.strerror}") from error

    def pieces(self, key: str, version: str | None = None) -> Iterator[bytes]:
        try:
            with open(self.root / key, "rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    yield piece
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise StorageFailed(f"{self.root / key}: {error.strerror}") from error

    def temporary(self) -> int:
        try:
            return len(os.listdir(self.root / "tmp"))
        except OSError:
            return 0


class Bucket:
    """Objects of a bucket whose keys begin with a prefix; a version is the bucket's version id, else an ETag."""

    def __init__(self, address: str) -> None:
        place, _, query = address.removeprefix("s3://").partition("?")
        self.bucket, _, prefix = place.partition("/")
        self.prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        self._how, self._connected = dict(parse_qsl(query)), None

    @property
    def _client(self) -> Any:
        if self._connected is None:
            try:
                import boto3
            except ImportError:
                raise ExtraMissing("S3 needs boto3", hint="pip install 'interlock[s3]'") from None
            session = boto3.session.Session(
                profile_name=self._how.get("profile"), region_name=self._how.get("region")
            )
            self._connected = session.client("s3", endpoint_url=self._how.get("endpoint"))
        return self._connected

    def size(self, key: str, version: str | None = None) -> int | None:
        found = self._asked("head_object", key, version)
        return None if found is None else int(found["ContentLength"])

    def pieces(self, key: str, version: str | None = None) -> Iterator[bytes]:
        found = self._asked("get_object", key, version)
        if found is not None:
            yield from found["Body"].iter_chunks(_PIECE)

    def temporary(self) -> int:
        return 0

    def _asked(self, method: str, key: str, version: str | None) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        which = {}
        if version is not None:
            which = {"IfMatch": version} if version.startswith('"') else {"VersionId": version}
        try:
            return getattr(self._client, method)(Bucket=self.bucket, Key=f"{self.prefix}{key}", **which)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _GONE:
                return None
            raise StoreUnreachable(f"s3://{self.bucket}/{self.prefix}: S3 answers {code}") from None
        except BotoCoreError as error:
            raise StoreUnreachable(
                f"cannot reach s3://{self.bucket}/{self.prefix} ({type(error).__name__})"
            ) from None
