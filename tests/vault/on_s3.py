"""What tests of a store on S3 do to it, and what they ask its server behind its back."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import Any

from interlock.testing.store import some_bytes
from interlock.vault.stores import upload
from interlock.vault.stores.protocol import Held
from interlock.vault.stores.s3 import S3Store
from tests import objectstore
from tests.faulty import Request

BIG = some_bytes(upload.PART_BYTES + 1)


def soon(**length: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(**length)


def beside(store: S3Store, bucket: str) -> S3Store:
    """The same client's, in another bucket."""
    return S3Store(replace(store.at, bucket=bucket, prefix="vault/"), store.spool.root)


def keep(store: S3Store, data: bytes, key: str = "x", **how: Any) -> Held:
    return store.keep(store.take(io.BytesIO(data)), key, **how)


def whole(store: S3Store, key: str = "x", **which: Any) -> bytes:
    return b"".join(store.read(key, **which))


def versions(server: objectstore.Server, store: S3Store, key: str = "x") -> list[str]:
    found = server.client().list_object_versions(Bucket=store.at.bucket, Prefix=store.at.prefix + key)
    return [one["VersionId"] for one in found.get("Versions", ())]


def uploads(server: objectstore.Server, store: S3Store) -> list[str]:
    found = server.client().list_multipart_uploads(Bucket=store.at.bucket, Prefix=store.at.prefix)
    return [one["Key"] for one in found.get("Uploads", ())]


def by_others(server: objectstore.Server, store: S3Store, call: str, **more: Any) -> Any:
    """What an administrator of the bucket does to ``x``."""
    return getattr(server.client(), call)(Bucket=store.at.bucket, Key=f"{store.at.prefix}x", **more)


def a_part(request: Request) -> bool:
    return request.method == "PUT" and "partNumber=" in request.path


def the_last_request_of_parts(request: Request) -> bool:
    return request.method == "POST" and "uploadId=" in request.path


def a_put(request: Request) -> bool:
    return request.method == "PUT" and "?" not in request.path
