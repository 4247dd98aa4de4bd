"""The command, with images that an AWS API holds: pushed, read in pages, and left as they are."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from click.testing import CliRunner, Result
from moto.awslambda.models import lambda_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecr.models import ecr_backends
from moto.ecs.models import ecs_backends

from cli.__main__ import ecr
from ecr_constructs import parse_lifecycle_policy
from local.aws import LocalAws, local_aws

# Of these tests alone: moto's accounts are one for the whole process.
ACCOUNT = "777777777777"
REGION = "ap-northeast-2"
MANY = 2500
ENVIRONMENT = f"""
account: "{ACCOUNT}"
region: {REGION}
assume_role: {{role_arn: "arn:aws:iam::{ACCOUNT}:role/terraform", external_id: preview}}
repositories:
  payments/api:
    lifecycle_rules:
      - {{tag_pattern_list: ["v*"], max_image_count: 100}}
      - {{tag_status: untagged, max_image_age_days: 7}}
      - {{max_days_since_image_transitioned: 90}}
      - {{max_image_age_days: 30}}
  payments/worker: {{lifecycle_rules: [{{max_image_count: 1}}]}}
  platform/new: {{lifecycle_rules: [{{max_image_count: 1}}]}}
  report: {{lifecycle_rules: [{{max_image_count: 1}}]}}
"""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LIST = "application/vnd.oci.image.index.v1+json"
NOW = datetime.now(UTC)


def manifest(number: int) -> str:
    layer = {"size": 1, "digest": f"sha256:{number:064x}", "mediaType": "x"}
    config = {"size": 1_000_000, "digest": f"sha256:{number:064x}", "mediaType": "x"}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    )


def push(client: Any, repository_name: str, number: int, *tags: str) -> str:
    """Push an image by the API that docker pushes by, and give its digest."""
    digest = ""
    for tag in tags or ("",):
        answer = client.put_image(
            repositoryName=repository_name,
            imageManifest=manifest(number),
            **({"imageTag": tag} if tag else {}),
        )
        digest = answer["image"]["imageId"]["imageDigest"]
    return str(digest)


def aged(repository_name: str, digest: str, **times: Any) -> None:
    """Have the API tell other times and another status of an image."""
    repository = ecr_backends[ACCOUNT][REGION].repositories[repository_name]
    [image] = [i for i in repository.images if i.get_image_digest() == digest]
    for name, value in times.items():
        setattr(image, name, value)


class Held:
    """What the tests have pushed."""

    old: list[str]
    """Digests of images that rules delete: versions, then untagged, then others."""
    archived: str
    index: str
    child: str


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with local_aws() as running:
        yield running


@pytest.fixture(scope="module")
def held(aws: LocalAws) -> Held:
    client = aws.client("ecr", account=ACCOUNT, region=REGION)
    for name in ("payments/api", "payments/worker", "report"):
        client.create_repository(repositoryName=name)
    with ThreadPoolExecutor(2) as pool:
        numbers = range(MANY)
        pushed = list(pool.map(lambda n: push(client, "payments/api", n, f"v1.{n}"), numbers))
    # One second apart, the last one the youngest.
    for number, digest in enumerate(pushed):
        age = timedelta(days=1, seconds=MANY - number)
        aged("payments/api", digest, image_pushed_at=int((NOW - age).timestamp()))
    found = Held()
    found.old = pushed[: MANY - 100]
    untagged = push(client, "payments/api", MANY)
    aged("payments/api", untagged, image_pushed_at=int((NOW - timedelta(days=8)).timestamp()))
    other = push(client, "payments/api", MANY + 1, "main")
    aged("payments/api", other, image_pushed_at=int((NOW - timedelta(days=31)).timestamp()))
    found.archived = push(client, "payments/api", MANY + 2, "v0.1")
    aged(
        "payments/api",
        found.archived,
        image_status="ARCHIVED",
        image_pushed_at=int((NOW - timedelta(days=400)).timestamp()),
        last_archived_at=int((NOW - timedelta(days=91)).timestamp()),
    )
    found.old += [untagged, other, found.archived]
    found.child = push(client, "payments/worker", MANY + 3)
    aged("payments/worker", found.child, image_pushed_at=int((NOW - timedelta(days=2)).timestamp()))
    report = push(client, "report", MANY + 4, "v1")
    aged("report", report, image_pushed_at=int((NOW - timedelta(days=2)).timestamp()))
    push(client, "report", MANY + 5, "v2")
    found.index = "sha256:" + "f" * 64
    listed = {
        "schemaVersion": 2,
        "mediaType": LIST,
        "manifests": [{"mediaType": MANIFEST, "digest": found.child, "size": 1}],
    }
    client.put_image(
        repositoryName="payments/worker",
        imageManifest=json.dumps(listed),
        imageManifestMediaType=LIST,
        imageDigest=found.index,
        imageTag="v1",
    )
    return found


@pytest.fixture(scope="module")
def in_use(aws: LocalAws, held: Held) -> None:
    """A service, a task and a function, and what nobody runs."""
    ecs = aws.client("ecs", account=ACCOUNT, region=REGION)
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"

    def register(family: str, reference: str) -> None:
        containers = [{"name": "app", "image": reference, "memory": 128}]
        ecs.register_task_definition(family=family, containerDefinitions=containers)

    ecs.create_cluster(clusterName="prod")
    # A service still runs the first one; nobody runs the second.
    register("api", f"{registry}/payments/api:v1.7")
    ecs.create_service(cluster="prod", serviceName="api", taskDefinition="api:1", desiredCount=0)
    register("api", f"{registry}/payments/api:v1.8")
    register("api", f"{registry}/payments/api:v1.{MANY - 1}")
    register("batch", f"{registry}/payments/api:v1.9")
    ecs.run_task(cluster="prod", taskDefinition="batch:1", launchType="FARGATE")
    register("batch", f"{registry}/payments/api:v1.{MANY - 1}")
    iam = aws.client("iam", account=ACCOUNT, region=REGION)
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    with pytest.MonkeyPatch.context() as patched:
        # So that a function has the digest of its image.
        patched.setenv("MOTO_LAMBDA_STUB_ECR", "false")
        aws.client("lambda", account=ACCOUNT, region=REGION).create_function(
            FunctionName="report",
            Role=role,
            PackageType="Image",
            Code={"ImageUri": f"{registry}/report:v1"},
        )


@pytest.fixture
def asked(
    aws: LocalAws, held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, str]]:
    """The calls of AWS's APIs that a test makes, as they happen: service and operation."""
    (tmp_path / "shop.yaml").write_text(ENVIRONMENT)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws.environ.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("ECR_ENVIRONMENTS", str(tmp_path))
    calls: list[tuple[str, str]] = []
    make = botocore.client.BaseClient._make_api_call

    def record(self: Any, operation: str, arguments: Any) -> Any:
        calls.append((self.meta.service_model.service_name, operation))
        return make(self, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", record)
    return calls


def preview(*arguments: str, stdin: str | None = None) -> Result:
    command = ["lifecycle", "preview", *arguments]
    found = CliRunner().invoke(ecr, command, input=stdin)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def objects(*arguments: str) -> list[dict[str, Any]]:
    found = preview("--environment", "shop", "--format", "json", *arguments)
    assert found.exit_code == 0, found.stderr
    written: list[dict[str, Any]] = json.loads(found.stdout)
    return written


@pytest.mark.e2e
def test_reads_every_image_in_pages_and_decides(held: Held, asked: list[tuple[str, str]]) -> None:
    found = objects("--repository", "payments/api")
    assert len(found) == MANY + 3
    assert {o["imageDigest"] for o in found if o["action"] == "expire"} == set(held.old)
    rules = {o["imageDigest"]: o["rulePriority"] for o in found}
    assert [rules[digest] for digest in held.old[-3:]] == [2, 4, 3]
    assert asked.count(("ecr", "DescribeImages")) == 3


@pytest.mark.e2e
def test_tells_of_all_repositories_and_of_a_new_one(asked: list[tuple[str, str]]) -> None:
    found = preview("--environment", "shop")
    assert found.exit_code == 0
    rows = {
        cells[0]: cells[1:]
        for line in found.stdout.splitlines()
        if len(cells := re.split(r"\s{2,}", line.strip())) > 3
    }
    assert rows["payments/api"][:2] == ["100 (100.0 MB)", f"{MANY - 97:,} (2.4 GB)"]
    assert rows["payments/api"][3:] == [f"1 ({MANY - 100:,}), 2 (1), 3 (1), 4 (1)"]
    assert "platform/new: it does not exist yet" in found.stdout
    assert found.stderr.splitlines() == [
        f"payments/api: {MANY + 3:,} images",
        "payments/worker: 2 images",
        "platform/new: 0 images",
        "report: 2 images",
    ]


# All that the command may call, each of which it does.
READS = {
    "AssumeRole",
    "BatchGetImage",
    "DescribeImages",
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeTasks",
    "GetCallerIdentity",
    "GetFunction",
    "GetLifecyclePolicy",
    "ListClusters",
    "ListFunctions",
    "ListServices",
    "ListTaskDefinitionFamilies",
    "ListTasks",
}


def everything() -> dict[str, Any]:
    """What the APIs hold."""
    ecr_, ecs = ecr_backends[ACCOUNT][REGION], ecs_backends[ACCOUNT][REGION]
    return {
        "repositories": {
            name: (
                repository.policy,
                repository.lifecycle_policy,
                [{key: str(value) for key, value in vars(i).items()} for i in repository.images],
            )
            for name, repository in ecr_.repositories.items()
        },
        "ecs": {
            "definitions": {name: sorted(held) for name, held in ecs.task_definitions.items()},
            "services": {name: s.task_definition for name, s in ecs.services.items()},
            "tasks": {name: sorted(held) for name, held in ecs.tasks.items()},
        },
        "functions": [f.function_arn for f in lambda_backends[ACCOUNT][REGION].list_functions()],
    }


@pytest.mark.e2e
def test_writes_nothing(in_use: None, asked: list[tuple[str, str]]) -> None:
    before = everything()
    for status, more in (
        (0, []),
        (0, ["--against", "deployed"]),
        (3, ["--keep-in-use", "live"]),
        (0, ["--manifests"]),
    ):
        assert preview("--environment", "shop", *more).exit_code == status
    assert {operation for _, operation in asked} == READS
    assert everything() == before
    assert all(before["ecs"].values())
    assert before["functions"]
    # ECR records what is read of a manifest as a pull: only where it is asked for.
    asked.clear()
    preview("--environment", "shop")
    assert ("ecr", "BatchGetImage") not in asked


@pytest.mark.e2e
def test_reads_what_manifest_lists_hold_where_that_is_asked_for(
    held: Held, asked: list[tuple[str, str]]
) -> None:
    [child, _] = objects("-r", "payments/worker")
    assert (child["imageDigest"], child["action"]) == (held.child, "expire")
    assert "1 manifest list is not read" in preview("-e", "shop", "-r", "payments/worker").stdout
    [child, _] = objects("-r", "payments/worker", "--manifests")
    assert child["action"] == "keep"
    assert child["reason"].startswith(f"manifest list {held.index} refers to it and stays")


@pytest.mark.e2e
def test_the_policy_comes_back_as_it_was_put_and_changes_nothing(
    aws: LocalAws, held: Held, asked: list[tuple[str, str]]
) -> None:
    client = aws.client("ecr", account=ACCOUNT, region=REGION)
    # moto knows no rules for the archive.
    rules = [
        {"rulePriority": 1, "tagStatus": "tagged", "tagPatternList": ["v*"], "countNumber": 100},
        {"rulePriority": 2, "tagStatus": "any", "countNumber": 5000},
    ]
    document = {
        "rules": [
            {
                "rulePriority": rule.pop("rulePriority"),
                "selection": {**rule, "countType": "imageCountMoreThan"},
                "action": {"type": "expire"},
            }
            for rule in rules
        ]
    }
    text = json.dumps(document, indent=4, sort_keys=True)
    Path("policy.json").write_text(text)
    client.put_lifecycle_policy(repositoryName="payments/api", lifecyclePolicyText=text)
    try:
        back = client.get_lifecycle_policy(repositoryName="payments/api")["lifecyclePolicyText"]
        assert parse_lifecycle_policy(back) == parse_lifecycle_policy(text)
        same = objects("-r", "payments/api", "-p", "policy.json", "--against", "deployed")
        assert same == []
        changed = objects("-r", "payments/api", "--against", "deployed")
        assert {o["imageDigest"] for o in changed} == set(held.old[-3:])
        assert {o["before"]["action"] for o in changed} == {"keep"}
    finally:
        client.delete_lifecycle_policy(repositoryName="payments/api")
    assert len(objects("-r", "payments/api", "--against", "deployed")) == len(held.old)


@pytest.mark.e2e
def test_what_ecs_and_lambda_use_must_survive(in_use: None, asked: list[tuple[str, str]]) -> None:
    found = preview("-e", "shop", "-r", "payments/api", "-r", "report", "--keep-in-use", "live")
    assert found.exit_code == 3
    lines = [line for line in found.stderr.splitlines() if "is in use by" in line]
    assert [re.split(r" \(|, and would be", line)[0] for line in lines] == [
        "payments/api: v1.9",
        "payments/api: v1.7",
        "report: v1",
    ]
    assert "is in use by task " in lines[0]
    assert "task definition" not in lines[0]
    assert "task definition api:1" in lines[1]
    assert "function report:$LATEST" in lines[2]
    # A task, its family's newest definition, that of the service and its family's, a function.
    assert found.stderr.startswith("ECS and Lambda: 5 images in use\n")


@pytest.mark.e2e
def test_shows_pages_on_a_terminal(asked: list[tuple[str, str]]) -> None:
    project = Path(__file__).parent.parent
    command = [sys.executable, "-m", "cli", "lifecycle", "preview", "-e", "shop"]
    main, end = pty.openpty()
    process = subprocess.Popen(
        [*command, "-r", "payments/api"],
        cwd=project,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.DEVNULL,
        stderr=end,
    )
    os.close(end)
    shown = b""
    # A terminal whose other end is closed has an error instead of an end.
    with suppress(OSError):
        while part := os.read(main, 4096):
            shown += part
    os.close(main)
    assert process.wait() == 0
    assert re.search(rb"reading payments/api: [12],[05]0[03] images", shown), shown


@pytest.mark.e2e
def test_fails_with_an_image_that_is_none(aws: LocalAws, asked: list[tuple[str, str]]) -> None:
    client = aws.client("ecr", account=DEFAULT_ACCOUNT_ID, region=REGION)
    client.create_repository(repositoryName="weird")
    try:
        client.put_image(
            repositoryName="weird", imageManifest=manifest(1), imageDigest="sha512:" + "a" * 64
        )
        Path("policy.json").write_text(
            '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType":'
            ' "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]}'
        )
        found = preview("-p", "policy.json", "-r", "weird", "--region", REGION)
    finally:
        client.delete_repository(repositoryName="weird", force=True)
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr == (
        f"weird: sha512:{'a' * 64}: imageDigest: imageDigest must be 'sha256:' and 64 hexadecimal"
        f" digits in lowercase, got 'sha512:{'a' * 64}'\n"
    )


@pytest.mark.e2e
def test_asks_for_a_repository_by_a_policy_alone(held: Held, asked: list[tuple[str, str]]) -> None:
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
        "action": {"type": "expire"},
    }
    Path("policy.json").write_text(json.dumps({"rules": [rule]}))
    found = preview("-p", "policy.json", "-r", "payments/api", "--region", REGION)
    assert found.exit_code == 2
    assert found.stderr == (
        "AWS refuses DescribeImages: The repository with name 'payments/api' does not exist in the"
        f" registry with id '{DEFAULT_ACCOUNT_ID}' (RepositoryNotFoundException)\n"
    )
    missing = preview("-p", "policy.json", "-r", "payments/api")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr == "a Region is needed, got none; write --region, or set AWS_REGION\n"


@pytest.mark.e2e
def test_fails_with_a_repository_that_does_not_exist(asked: list[tuple[str, str]]) -> None:
    found = preview("-e", "shop", "-r", "platform/new", "-f", "json")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "'platform/new' does not exist" in found.stderr


@pytest.mark.e2e
def test_fails_with_credentials_of_another_account(
    asked: list[tuple[str, str]], tmp_path: Path
) -> None:
    lines = [line for line in ENVIRONMENT.splitlines() if not line.startswith("assume_role")]
    (tmp_path / "shop.yaml").write_text("\n".join(lines))
    found = preview("-e", "shop")
    assert found.exit_code == 2
    assert found.stderr == (
        f"the AWS credentials must be of account {ACCOUNT}, got {DEFAULT_ACCOUNT_ID}\n"
    )


@pytest.mark.e2e
def test_asks_as_the_caller_where_that_is_wanted(asked: list[tuple[str, str]]) -> None:
    found = preview("-e", "shop", "--no-assume-role")
    assert found.exit_code == 2
    assert f"must be of account {ACCOUNT}, got {DEFAULT_ACCOUNT_ID}" in found.stderr
    assert asked == [("sts", "GetCallerIdentity")]


@pytest.mark.e2e
def test_fails_without_credentials(
    asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for as_caller in ([], ["--no-assume-role"]):
        found = preview("-e", "shop", *as_caller)
        assert found.exit_code == 2
        assert found.stderr == (
            "AWS credentials are needed, got none; sign in, or set AWS_PROFILE\n"
        )


def refusing(code: str) -> ThreadingHTTPServer:
    """An API that refuses everything."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": code, "message": "no"}).encode()
            if "x-www-form-urlencoded" in self.headers["Content-Type"]:
                body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredTokenException", "the AWS credentials have expired; sign in again"),
        ("ExpiredToken", "the AWS credentials have expired; sign in again"),
        ("ThrottlingException", "AWS takes no more requests for now, also after several attempts"),
        ("UnrecognizedClientException", "AWS does not know the credentials; sign in again"),
        ("AccessDeniedException", "AWS refuses DescribeImages"),
    ],
)
def test_fails_where_aws_refuses(
    asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, code: str, sentence: str
) -> None:
    server = refusing(code)
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
        Path("policy.json").write_text(
            '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType":'
            ' "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]}'
        )
        arguments = ["-p", "policy.json", "-r", "payments/api", "--region", REGION]
        for found in (preview(*arguments), preview("-e", "shop")):
            assert (found.exit_code, found.stdout) == (2, "")
            assert sentence.replace("DescribeImages", "") in found.stderr
            assert len(found.stderr.splitlines()) == 1
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.e2e
def test_runs_as_a_program(asked: list[tuple[str, str]]) -> None:
    project = Path(__file__).parent.parent
    command = [sys.executable, "-m", "cli", "lifecycle", "preview", "-e", "shop", "-f", "markdown"]
    found = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, env=os.environ.copy()
    )
    assert found.returncode == 0, found.stderr
    assert "| payments/api | 100 (100.0 MB) |" in found.stdout
    assert f"{MANY - 97 - 50:,} more are not listed here." in found.stdout
