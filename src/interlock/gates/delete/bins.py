"""The delete of each kind of store: what `Store` has not, and only the collector (`collector`) may hold."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from dataclasses import dataclass
from typing import Protocol

from interlock import durable
from interlock.catalog.s3 import code_of
from interlock.errors import StoreRefused, UsageError
from interlock.vault import layout
from interlock.vault.stores.local import TEMPORARY, LocalStore
from interlock.vault.stores.protocol import Store
from interlock.vault.stores.s3 import S3Store


class Bin(Protocol):
    """Removes from one store. Raises what its store raises."""

    def remove(self, key: str, version: str) -> bool:
        """Remove these very bytes. True where they are gone now, or were; False where others lie there, or a lock."""

    def sweep_temporary(self, before: dt.datetime) -> int:
        """Remove what puts that died left on the way, last written before then; returns how many."""


@dataclass(frozen=True, slots=True)
class LocalBin:
    """Of a `LocalStore`."""

    store: LocalStore

    def remove(self, key: str, version: str) -> bool:
        there = self.store.stat(key)
        if there is not None and there.version != version:
            return False
        durable.remove([self.store.root / key])
        return True

    def sweep_temporary(self, before: dt.datetime) -> int:
        swept = 0
        folder = self.store.root / TEMPORARY
        with durable.refusals(folder), contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(folder):
                with contextlib.suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    # a second name is younger than the file it is of
                    since = facts.st_ctime if facts.st_nlink > 1 else facts.st_mtime
                    if since < before.timestamp():
                        os.unlink(entry.path)
                        swept += 1
        return swept


@dataclass(frozen=True, slots=True)
class S3Bin:
    """Of an `S3Store`."""

    store: S3Store

    def remove(self, key: str, version: str) -> bool:
        """Remove exactly this version. True where it is gone now, or was; False where another lies in its place.

        `StoreRefused` while it is locked. In a bucket without versions the server compares the ETag as it removes.
        """
        facts = self.store.facts(key, version)
        if facts is None:
            return not version.startswith('"') or self.store.facts(key) is None
        until = facts.get("ObjectLockRetainUntilDate")
        if until is not None and until > dt.datetime.now(dt.UTC):
            raise StoreRefused(
                f"{self.store.where} keeps {key} locked until {until.astimezone(dt.UTC):%F %T} UTC",
                hint="nothing was removed; a lock ends by itself",
            )
        at = self.store.at
        exactly = {"VersionId": facts["VersionId"]} if facts.get("VersionId") else {"IfMatch": facts["ETag"]}
        with at.answers():
            try:
                at.client.delete_object(Bucket=at.bucket, Key=f"{at.prefix}{key}", **exactly)
            except at.client.exceptions.ClientError as error:
                if code_of(error) not in ("412", "PreconditionFailed"):
                    raise
                return False
        return True

    def sweep_temporary(self, before: dt.datetime) -> int:
        """End the uploads that were begun before then and never ended, and remove spooled streams; how many."""
        swept = LocalBin(self.store.spool).sweep_temporary(before)
        at = self.store.at
        pages = at.client.get_paginator("list_multipart_uploads")
        with at.answers():
            for ours in layout.PREFIXES:
                for page in pages.paginate(Bucket=at.bucket, Prefix=f"{at.prefix}{ours}"):
                    begun = [one for one in page.get("Uploads", ()) if one["Initiated"] < before]
                    swept += sum(self._end(one["Key"], one["UploadId"]) for one in begun)
        return swept

    def _end(self, key: str, upload: str) -> bool:
        at = self.store.at
        try:
            at.client.abort_multipart_upload(Bucket=at.bucket, Key=key, UploadId=upload)
        except at.client.exceptions.NoSuchUpload:
            return False
        return True


def of(store: Store) -> Bin:
    """The bin of a store."""
    if isinstance(store, LocalStore):
        return LocalBin(store)
    if isinstance(store, S3Store):
        return S3Bin(store)
    raise UsageError(f"nothing can be removed from {store.where}")
