"""S3, SQS, SNS, SSM and STS on loopback: moto behind a small threaded server."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

from avow.services.servers import ready

# Read when moto is imported.
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
os.environ.setdefault("S3_IGNORE_SUBDOMAIN_BUCKETNAME", "true")


class _Later:
    """Stands for an object of a module that is imported when something of it is first asked for."""

    def __init__(self, package: types.ModuleType, module: str, name: str) -> None:
        self._wanted = package, module, name

    def _found(self) -> Any:
        package, module, name = self._wanted
        found = getattr(importlib.import_module(module), name)
        setattr(package, name, found)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found(), name)

    def __getitem__(self, key: str) -> Any:
        return self._found()[key]


def postpone_ec2() -> None:
    """Make `from moto.ec2 import ec2_backends` cheap: SSM imports EC2 (0.9 s) for a corner."""
    spec = importlib.util.find_spec("moto")
    if spec is None or not spec.submodule_search_locations:
        return
    package = types.ModuleType("moto.ec2")
    package.__path__ = [str(Path(next(iter(spec.submodule_search_locations))) / "ec2")]
    package.ec2_backends = _Later(package, "moto.ec2.models", "ec2_backends")  # type: ignore[attr-defined]
    sys.modules["moto.ec2"] = package


def _application() -> Any:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


class Creation:
    """Creates what avow.toml declares, in the protocol that any client speaks."""

    def __init__(self, application: Any, base: str) -> None:
        from werkzeug.test import Client

        self._client = Client(application)
        self._base = base

    def bucket(self, region: str, name: str) -> None:
        body = b""
        if region != "us-east-1":
            # S3 wants every other region to be said in the body.
            body = (
                "<CreateBucketConfiguration><LocationConstraint>"
                f"{region}</LocationConstraint></CreateBucketConfiguration>"
            ).encode()
        self._send(region, "s3", "PUT", f"/{name}", body, {})

    def queue(self, region: str, name: str) -> None:
        attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        body = {"QueueName": name, "Attributes": attributes}
        self._json(region, "sqs", "AmazonSQS.CreateQueue", "1.0", body)

    def topic(self, region: str, name: str) -> None:
        form = f"Action=CreateTopic&Version=2010-03-31&Name={name}"
        if name.endswith(".fifo"):
            form += "&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=true"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._send(region, "sns", "POST", "/", form.encode(), headers)

    def parameter(self, region: str, name: str, value: str) -> None:
        body = {"Name": name, "Value": value, "Type": "SecureString", "Overwrite": True}
        self._json(region, "ssm", "AmazonSSM.PutParameter", "1.1", body)

    def _json(self, region: str, service: str, target: str, version: str, body: Any) -> None:
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        self._send(region, service, "POST", "/", json.dumps(body).encode(), headers)

    def _send(
        self,
        region: str,
        service: str,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
    ) -> None:
        # moto finds service and region in the credential's scope and verifies nothing of it.
        scope = f"avow/20260101/{region}/{service}/aws4_request"
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        )
        answer = self._client.open(
            path, method=method, data=body, headers=headers, base_url=self._base
        )
        if answer.status_code >= 300:
            raise SystemExit(f"{service} refused: {answer.get_data(as_text=True)}")


def _make_server(application: Any) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):  # type: ignore[misc]
        # Connections stay open between requests, as clients expect of AWS.
        protocol_version = "HTTP/1.1"

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    return make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)


def main() -> None:
    descriptor, settings = ready.settings()
    ready.end_at_once()
    postpone_ec2()
    application = _application()
    server = _make_server(application)
    port = server.server_port
    url = f"http://127.0.0.1:{port}"
    creation = Creation(application, url)
    for region, what, *details in settings["create"]:
        getattr(creation, what)(region, *details)
    ready.tell(descriptor, {"url": url, "host": "127.0.0.1", "port": str(port)})
    server.serve_forever()


if __name__ == "__main__":
    main()
