from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.errors import InputError
from cli.in_use import Use, live_uses, use_of, used, uses_of_text
from ecr_constructs import Image, Registry, preview_lifecycle_policy

DIGEST = "sha256:" + "a" * 64
HOME = Registry(account_id="111111111111", region="us-east-1")
ECR = "111111111111.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "digest"),
    [
        ("payments/api:v1.2.3-abc123", "payments/api", "v1.2.3-abc123", ""),
        (f"{ECR}/payments/api:v1", "payments/api", "v1", ""),
        (f"{ECR}/payments/api@{DIGEST}", "payments/api", "", DIGEST),
        (f"{ECR}/payments/api:v1@{DIGEST}", "payments/api", "v1", DIGEST),
        (f"{ECR}/payments/api", "payments/api", "latest", ""),
        ("111111111111.dkr-ecr.us-east-1.on.aws/a--b/c__d:v1", "a--b/c__d", "v1", ""),
        ("111111111111.dkr.ecr-fips.us-east-1.amazonaws.com/ab:v1", "ab", "v1", ""),
        (DIGEST, "", "", DIGEST),
    ],
)
def test_reads_a_reference(reference: str, repository: str, tag: str, digest: str) -> None:
    use = use_of(reference, "who")
    assert use is not None
    assert (use.repository, use.tag, use.digest) == (repository, tag, digest)
    assert use.is_of(HOME)


@pytest.mark.parametrize(
    "reference",
    [
        "public.ecr.aws/nginx/nginx:1",
        "localhost:5000/payments/api:v1",
        "registry.example.com:5000/payments/api",
        "registry:5000/team/app:v1",
        "[::1]:5000/team/app:v1",
        "222222222222.dkr.ecr.us-east-1.amazonaws.com/payments/api:v1",
        "111111111111.dkr.ecr.us-west-2.amazonaws.com/payments/api:v1",
    ],
)
def test_knows_another_registry(reference: str) -> None:
    use = use_of(reference, "who")
    assert use is not None
    assert not use.is_of(HOME)


def test_a_registry_that_is_not_known_may_be_any_of_ecr() -> None:
    named = use_of(f"{ECR}/payments/api:v1", "who")
    public = use_of("public.ecr.aws/nginx/nginx:1", "who")
    assert named is not None and named.is_of(None)  # noqa: PT018
    assert public is not None and not public.is_of(None)  # noqa: PT018


def test_a_digest_counts_more_than_a_tag_that_has_moved() -> None:
    pushed = datetime(2026, 1, 1, tzinfo=UTC)
    moved = Image(image_digest="sha256:" + "b" * 64, image_pushed_at=pushed, image_tags=("v1",))
    both = use_of(f"payments/api:v1@{DIGEST}", "who")
    tagged = use_of("payments/api:v1", "who")
    assert both is not None and not both.names(moved)  # noqa: PT018
    assert tagged is not None and tagged.names(moved)  # noqa: PT018


def test_an_image_is_in_use_once_though_it_has_a_tag_twice() -> None:
    pushed = datetime(2026, 1, 1, tzinfo=UTC)
    image = Image(image_digest=DIGEST, image_pushed_at=pushed, image_tags=("v1", "v1"))
    uses = uses_of_text(f"api:v1\n{DIGEST}\n", "in-use.txt")
    decisions = preview_lifecycle_policy([], [image], at=pushed)
    assert [one.use.who for one in used(uses, "api", decisions)] == ["in-use.txt:1", "in-use.txt:2"]


def test_images_in_use_are_in_the_order_of_the_uses() -> None:
    pushed = datetime(2026, 1, 1, tzinfo=UTC)
    images = [
        Image(image_digest=f"sha256:{n:064x}", image_pushed_at=pushed, image_tags=(f"v{n}",))
        for n in (3, 1, 2)
    ]
    uses = uses_of_text(f"api:v1\napi:v2\nsha256:{3:064x}\napi:v1\n", "in-use.txt")
    decisions = preview_lifecycle_policy([], images, at=pushed)
    found = used(uses, "api", decisions)
    assert [one.use for one in found] == uses
    assert [one.decision.image.image_tags for one in found] == [("v1",), ("v2",), ("v3",), ("v1",)]


def test_reads_lines_but_for_comments() -> None:
    text = f"# what production runs\n\npayments/api:v1  # since May\r\n{DIGEST}\n"
    first, second = uses_of_text(text, "in-use.txt")
    assert first == Use("in-use.txt:3", "payments/api:v1", repository="payments/api", tag="v1")
    assert second.who == "in-use.txt:4"


def test_fails_with_every_line_that_names_no_image() -> None:
    with pytest.raises(InputError) as caught:
        uses_of_text("payments/api:v1\nPAYMENTS\nsha256:abc\n-\nv1.2.0\na/b\n", "in-use.txt")
    lines = caught.value.message.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "in-use.txt:2",
        "in-use.txt:3",
        "in-use.txt:4",
        "in-use.txt:5",
        "in-use.txt:6",
    ]
    assert "got 'PAYMENTS'" in lines[0]
    assert "got 'sha256:abc'" in lines[1]


def test_tells_the_first_lines_of_a_file_of_something_else() -> None:
    with pytest.raises(InputError) as caught:
        uses_of_text("A sentence.\n" * 300, "README.md")
    *first, last = caught.value.message.splitlines()
    assert len(first) == 20
    assert last == "README.md: 280 more lines name no image"


class Api:
    """A client of an AWS API that answers from a table, in pages of one item, and notes calls."""

    def __init__(self, **answers: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**arguments: Any) -> dict[str, Any]:
            self.calls.append((operation, arguments))
            return self._answers[operation](arguments)

        return call

    def get_paginator(self, operation: str) -> "Api.Pages":
        return Api.Pages(self, operation)

    class Pages:
        def __init__(self, api: "Api", operation: str) -> None:
            self._api, self._operation = api, operation

        def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
            arguments.pop("PaginationConfig", None)
            [(key, items)] = getattr(self._api, self._operation)(**arguments).items()
            return [{key: [item]} for item in items] or [{key: []}]


def definition(name: str) -> dict[str, Any]:
    family, revision = name.rsplit("/", 1)[-1].split(":")
    return {
        "taskDefinitionArn": f"arn:task-definition/{family}:{revision}",
        "family": family,
        "revision": int(revision),
        "containerDefinitions": [{"image": f"{ECR}/{family}:{revision}"}, {"name": "none"}],
    }


TASKS = {
    "arn:cluster/prod": [{"image": f"{ECR}/batch:v1", "imageDigest": DIGEST}],
    "arn:cluster/test": [{"image": f"{ECR}/old@{DIGEST}", "imageDigest": DIGEST}, {}],
}
SERVICES: dict[str, list[dict[str, Any]]] = {
    "arn:cluster/prod": [
        {
            "taskDefinition": "arn:task-definition/api:3",
            "deployments": [
                {"taskDefinition": "arn:task-definition/api:3"},
                {"taskDefinition": "arn:task-definition/api:2"},
            ],
        },
        # Something else deploys it.
        {
            "deploymentController": {"type": "EXTERNAL"},
            "taskSets": [{"taskDefinition": "arn:task-definition/web:7"}, {}],
        },
    ],
    "arn:cluster/test": [],
}


def ecs(families: dict[str, int]) -> Api:
    """ECS with two clusters, and the newest revision of some families."""
    return Api(
        list_clusters=lambda _: {"clusterArns": list(TASKS)},
        list_tasks=lambda a: {"taskArns": [f"{a['cluster']}/1"]},
        describe_tasks=lambda a: {
            "tasks": [{"taskArn": t, "containers": TASKS[a["cluster"]]} for t in a["tasks"]]
        },
        list_services=lambda a: {"serviceArns": list(range(len(SERVICES[a["cluster"]])))},
        describe_services=lambda a: {
            "services": [SERVICES[a["cluster"]][number] for number in a["services"]]
        },
        list_task_definition_families=lambda _: {"families": list(families)},
        describe_task_definition=lambda a: {
            "taskDefinition": definition(
                a["taskDefinition"]
                if ":" in a["taskDefinition"]
                else f"{a['taskDefinition']}:{families[a['taskDefinition']]}"
            )
        },
    )


FUNCTIONS = Api(
    list_functions=lambda _: {
        "Functions": [
            {"FunctionName": "zip", "PackageType": "Zip"},
            {"FunctionName": "report", "PackageType": "Image", "Version": "4"},
        ]
    },
    get_function=lambda _: {
        "Code": {"ImageUri": f"{ECR}/report:v1", "ResolvedImageUri": f"{ECR}/report@{DIGEST}"}
    },
)


def test_reads_what_runs_and_what_may_start() -> None:
    api = ecs({"api": 3, "nightly": 9})
    shown: list[str] = []
    found = [(use.who, use.reference) for use in live_uses(api, FUNCTIONS, shown.append)]
    assert found == [
        ("task 1", f"{ECR}/batch:v1@{DIGEST}"),
        ("task 1", f"{ECR}/old@{DIGEST}"),
        ("task definition api:3", f"{ECR}/api:3"),
        ("task definition nightly:9", f"{ECR}/nightly:9"),
        ("task definition api:2", f"{ECR}/api:2"),
        ("task definition web:7", f"{ECR}/web:7"),
        ("function report:4", f"{ECR}/report@{DIGEST}"),
    ]
    assert shown == [
        "tasks of prod",
        "tasks of test",
        *(who for who, _ in found if who.startswith("task definition")),
        "function report",
    ]


def test_reads_everything_once() -> None:
    api = ecs({f"family{number}": 1 for number in range(100)} | {"api": 3})
    list(live_uses(api, FUNCTIONS, lambda _: None))
    operations = [operation for operation, _ in api.calls]
    assert operations.count("list_clusters") == 1
    # Those of the families, and two that services alone still name.
    assert operations.count("describe_task_definition") == 103


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_a_list_of_nothing_is_most_likely_what_a_command_failed_to_write(text: str) -> None:
    with pytest.raises(InputError, match="images in use must be at least one"):
        uses_of_text(text, "in-use.txt")
