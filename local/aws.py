"""AWS: an API on loopback that stands in for it, and clients for its accounts."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from local.ecr_gaps import fill_gaps


@dataclass(frozen=True, kw_only=True)
class LocalAws:
    """A running API. It forgets everything when it ends."""

    endpoint: str

    @property
    def environ(self) -> dict[str, str]:
        """The variables that send any AWS client of a child process here, and nowhere else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def credentials(self, account: str) -> dict[str, str]:
        """The variables of credentials of an account, by a role of it."""
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        sts = boto3.client("sts", region_name="us-east-1", endpoint_url=self.endpoint, **keys)
        role = f"arn:aws:iam::{account}:role/local"
        found = sts.assume_role(RoleArn=role, RoleSessionName="local")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    def client(self, service: str, *, account: str, region: str) -> Any:
        """A boto3 client in an account."""
        keys = {name.lower(): value for name, value in self.credentials(account).items()}
        return boto3.client(service, region_name=region, endpoint_url=self.endpoint, **keys)


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    """Start the API on a free port of 127.0.0.1, and end it."""
    fill_gaps()
    # It logs every request otherwise.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield LocalAws(endpoint=f"http://{host}:{port}")
    finally:
        server.stop()
