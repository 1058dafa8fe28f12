"""A store under a prefix of an S3 bucket: ``s3://BUCKET/PREFIX?profile=NAME&endpoint=URL&region=REGION``.

An object is put whole, on the condition that none is there: in one request, or in parts that
are no object until the last request. Where the bucket locks objects, the lock is part of that
request, and is read back after it. A version is the bucket's version id, else the ETag, which
is in quotes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qsl

from interlock.catalog.s3 import S3, code_of
from interlock.errors import (
    ObjectMissing,
    ObjectTaken,
    StoreRefused,
    StoreUnreachable,
    UsageError,
)
from interlock.vault.copying import copied
from interlock.vault.hashing import sha256_of, sha256_of_file
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.protocol import CHUNK_BYTES, Held, OnBytes, Taken
from interlock.vault.stores.upload import Answer, Content, upload

TRIES = 5  # of a put that others interfere with, and of a read that breaks off where it stood

_OPTIONS = {"profile": r"\S+", "endpoint": r"https?://[^\s/?#@]+(/[^\s?#@]*)?", "region": r"[a-z0-9-]+"}
_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "412", "PreconditionFailed"}
_INTERFERED = {
    "412",
    "PreconditionFailed",
    "409",
    "ConditionalRequestConflict",
    "OperationAborted",
    "NoSuchUpload",
}
_NO_LOCKS = {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NotImplemented"}


class S3Store:
    """Objects of a bucket whose keys begin with a prefix.

    ``at`` is where, ``spool`` the folder that streams are written to before their first byte is sent.
    """

    def __init__(self, at: S3, spool: Path) -> None:
        self.at = at
        self.spool = LocalStore(spool)

    @classmethod
    def of(cls, address: str, spool: Path) -> Self:
        """`UsageError` for any other address, which is not repeated: it may hold a secret."""
        url, _, query = address.partition("?")
        given = parse_qsl(query, keep_blank_values=True)
        how = dict(given)
        if len(how) < len(given) or not all(re.fullmatch(_OPTIONS.get(k, ""), v) for k, v in given):
            raise UsageError(
                "this is no address of a store on S3",
                hint="write s3://BUCKET/PREFIX, then perhaps ?profile=NAME&endpoint=https://HOST:PORT&region=REGION; "
                "credentials are those of the AWS tools, never part of it",
            )
        # A put's checksum is ours, and whoever reads compares with the digest it knows.
        required = {
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        return cls(S3.of(url, **how, **required), spool)

    @property
    def where(self) -> str:
        return self.at.where

    @functools.cached_property
    def locks(self) -> bool:
        """What the bucket says. `StoreRefused` where it may not be asked: unlocked by mistake is worse."""
        with self.at.answers():
            try:
                found = self._client.get_object_lock_configuration(Bucket=self.at.bucket)
            except self._client.exceptions.ClientError as error:
                code = code_of(error)
                if code in _NO_LOCKS:
                    return False
                if code == "AccessDenied":
                    raise StoreRefused(
                        f"{self.where}: nobody may tell whether objects can be locked here",
                        hint="allow s3:GetBucketObjectLockConfiguration",
                    ) from None
                raise
        return bool(found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

    # --- putting ----------------------------------------------------------------------

    @property
    def versions(self) -> bool:
        return True

    def take(
        self, source: Path | BinaryIO, on_bytes: OnBytes | None = None, alike: Collection[str] = ()
    ) -> Taken:
        """A file stays where it is; a stream is copied while it is hashed."""
        if isinstance(source, Path):
            return Taken(source, *sha256_of_file(source, on_bytes), ours=False)
        return self.spool.take(source, on_bytes)

    def drop(self, taken: Taken) -> None:
        self.spool.drop(taken)

    def keep(self, taken: Taken, key: str, *, until: dt.datetime | None = None) -> Held:
        held = self._kept(Content.of(taken), key, until)
        self.drop(taken)
        return held

    def put(self, key: str, data: bytes, *, until: dt.datetime | None = None) -> Held:
        return self._kept(Content.of_bytes(key, data), key, until)

    def mend(self, taken: Taken, key: str) -> Held:
        content = Content.of(taken)
        try:
            for attempt in range(TRIES):
                facts = self.facts(key)
                if facts is not None and self._is(key, facts, content):
                    return self._held(key, facts)
                condition = {"IfNoneMatch": "*"} if facts is None else {"IfMatch": facts["ETag"]}
                answer = self._once(content, key, condition, None, attempt)
                if answer is not None:
                    return Held(key, content.size_bytes, _version(answer))
            raise self._busy(key)
        finally:
            self.drop(taken)

    def retain(self, key: str, version: str, until: dt.datetime) -> dt.datetime | None:
        """Locks are of the kind that nobody can shorten or lift (COMPLIANCE). `ObjectMissing`."""
        if not self.locks:
            return None
        facts = self.facts(key, version)
        if facts is None:
            raise self._missing(key, version)
        until = max(_whole_second(until), facts.get("ObjectLockRetainUntilDate", until))
        there = _locked_until(facts)
        if there is not None and there >= until:
            return there
        return self._lock(key, facts.get("VersionId", "null"), until)

    # --- looking ----------------------------------------------------------------------

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """As the protocol has it. One that breaks off goes on where it stood, in the same version."""
        end = None if length is None else start + length
        broken = 0
        while end is None or start < end:
            asked = (
                {}
                if start == 0 and end is None
                else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
            )
            found = self._asked(self._client.get_object, key, version, **asked)
            if found is None:
                raise self._missing(key, version)
            if not found:
                return  # nothing is there from ``start`` on
            version = version or _version(found)
            try:
                with contextlib.closing(found["Body"]) as body:
                    while data := self._piece(body):
                        start, broken = start + len(data), 0
                        yield data
                return
            except StoreUnreachable:
                broken += 1
                if broken == TRIES:
                    raise
        if length == 0 and self.facts(key, version) is None:
            raise self._missing(key, version)

    def fetch(
        self, key: str, out: io.FileIO, on_bytes: OnBytes | None = None, *, version: str | None = None
    ) -> str:
        return copied(self.read(key, version=version), out, on_bytes)[0]

    def stat(self, key: str, *, version: str | None = None) -> Held | None:
        facts = self.facts(key, version)
        return None if facts is None else self._held(key, facts)

    def facts(self, key: str, version: str | None = None) -> Answer | None:
        """What S3 says of an object, None where it is not there. `StoreRefused` where the bucket isn't."""
        return self._asked(self._client.head_object, key, version, ChecksumMode="ENABLED")

    def list(self, prefix: str = "") -> Iterator[Held]:
        """As the protocol has it; a listing does not tell until when an object is locked."""
        pages = self._client.get_paginator("list_object_versions")
        with self.at.answers():
            for page in pages.paginate(Bucket=self.at.bucket, Prefix=f"{self.at.prefix}{prefix}"):
                for one in page.get("Versions", ()):
                    if one["IsLatest"]:
                        yield Held(one["Key"].removeprefix(self.at.prefix), one["Size"], _version(one))

    # --- within -----------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        return self.at.client

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self.at.bucket, "Key": f"{self.at.prefix}{key}"}

    def _asked(self, ask: Callable[..., Answer], key: str, version: str | None, **more: Any) -> Answer | None:
        """The answer about a version of an object: None where it isn't there, empty where it has no such bytes."""
        with self.at.answers():
            for which in _which(version):
                try:
                    return ask(**self._named(key), **which, **more)
                except self._client.exceptions.ClientError as error:
                    if code_of(error) in ("416", "InvalidRange"):
                        return {}
                    if code_of(error) not in _GONE:
                        raise
            self._client.head_bucket(
                Bucket=self.at.bucket
            )  # one that isn't there holds nothing, and lost nothing
        return None

    def _piece(self, body: Any) -> bytes:
        with self.at.answers():
            data: bytes = body.read(CHUNK_BYTES)
            return data

    def _kept(self, content: Content, key: str, until: dt.datetime | None) -> Held:
        if until is not None:
            until = _whole_second(until) if self.locks and until > dt.datetime.now(dt.UTC) else None
        held = (
            self._there(content, key) if content.large else None
        )  # else it would be known with the last part
        for attempt in range(TRIES):
            if held is None:
                answer = self._once(content, key, {"IfNoneMatch": "*"}, until, attempt)
                if answer is not None:
                    held = Held(key, content.size_bytes, _version(answer))
                else:
                    held = self._there(content, key)
            if held is not None:
                return (
                    held
                    if until is None
                    else replace(held, locked_until=self.retain(key, held.version, until))
                )
        raise self._busy(key)

    def _once(
        self,
        content: Content,
        key: str,
        condition: Mapping[str, str],
        until: dt.datetime | None,
        attempt: int,
    ) -> Answer | None:
        """Try to put; None where the condition does not hold, or somebody came between."""
        time.sleep(0.1 * attempt)
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until} if until else {}
        with self.at.answers():
            try:
                return upload(self._client, self._named(key), content, condition, lock)
            except self._client.exceptions.ClientError as error:
                if code_of(error) not in _INTERFERED:
                    raise
        return None

    def _there(self, content: Content, key: str) -> Held | None:
        """The object under ``key``, None where there is none; `ObjectTaken` where it is another.

        S3 tells the size, and the SHA-256 of what went in one piece with it, as all of ours does.
        """
        facts = self.facts(key)
        if facts is None:
            return None
        told = facts.get("ChecksumSHA256", "")
        told = "" if "-" in told else told  # that of the parts' checksums
        same = facts["ContentLength"] == content.size_bytes and told in ("", content.checksum)
        if not same or (content.compared and not told and not self._is(key, facts, content)):
            raise ObjectTaken(
                f"{self.where}/{key} holds something else already",
                hint="nothing was overwritten; `interlock vault scrub --repair` mends it where it should not",
            )
        return self._held(key, facts)

    def _is(self, key: str, facts: Answer, content: Content) -> bool:
        found = self.read(key, version=_version(facts))
        return facts["ContentLength"] == content.size_bytes and sha256_of(found)[0] == content.sha256

    def _lock(self, key: str, version_id: str, until: dt.datetime) -> dt.datetime:
        """Ask for a lock, and believe what is read back, which somebody else may have made longer meanwhile."""
        refused: Exception | None = None
        retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
        with self.at.answers():
            try:
                self._client.put_object_retention(
                    **self._named(key), VersionId=version_id, Retention=retention
                )
            except self._client.exceptions.ClientError as error:
                refused = error
            there = _locked_until(self.facts(key, version_id) or {})
            if there is not None and there >= until:
                return there
            if refused is not None:
                raise refused
        raise StoreRefused(
            f"{self.where}: the bucket says that it locks objects, but {key} is not locked until {until:%F %T}",
            hint="allow s3:PutObjectRetention and s3:GetObjectRetention; look at the bucket's object lock",
        )

    def _held(self, key: str, facts: Answer) -> Held:
        return Held(key, facts["ContentLength"], _version(facts), _locked_until(facts))

    def _missing(self, key: str, version: str | None) -> ObjectMissing:
        which = f"{key} in version {version}" if version else key
        return ObjectMissing(
            f"{self.where} holds no {which}", hint="`interlock vault scrub --repair` fetches it"
        )

    def _busy(self, key: str) -> StoreUnreachable:
        return StoreUnreachable(f"{self.where}: somebody else is writing {key}", hint="try again")


def _which(version: str | None) -> tuple[dict[str, str], ...]:
    """How S3 is asked for it. An ETag is the newest's, else of what lay there before the bucket had versions."""
    if version is None:
        return ({},)
    if version.startswith('"'):
        return {"IfMatch": version}, {"IfMatch": version, "VersionId": "null"}
    return ({"VersionId": version},)


def _version(facts: Answer) -> str:
    version = str(facts.get("VersionId") or "null")
    return str(facts["ETag"]) if version == "null" else version


def _locked_until(facts: Answer) -> dt.datetime | None:
    if facts.get("ObjectLockMode") != "COMPLIANCE":
        return None  # anybody with a certain right can lift the other kind
    until: dt.datetime = facts["ObjectLockRetainUntilDate"]
    return until.astimezone(dt.UTC)


def _whole_second(moment: dt.datetime) -> dt.datetime:
    """Not before ``moment``: S3 drops fractions."""
    return moment.replace(microsecond=0) + dt.timedelta(seconds=moment.microsecond > 0)
