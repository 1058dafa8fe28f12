"""Data files under a prefix of an S3 bucket: ``s3://BUCKET/PREFIX``.

One PUT makes an object, whole or not at all, under a name of its own that is
never written again. The server compares what arrives with its SHA-256. Readers
get the ranges of bytes they ask for. Credentials, region and endpoint are found
by boto3 as by every AWS tool, and are kept nowhere.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from interlock import durable
from interlock.catalog.files import DATA, QUARANTINE, Stored
from interlock.catalog.home import MARK
from interlock.errors import (
    ExtraMissing,
    FolderMissing,
    InterlockError,
    StorageFailed,
    StoreRefused,
    StoreUnreachable,
    UsageError,
)

if TYPE_CHECKING:
    import duckdb

SCHEME = "s3://"
PUT_BYTES_MAX = 5 << 30  # of one PUT; a larger file goes up in parts
CONNECT_S, READ_S = 10, 60  # for a connection, and between two pieces of an answer
AT_ONCE = 8  # requests of one writer: enough to hide latency, few enough not to be slowed down
REMOVED_MAX = 1000  # keys of one request
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^?#\\]*))?")
_MISSING = {"NoSuchKey", "404", "NotFound"}
_HINTS = {
    "NoSuchBucket": "make the bucket first, or give the name of one that is there",
    "AccessDenied": "the credentials need to list the bucket, and to read and write objects under the prefix;"
    " to remove them where they are a workspace's, to lock them where they are a vault's",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_REGION",
    "RequestTimeTooSkewed": "set this machine's clock",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an object, the size of the whole, and when it was made."""

    data: bytes
    size: int
    made_at: dt.datetime


def is_s3(place: object) -> bool:
    return str(place).startswith(SCHEME)


@dataclass(frozen=True, slots=True)
class S3:
    """Objects of ``bucket`` whose keys begin with ``prefix``, which is empty or ends with ``/``."""

    bucket: str
    prefix: str
    client: Any

    @classmethod
    def of(cls, url: str, **how: Any) -> Self:
        """``s3://BUCKET/PREFIX``. `UsageError` for anything else, which is not repeated: it may hold a secret.

        ``how`` to reach it is `connect`'s.
        """
        found = _ADDRESS.fullmatch(url)
        parts = [] if found is None else [p for p in (found[2] or "").split("/") if p]
        if found is None or {".", ".."} & set(parts):
            raise UsageError(
                "this is no address of files on S3",
                hint="write s3://BUCKET/PREFIX; credentials are those of the AWS tools, never part of it",
            )
        return cls(found[1], "".join(f"{part}/" for part in parts), connect(**how))

    # --- the workspace's own place ----------------------------------------------------

    @property
    def where(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def claim(self, workspace: str) -> None:
        """Take the prefix for a new workspace. `UsageError` where there is anything under it."""
        with self.answers():
            if self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)["KeyCount"]:
                raise UsageError(
                    f"{self.where} holds objects already",
                    hint="give each workspace its own prefix; "
                    f"if making one was cut off here, remove {self.where}/{MARK}",
                )
            body = f"{workspace}\n".encode()
            self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}{MARK}", Body=body, IfNoneMatch="*")

    def check(self, workspace: str) -> None:
        """`FolderMissing` where these are not the files of ``workspace``."""
        hint = "its files are where it was made to put them; elsewhere give data="
        try:
            with self.read(MARK) as file:
                mark = file.read().decode("utf-8", "replace").strip()
        except StorageFailed:
            raise FolderMissing(f"{self.where} holds no files of this workspace", hint=hint) from None
        if mark != workspace:
            raise FolderMissing(f"{self.where} holds the files of another workspace", hint=hint)

    # --- files ------------------------------------------------------------------------

    def place(self, path: str) -> str:
        return path if "://" in path or path.startswith("/") else f"{self.where}/{path}"

    def put(self, files: Mapping[Path, str]) -> None:
        """One PUT each, some at once. The files stay where they were."""
        with ThreadPoolExecutor(AT_ONCE, "interlock-s3") as pool:
            for done in [pool.submit(self._put, source, path) for source, path in files.items()]:
                done.result()

    def remove(self, paths: Iterable[str]) -> None:
        keys = [{"Key": f"{self.prefix}{path}"} for path in paths]
        for start in range(0, len(keys), REMOVED_MAX):
            some = {"Objects": keys[start : start + REMOVED_MAX], "Quiet": True}
            with self.answers():
                answer = self.client.delete_objects(Bucket=self.bucket, Delete=some)
            for failed in answer.get("Errors", ()):
                raise self._refused(failed.get("Code", "an error"))

    def wipe(self, paths: Iterable[str]) -> dict[str, str]:
        """Every version of the objects, which a bucket with versions keeps when they are removed."""
        left = {}
        for path in paths:
            for key in self._versions(f"{self.prefix}{path}"):
                try:
                    with self.answers(path):
                        self.client.delete_object(Bucket=self.bucket, **key)
                except InterlockError as error:
                    left[path] = self._locked(key) or error.message
        return left

    def _versions(self, key: str) -> list[dict[str, str]]:
        """Key and version id of everything under a key, marks of deletion among it."""
        found = []
        with self.answers():
            pages = self.client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.bucket, Prefix=key):
                listed = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                found += [{"Key": key, "VersionId": one["VersionId"]} for one in listed if one["Key"] == key]
        return found

    def _locked(self, key: Mapping[str, str]) -> str | None:
        """Until when an object is locked, in words."""
        from botocore.exceptions import ClientError

        try:
            held = self.client.get_object_retention(Bucket=self.bucket, **key)["Retention"]
        except (ClientError, KeyError):
            return None
        return f"locked until {held['RetainUntilDate']:%Y-%m-%d %H:%M} UTC ({held['Mode'].lower()})"

    def listed(self) -> dict[str, Stored]:
        found = {}
        with self.answers():
            for part in (DATA, QUARANTINE):
                pages = self.client.get_paginator("list_objects_v2")
                for page in pages.paginate(Bucket=self.bucket, Prefix=f"{self.prefix}{part}/"):
                    for one in page.get("Contents", ()):
                        if one["Key"].endswith(".parquet"):
                            path = one["Key"].removeprefix(self.prefix)
                            found[path] = Stored(one["Size"], one["LastModified"].timestamp())
        return found

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        there = self.listed()
        return {path: there[path].size_bytes for path in paths if path in there}

    @contextlib.contextmanager
    def read(self, path: str) -> Iterator[BinaryIO]:
        with self.answers(path):
            found = self.client.get_object(Bucket=self.bucket, Key=f"{self.prefix}{path}")
            with contextlib.closing(found["Body"]) as body:
                yield body

    def local(self, path: str, copy: Path) -> Path:
        durable.make_folder(copy.parent)
        with self.read(path) as body, durable.refusals(copy), copy.open("wb") as file:
            shutil.copyfileobj(body, file, 1 << 20)
        return copy

    def retire(self, path: str) -> None:
        """An object's age begins when it is made."""

    def serve(self, connection: duckdb.DuckDBPyConnection) -> None:
        from interlock.catalog.ranges import filesystem

        connection.register_filesystem(filesystem(self.part))

    def part(self, place: str, asked: str) -> Part:
        """The bytes ``asked`` for, as in an HTTP header, of an object of any bucket."""
        bucket, _, key = place.removeprefix(SCHEME).partition("/")
        with self.answers(place):
            found = self.client.get_object(Bucket=bucket, Key=key, Range=asked)
            with contextlib.closing(found["Body"]) as body:
                data = body.read()
        size = int(found.get("ContentRange", f"/{len(data)}").rpartition("/")[2])
        return Part(data, size, found["LastModified"])

    # --- within -----------------------------------------------------------------------

    def _put(self, source: Path, path: str) -> None:
        with durable.refusals(source), source.open("rb") as file:
            digest = base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()
            size = file.seek(0, 2)
            file.seek(0)
            with self.answers(path):
                self._upload(file, size, digest, {"Bucket": self.bucket, "Key": f"{self.prefix}{path}"})

    def _upload(self, file: BinaryIO, size: int, digest: str, to: dict[str, str]) -> None:
        from botocore.exceptions import ClientError

        if size > PUT_BYTES_MAX:
            self.client.upload_fileobj(file, **to, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
            return
        try:
            self.client.put_object(**to, Body=file, ChecksumSHA256=digest, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"].get("Code") != "PreconditionFailed":
                raise
            # Ours, if the answer to an earlier try was lost; the name is nobody else's.
            there = self.client.head_object(**to, ChecksumMode="ENABLED")
            if (there["ContentLength"], there.get("ChecksumSHA256", digest)) != (size, digest):
                raise

    @contextlib.contextmanager
    def answers(self, path: str = "") -> Iterator[None]:
        """Turn what S3 and the network refuse into one-line errors; ``path`` is what was asked for."""
        from boto3.exceptions import Boto3Error
        from botocore import exceptions as e

        try:
            yield
        except e.ClientError as error:
            failure = self._failed(error, path)
        except (
            e.NoCredentialsError,
            e.PartialCredentialsError,
            e.CredentialRetrievalError,
            e.ProfileNotFound,
        ):
            failure = StoreRefused(
                f"{self.where}: there are no credentials for it",
                hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role",
            )
        except (e.BotoCoreError, Boto3Error) as error:
            failure = StoreUnreachable(
                f"cannot reach {self.where} ({type(error).__name__})",
                hint="what was begun is undone; AWS_ENDPOINT_URL_S3 names a server that is not Amazon's",
            )
        else:
            return
        raise failure from None

    def _failed(self, error: Any, path: str) -> InterlockError:
        code = code_of(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _MISSING and path:
            return StorageFailed(f"{self.place(path)}: no such object")
        if status >= 500 or status == 429 or code in ("SlowDown", "RequestTimeout"):
            return StoreUnreachable(f"{self.where}: S3 answers {code or status}", hint="try again")
        return self._refused(code or str(status))

    def _refused(self, code: str) -> StoreRefused:
        code = "AccessDenied" if code == "403" else "NoSuchBucket" if code == "404" else code
        return StoreRefused(f"{self.where}: S3 answers {code}", hint=_HINTS.get(code, "nothing was changed"))


def code_of(error: Any) -> str:
    """What S3 calls the reason of a botocore ``ClientError``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def connect(
    *, profile: str | None = None, endpoint: str | None = None, region: str | None = None, **config: Any
) -> Any:
    """boto3's client; what isn't given is found as by every AWS tool. ``config`` is botocore's, beyond ours."""
    try:
        import boto3
        import fsspec  # noqa: F401  # what `serve` needs
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise ExtraMissing("S3 needs boto3", hint="pip install 'interlock[s3]'") from None
    usual = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        max_pool_connections=4 * AT_ONCE,
        retries={"mode": "standard"},
        **config,
    )
    try:
        session = boto3.session.Session(profile_name=profile, region_name=region)
        return session.client("s3", endpoint_url=endpoint, config=usual)
    except (BotoCoreError, ValueError) as error:
        raise StoreRefused(
            f"the AWS settings cannot be used ({type(error).__name__})",
            hint="look at AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3 and ~/.aws/config",
        ) from None
