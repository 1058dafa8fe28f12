"""A real S3 server of the tests' own, with versions and object lock: SeaweedFS on free ports of 127.0.0.1.

Two users, each of whom sees their own buckets alone: ``main`` and ``replica``. The filer knows no
locks: through it tests damage and remove objects from underneath.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

OWNER, MAIN, REPLICA = "owner", "main", "replica"
REGION = "us-east-1"
RIGHTS = (
    "Read",
    "Write",
    "List",
    "GetObjectRetention",
    "PutObjectRetention",
    "GetBucketObjectLockConfiguration",
)
_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")
_START_S = 60
_SOCKETS = "/tmp/seaweedfs-*-grpc-{}.sock"  # the one thing it writes elsewhere
_buckets = itertools.count(1)


def secret(who: str) -> str:
    return f"s3cr3t-of-{who}"


def flipped(data: bytes) -> bytes:
    """One bit in the middle is another."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]


@dataclass
class Server:
    """``s3`` is the port clients use, ``filer`` that of what lies underneath, ``folder`` holds everything."""

    folder: Path
    ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def s3(self) -> int:
        return self.ports["s3.port"]

    @property
    def filer(self) -> int:
        return self.ports["filer.port"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.s3}"

    @property
    def environment(self) -> dict[str, str]:
        """With it AWS clients find each user's credentials by a profile of that name."""
        return {
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    # --- what clients see -------------------------------------------------------------

    def client(self, who: str = OWNER) -> Any:
        if who not in self.clients:
            self.clients[who] = boto3.client(
                "s3",
                endpoint_url=self.url,
                aws_access_key_id=who,
                aws_secret_access_key=secret(who),
                region_name=REGION,
                config=Config(retries={"total_max_attempts": 1}),
            )
        return self.clients[who]

    def bucket(self, who: str = MAIN, *, lock: bool = True, versions: bool = True) -> str:
        """A new one's name. One that locks has versions."""
        name = f"{who}-{os.getpid()}-{next(_buckets)}"
        client = self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
        if versions and not lock:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def address(self, bucket: str, prefix: str = "", who: str | None = None, url: str | None = None) -> str:
        """Of a store; for the user the bucket is called after, unless told otherwise."""
        query = {"profile": who or bucket.partition("-")[0], "endpoint": url or self.url, "region": REGION}
        return f"s3://{bucket}/{prefix}".rstrip("/") + f"?{urlencode(query)}"

    # --- from underneath, past every lock -----------------------------------------------

    def damage(
        self,
        bucket: str,
        key: str,
        change: Callable[[bytes], bytes] = flipped,
        version: str | None = None,
    ) -> None:
        """Change an object's bytes, the newest version's unless told otherwise; everything else of it stays."""
        self._again(self._place(bucket, key, version), change, lambda name: True)

    def unlock(self, bucket: str, key: str, version: str | None = None) -> None:
        """Take an object's lock away, the newest version's unless told otherwise; everything else of it stays."""
        self._again(self._place(bucket, key, version), bytes, lambda name: "lock" not in name)

    def remove(self, bucket: str, key: str, version: str | None = None) -> None:
        """Remove an object, the newest version unless told otherwise, whatever locks it."""
        self._asked("DELETE", self._place(bucket, key, version)).close()

    def _again(self, place: str, change: Callable[[bytes], bytes], keep: Callable[[str], bool]) -> None:
        with self._asked("GET", place) as answer:
            data, said = answer.read(), answer.headers
        own = {name: value for name, value in said.items() if name.lower().startswith("seaweed-")}
        kept = {name: value for name, value in own.items() if keep(name.lower())}
        self._asked("PUT", place, change(data), **kept, **{"Content-Type": said["Content-Type"]}).close()

    def _place(self, bucket: str, key: str, version: str | None) -> str:
        if version is None:
            version = self.client().head_object(Bucket=bucket, Key=key).get("VersionId")
        return f"/buckets/{bucket}/{key}" + (
            f".versions/v_{version}" if version not in (None, "null") else ""
        )

    def _asked(self, method: str, place: str, data: bytes | None = None, **headers: str) -> Any:
        url = f"http://127.0.0.1:{self.filer}{quote(place)}"
        return urllib.request.urlopen(
            urllib.request.Request(url, data=data, method=method, headers=headers), timeout=30
        )

    # --- its life -----------------------------------------------------------------------

    def start(self) -> None:
        """Start it, over what it held when it was killed, and wait until it answers."""
        places = [f"-{name}={port}" for name, port in self.ports.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    Path(sysconfig.get_path("scripts")) / "weed",
                    f"-logdir={self.folder}",
                    "-alsologtostderr=false",
                    "server",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    f"-dir={self.folder}",
                    *places,
                    "-master.telemetry=false",
                    "-master.electionTimeout=1s",  # else a second start takes ten
                    "-master.volumeSizeLimitMB=64",
                    "-volume.max=0",  # as many as there is place for
                    "-filer",
                    f"-filer.localSocket={self.folder}/filer.sock",
                    "-s3",
                    f"-s3.localSocket={self.folder}/s3.sock",
                    f"-s3.config={self.folder}/users.json",
                    "-s3.autoCreateBucket=false",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
                preexec_fn=with_its_parent(),
            )
        until = time.monotonic() + _START_S
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(BotoCoreError, ClientError, OSError):
                self.client().list_buckets()
                if self._volumes():
                    return
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _volumes(self) -> int:
        """For how many it has place; none before its own parts have found each other."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['master.port']}/dir/status") as answer:
            return int(json.load(answer)["Topology"]["Max"])

    def kill(self) -> None:
        """End it at once; what it acknowledged is there when it starts again."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)
        for name, port in self.ports.items():
            if name.endswith("grpc"):
                for socket_file in Path("/tmp").glob(Path(_SOCKETS.format(port)).name):
                    socket_file.unlink(missing_ok=True)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server in a folder of its own; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-objects-"))
    ports = _free_ports(2 * len(_PORTS))
    made = Server(folder, {name: ports.pop() for plain in _PORTS for name in (plain, f"{plain}.grpc")})
    users: list[dict[str, Any]] = [{"name": OWNER, "actions": ["Admin"]}]
    users += [{"name": who, "actions": [f"{r}:{who}-*" for r in RIGHTS]} for who in (MAIN, REPLICA)]
    for user in users:
        user["credentials"] = [{"accessKey": user["name"], "secretKey": secret(user["name"])}]
    (folder / "users.json").write_text(json.dumps({"identities": users}))
    (folder / "credentials").write_text(
        "".join(
            f"[{who}]\naws_access_key_id={who}\naws_secret_access_key={secret(who)}\n"
            for who in (OWNER, MAIN, REPLICA)
        )
    )
    try:
        made.start()
        yield made
    finally:
        if made.process is not None:
            made.kill()
        shutil.rmtree(folder, ignore_errors=True)


def with_its_parent() -> Callable[[], None]:
    """What a new process does first, to be killed when the one that started it dies, however it dies."""
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def begin() -> None:
        prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return begin


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
