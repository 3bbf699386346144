"""OpenStack Swift with its S3 interface, as Debian packages it, on loopback.

One device, one replica: its account, container and object servers are the real ones.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

PROGRAMS = (
    "swift-proxy-server",
    "swift-account-server",
    "swift-container-server",
    "swift-object-server",
    "swift-ring-builder",
)
MISSING = "OpenStack Swift (Debian: swift-{proxy,account,container,object}) is not installed"
START_S = 60.0
PAGE = 100
"""Names in one answer to a list; services have 1,000."""
USER, KEY = "test:tester", "testing-key"
_PROXY = f"""\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {{port}}
swift_dir = {{folder}}
workers = 2
user = {{user}}
log_name = proxy

[pipeline:main]
pipeline = catch_errors proxy-logging cache s3api tempauth slo proxy-logging proxy-server

[app:proxy-server]
use = egg:swift#proxy
# Beside other tests its servers take longer than the usual half a second.
conn_timeout = 10
account_autocreate = true
allow_account_management = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:proxy-logging]
use = egg:swift#proxy_logging
access_log_facility = LOG_LOCAL1

# The authentication wants a cache; one that never answers will do.
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
# A page of names is {PAGE} long.
max_bucket_listing = {PAGE}

# Uploads in parts need it.
[filter:slo]
use = egg:swift#slo

[filter:tempauth]
use = egg:swift#tempauth
user_{USER.replace(":", "_")} = {KEY} .admin
"""
_SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 1
user = {user}
log_name = {kind}

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket of a running object store."""

    endpoint: str
    name: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that reach it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }


def is_installed() -> bool:
    """Tell whether Swift can be started here."""
    return all(map(shutil.which, PROGRAMS)) and Path("/etc/swift/swift.conf").exists()


@contextmanager
def swift(folder: Path, bucket: str = "cubes") -> Iterator[Bucket]:
    """Run Swift with its data in `folder`, whose file system keeps extended attributes."""
    kinds = ("account", "container", "object")
    ports = dict(zip((*kinds, "proxy"), _free_ports(4), strict=True))
    (folder / "devices" / "d1").mkdir(parents=True)
    shutil.copy("/etc/swift/swift.conf", folder)
    user = os.environ.get("USER", "root")
    for kind in kinds:
        _ring(folder, kind, ports[kind])
    with ExitStack() as stack:
        for kind, port in ports.items():
            text = _PROXY if kind == "proxy" else _SERVER
            conf = folder / f"{kind}-server.conf"
            conf.write_text(text.format(port=port, folder=folder, user=user, kind=kind))
            stack.enter_context(_started(f"swift-{kind}-server", conf))
        made = Bucket(endpoint=f"http://127.0.0.1:{ports['proxy']}", name=bucket)
        _make_bucket(made)
        yield made


def client_of(bucket: Bucket) -> Any:  # noqa: ANN401  # boto3 makes its clients' types as it runs
    """Return a client of another make, for the oracle's side of a test."""
    return boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        aws_access_key_id=USER,
        aws_secret_access_key=KEY,
        region_name="us-east-1",
    )


def _ring(folder: Path, kind: str, port: int) -> None:
    builder = str(folder / f"{kind}.builder")
    for arguments in (
        ("create", "4", "1", "1"),
        ("add", f"r1z1-127.0.0.1:{port}/d1", "1"),
        ("rebalance",),
    ):
        subprocess.run(["swift-ring-builder", builder, *arguments], check=True, capture_output=True)


@contextmanager
def _started(program: str, conf: Path) -> Iterator[None]:
    with conf.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(conf), "--verbose"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _make_bucket(bucket: Bucket) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            client_of(bucket).create_bucket(Bucket=bucket.name)
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
