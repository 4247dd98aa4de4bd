"""The command, with images from files: what it prints, and what it refuses."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lifecycle_command import (
    ENVIRONMENT,
    IMAGES,
    NOW,
    POLICY,
    details,
    digest,
    fates,
    objects,
    preview,
    run,
)

from cli.__main__ import ecr

PROJECT = Path(__file__).parent.parent


def test_an_environment_has_a_policy_for_each_repository(folder: Path) -> None:
    found = fates(objects("--environment", "shop"))
    assert found["3"] == (1, "expire")
    assert found["6"] == (None, "keep")
    table = preview("--environment", "shop").stdout
    assert re.search(r"web/storefront +1 \(9.0 MB\) +0 +0 +no policy", table)


def test_a_policy_can_stand_in_for_those_of_an_environment(folder: Path) -> None:
    assert fates(objects("-e", "shop", "-p", "policy.json"))["6"] == (2, "expire")


def test_says_which_images_are_of_no_repository_of_the_environment(folder: Path) -> None:
    stranger = details(7, 1, repositoryName="platform/base")
    (folder / "images.json").write_text(json.dumps([*IMAGES, stranger]))
    assert "platform/base: its images are left aside" in preview("-e", "shop").stderr


def test_another_moment(folder: Path) -> None:
    assert fates(objects("-e", "shop"))["4"] == (2, "keep")
    for when in ("+21d", "+21", (NOW + timedelta(days=21)).isoformat(), "2099-01-01"):
        assert fates(objects("-e", "shop", "--at", when))["4"] == (2, "expire")


def test_what_changes_from_another_policy(folder: Path) -> None:
    stricter = json.loads(json.dumps(POLICY))
    stricter["rules"][0]["selection"]["countNumber"] = 1
    (folder / "stricter.json").write_text(json.dumps(stricter))
    [changed] = objects("-p", "stricter.json", "--against", "policy.json")
    assert (changed["imageDigest"], changed["action"]) == (digest(2), "expire")
    assert changed["before"] == {
        "rulePriority": 1,
        "action": "keep",
        "reason": "rule 1 keeps it: among the 2 youngest",
    }
    table = preview("-p", "stricter.json", "--against", "policy.json").stdout
    assert "stays -> deleted" in table
    assert "payments/api: 1 image fares otherwise" in table
    markdown = preview("-p", "stricter.json", "--against", "policy.json", "-f", "markdown").stdout
    assert "| stays, now deleted |" in markdown


@pytest.mark.parametrize(
    ("use", "line"),
    [
        ("payments/api:v1", "payments/api: v1 (000000000000) is in use by standard input:1, and"),
        (digest(5), "payments/api: untagged (000000000000) is in use"),
        (f"111111111111.dkr.ecr.us-east-1.amazonaws.com/payments/api@{digest(5)}", "in use by"),
    ],
)
def test_what_is_in_use_must_survive(folder: Path, use: str, line: str) -> None:
    found = preview("-p", "policy.json", "--keep-in-use", "-", stdin=f"{use}\n")
    assert found.exit_code == 3
    assert line in found.stderr
    assert "would be deleted: rule" in found.stderr
    # The report is there all the same.
    assert "Total" in found.stdout


def test_what_is_in_use_survives(folder: Path) -> None:
    (folder / "in-use.txt").write_text(
        "payments/api:latest\npayments/api:v9\nnginx:1.27\npublic.ecr.aws/nginx/nginx:1\n"
    )
    found = preview("-p", "policy.json", "--keep-in-use", "in-use.txt")
    assert found.exit_code == 0
    assert found.stderr.splitlines() == [
        "in-use.txt:2: payments/api:v9 is in use, and there is no such image",
        "2 images in use are of other repositories than these",
    ]


def test_an_image_of_another_region_is_another_one(folder: Path) -> None:
    use = "111111111111.dkr.ecr.us-west-2.amazonaws.com/payments/api:v1"
    found = preview("-e", "shop", "--keep-in-use", "-", stdin=use)
    assert found.exit_code == 0


def test_what_is_archived_does_not_survive_either(folder: Path) -> None:
    archive = json.loads(json.dumps(POLICY))
    archive["rules"][0]["action"] = {"type": "transition", "targetStorageClass": "archive"}
    (folder / "archive.json").write_text(json.dumps(archive))
    found = preview("-p", "archive.json", "--keep-in-use", "-", stdin="payments/api:v1")
    assert found.exit_code == 3
    assert "would be archived" in found.stderr


def test_manifest_lists_hold_images_where_their_manifests_are_there(folder: Path) -> None:
    lists = "application/vnd.oci.image.index.v1+json"
    listed = details(7, 3, "v4", imageManifestMediaType=lists)
    (folder / "images.json").write_text(json.dumps({"imageDetails": [*IMAGES, listed]}))
    assert "1 manifest list is not read" in preview("-p", "policy.json").stdout
    manifest = json.dumps({"manifests": [{"digest": digest(5)}]})
    item = {"imageId": {"imageDigest": digest(7)}, "imageManifest": manifest}
    (folder / "manifests.json").write_text(json.dumps({"images": [item], "failures": []}))
    found = {o["imageDigest"]: o for o in objects("-p", "policy.json", "-i", "manifests.json")}
    assert found[digest(5)]["action"] == "keep"
    assert found[digest(5)]["reason"].startswith(f"manifest list {digest(7)} refers to it")


def test_rules_that_never_can_are_told_of(folder: Path) -> None:
    dead = json.loads(json.dumps(POLICY))
    dead["rules"][1]["selection"] = {
        **dead["rules"][0]["selection"],
        "tagPatternList": ["v1*"],
    }
    (folder / "dead.json").write_text(json.dumps(dead))
    found = preview("-p", "dead.json", "-r", "payments/api").stdout
    assert "payments/api: rule 2: a lifecycle rule can never act" in found


def test_a_rule_that_acts_is_not_one_that_never_can(folder: Path) -> None:
    archive = json.loads(json.dumps(POLICY))
    archive["rules"][0]["selection"] = {
        **archive["rules"][1]["selection"],
        "tagStatus": "tagged",
        "tagPatternList": ["v*"],
    }
    archive["rules"][0]["action"] = {"type": "transition", "targetStorageClass": "archive"}
    archive["rules"][1]["selection"]["countNumber"] = 45
    (folder / "archive.json").write_text(json.dumps(archive))
    found = preview("-p", "archive.json", "-r", "payments/api").stdout
    row = next(line for line in found.splitlines() if line.startswith("payments/api "))
    assert row.rstrip().endswith("  1 (1), 2 (1)")
    assert "payments/api: rule 2: an image that a rule archives is out of reach" in found


WRONG = [
    ("{", "images.json:1: a file must be JSON, got"),
    ("[" * 100_000, "images.json: a file must be JSON, got values that are nested too deep or"),
    (
        "1" * 5000,
        "images.json: a file must be JSON, got values that are nested too deep or numbers",
    ),
    (
        '{"imageDetails": [], "NextToken": "x"}',
        "images.json: images must be all of a repository, got NextToken, which says that there are"
        " more; leave out '--max-items'",
    ),
    (
        json.dumps({"images": [{"imageId": {"imageDigest": "x"}, "imageManifest": "[" * 9**6}]}),
        "images.json: images[0]: an image of 'batch-get-image' needs",
    ),
    ('[{"imageDigest": "${x}", "imagePushedAt": 0}]', "images.json: imageDetails[0]: imageDigest:"),
    ("5", "images.json: images must be what 'aws ecr describe-images' or"),
    ("{}", "images.json: images must be what 'aws ecr describe-images' or"),
    ('{"imageDetails": 5}', "images.json: imageDetails: imageDetails must be a list, got 5"),
    (
        '[{"imageDigest": "sha256:x"}]',
        "images.json: imageDetails[0]: imagePushedAt: an image needs",
    ),
    ("[5]", "images.json: imageDetails[0]: an image must be an object, got 5"),
    ('{"images": [{}]}', "images.json: images[0]: an image of 'batch-get-image' needs"),
]


@pytest.mark.parametrize(("text", "line"), WRONG, ids=[text[:20] for text, _ in WRONG])
def test_fails_with_what_holds_no_images(folder: Path, text: str, line: str) -> None:
    (folder / "images.json").write_text(text)
    found = preview("--policy", "policy.json")
    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr.startswith(line)


def test_fails_with_all_images_that_are_wrong_at_once(folder: Path) -> None:
    wrong = [{**IMAGES[0], "imagePushedAt": "x"}, IMAGES[1], {**IMAGES[2], "imageTags": 1}]
    (folder / "images.json").write_text(json.dumps(wrong))
    lines = preview("-p", "policy.json").stderr.splitlines()
    assert [line.split(": ")[1:3] for line in lines] == [
        ["imageDetails[0]", "imagePushedAt"],
        ["imageDetails[2]", "imageTags"],
    ]


def test_fails_with_an_image_that_is_there_twice(folder: Path) -> None:
    (folder / "images.json").write_text(json.dumps([*IMAGES, IMAGES[0]]))
    found = preview("-p", "policy.json", "-f", "json")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "payments/api: images must be of one repository, each once" in found.stderr


def test_fails_with_an_image_of_no_repository_but_for_one_that_is_named(folder: Path) -> None:
    nowhere = {key: value for key, value in IMAGES[0].items() if key != "repositoryName"}
    (folder / "images.json").write_text(json.dumps([nowhere]))
    assert "an image needs repositoryName" in preview("-p", "policy.json").stderr
    [found] = objects("-p", "policy.json", "-r", "payments/api")
    assert found["repositoryName"] == "payments/api"


def test_fails_with_images_that_are_there_twice_in_a_line(folder: Path) -> None:
    (folder / "images.json").write_text(json.dumps([*IMAGES, *IMAGES, IMAGES[0]]))
    assert preview("-p", "policy.json", "-r", "payments/api").stderr == (
        f"payments/api: images must be of one repository, each once, got '{digest(1)}' and 4 more"
        " several times\n"
    )


def test_fails_with_every_file_that_cannot_be_read(folder: Path) -> None:
    (folder / "in-use.txt").write_text("PAYMENTS\n")
    found = preview(
        *("-e", "nowhere", "-p", "none.json", "--against", "none either.json"),
        *("-i", "a.json", "-i", "b.json", "--keep-in-use", "c.txt", "--keep-in-use", "in-use.txt"),
    )
    assert (found.exit_code, found.stdout) == (2, "")
    assert [line.split(":")[0] for line in found.stderr.splitlines()] == [
        "--environment must be one of shop, got 'nowhere'",
        *("none.json", "a.json", "b.json", "none either.json", "c.txt", "in-use.txt"),
    ]
    found = run("explain", "-p", "none.json", "--against", "none either.json")
    assert (found.exit_code, len(found.stderr.splitlines())) == (2, 2)


def test_fails_with_a_name_that_is_none_and_a_policy_that_is_none(folder: Path) -> None:
    found = preview("-p", "none.json", "-r", "a")
    assert found.exit_code == 2
    assert [line.split(":")[0] for line in found.stderr.splitlines()] == [
        "--repository",
        "none.json",
    ]


def test_fails_with_a_file_that_cannot_be_read(folder: Path) -> None:
    (folder / "latin.json").write_bytes(b'["\xe9"]')
    for name, said in {
        "nowhere.json": "a file must be one that can be read, got No such file",
        "environments": "a file must be one that can be read, got Is a directory",
        "latin.json": "a file must be UTF-8 text, got byte 2",
    }.items():
        found = run("preview", "-p", "policy.json", "-i", name)
        assert found.exit_code == 2
        assert found.stderr.startswith(f"{name}: {said}")


def test_fails_with_what_is_no_policy(folder: Path) -> None:
    (folder / "policy.json").write_text('{"rules": [{"rulePriority": 0}], "x": 1}')
    found = preview("-p", "policy.json")
    assert found.exit_code == 2
    assert "policy.json: x: a policy takes no key 'x' here" in found.stderr
    assert "policy.json: rules[0]: a policy needs the key 'selection' here" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--environment or --policy is needed, got neither"),
        (["-e", "prod"], "--environment must be one of shop, got 'prod'"),
        (["-e", "shp"], "did you mean 'shop'?"),
        (["-e", "shop", "-r", "payments/apy"], "did you mean 'payments/api'?"),
        (["-p", "policy.json", "-r", "web"], "--repository: no image of the files is in web"),
        (["-e", "shop", "--region", "us-east-1"], "--region goes without --environment"),
        (["-p", "policy.json", "--region", "us-east-1"], "--region has no effect with --images"),
        (["-e", "shop", "--no-assume-role"], "--no-assume-role goes with --environment, where"),
        (["-p", "policy.json", "--manifests"], "--manifests has no effect with --images"),
        (["-p", "policy.json", "--at", "soon"], "must be a date, a time or days from now"),
        (["-p", "policy.json", "--at", "2026-13-01"], "must be a date, a time or days from now"),
        (["-p", "policy.json", "--at", "0001-01-01T00:00+09:00"], "must be a date, a time or days"),
        (["-p", "-", "--keep-in-use", "-"], "standard input ('-') can be read once"),
        (["-p", "-", "--against", "-"], "standard input ('-') can be read once"),
        (["-p", "policy.json", "-v", "-f", "json"], "--verbose has no effect with --format json"),
        (
            ["-p", "policy.json", "-r", "a"],
            "--repository: repository name must be 2 to 256 characters, got 'a' (1)\n",
        ),
        (["-p", "policy.json", "--keep-in-use", "nowhere"], "nowhere: a file must be one that can"),
        (["-p", "policy.json", "--against", "nowhere"], "nowhere: a file must be one that can"),
        (["-p", "policy.json", "--format", "xml"], "'xml' is not one of"),
        (["-p", ""], "'-p' / '--policy': must be the name of a file, got ''"),
        (["-p", "policy.json", "-i", ""], "'-i' / '--images': must be the name of a file, got ''"),
        (["-p", "policy.json", "--keep-in-use", ""], "must be the name of a file, got ''"),
        (["-p", "policy.json", "--against", ""], "must be the name of a file, got ''"),
        (["-p", "policy.json", "--region", ""], "--region must be a Region, got ''"),
        (["-e", ""], "--environment must be one of shop, got ''\n"),
        (["-e", "shop", "-e", "prod"], "'--environment': can be given once, got it 2 times"),
        (["-p", "policy.json", "-f", "json", "-f", "table"], "can be given once, got it 2 times"),
        (
            ["-e", "environments/shop.yaml"],
            "--environment must be one of shop, got 'environments/shop.yaml'; did you mean 'shop'?",
        ),
        (
            ["-p", "policy.json", "-i", "./images.json"],
            "--images must be another file each time, got 'images.json' twice\n",
        ),
    ],
)
def test_fails_with_arguments(folder: Path, arguments: list[str], said: str) -> None:
    found = preview(*arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr


def test_fails_with_a_policy_and_nothing_to_look_at(folder: Path) -> None:
    found = run("preview", "-p", "policy.json")
    assert found.exit_code == 2
    assert "--policy alone needs --repository or --images" in found.stderr


def test_fails_with_every_problem_of_the_environment_files(folder: Path) -> None:
    (folder / "environments" / "shop.yaml").write_text("account: x\nregions: y\n")
    found = preview("-e", "shop")
    assert found.exit_code == 2
    assert len(found.stderr.splitlines()) == 3
    assert "environments/shop.yaml:1: account: account must be an account id" in found.stderr


def test_explains_a_policy(folder: Path) -> None:
    found = run("explain", "--policy", "policy.json")
    assert found.stdout.splitlines() == [
        "policy.json",
        "  1. All but the 2 youngest images with a tag like 'v*' are deleted.",
        "  2. Images are deleted 30 days after their push, but for those that rule 1 selects.",
    ]


def test_takes_a_policy_as_the_aws_cli_prints_it(folder: Path) -> None:
    answer = {"repositoryName": "a", "lifecyclePolicyText": json.dumps(POLICY)}
    (folder / "answer.json").write_text(json.dumps(answer))
    plain, wrapped = (run("explain", "-p", file) for file in ("policy.json", "answer.json"))
    assert wrapped.exit_code == 0, wrapped.stderr
    assert wrapped.stdout.splitlines()[1:] == plain.stdout.splitlines()[1:]


def test_explains_the_policies_of_an_environment_alike_ones_together(folder: Path) -> None:
    rules = "lifecycle_rules: [{max_image_count: 2, description: the last two}]"
    (folder / "environments" / "shop.yaml").write_text(
        'account: "111111111111"\nregion: us-east-1\n'
        f"repositories: {{aa: {{{rules}}}, bb: {{}}, cc: {{{rules}}}}}\n"
    )
    assert run("explain", "-e", "shop").stdout.splitlines() == [
        "aa, cc",
        "  1. All but the 2 youngest images are deleted. (the last two)",
        "",
        "bb",
        "  There is no policy: images stay for ever.",
    ]


def test_explains_what_differs(folder: Path) -> None:
    found = run("explain", "-e", "shop", "-r", "payments/api", "--against", "policy.json")
    assert found.stdout.splitlines() == ["payments/api", "  nothing differs"]
    found = run("explain", "-e", "shop", "-r", "web/storefront", "--against", "policy.json")
    assert [line[:4] for line in found.stdout.splitlines()[1:]] == ["+ Th", "- 1.", "- 2."]


def test_fails_to_explain_without_one_policy(folder: Path) -> None:
    for arguments, said in (
        ([], "either --environment or --policy is needed, got neither"),
        (["-e", "shop", "-p", "policy.json"], "is needed, got both"),
        (["-p", "policy.json", "-r", "ab"], "--repository goes with --environment"),
        (["-p", "-", "--against", "-"], "standard input ('-') can be read once"),
        (["-p", "policy.json", "--against", "deployed"], "got 'deployed', which goes with 'ecr"),
        (["-e", "environments/shop.yaml"], "; did you mean 'shop'?"),
    ):
        found = run("explain", *arguments)
        assert found.exit_code == 2
        assert said in found.stderr


@pytest.mark.parametrize("command", [[], ["lifecycle"], ["lifecycle", "preview"]])
def test_every_command_tells_how_it_is_used(command: list[str]) -> None:
    found = CliRunner().invoke(ecr, [*command, "--help"])
    assert found.exit_code == 0
    assert "Usage: ecr" in found.stdout
    assert "..." not in found.stdout.partition("Commands:")[2]


def test_a_comparison_shows_only_where_something_changes(folder: Path) -> None:
    stricter = json.loads(json.dumps(POLICY))
    stricter["rules"][0]["selection"]["countNumber"] = 1
    (folder / "stricter.json").write_text(json.dumps(stricter))
    for form in ("table", "markdown"):
        found = preview("-p", "stricter.json", "--against", "policy.json", "-f", form).stdout
        assert "payments/api: 1 image fares otherwise" in found
        assert "web/storefront" not in found
        assert "Total" not in found
        assert "1 repository fares as by the other policy" in found
        same = preview("-p", "policy.json", "--against", "policy.json", "-f", form).stdout
        assert "payments/api" not in same
        assert "2 repositories fare as by the other policy" in same


def test_images_that_are_pushed_later_are_left_aside(folder: Path) -> None:
    found = preview("-p", "policy.json", "-r", "payments/api", "--at", "+0d", "--verbose").stdout
    assert "left aside" not in found
    when = (NOW - timedelta(days=15)).isoformat()
    found = preview("-p", "policy.json", "-r", "payments/api", "--at", when, "--verbose").stdout
    # Of v3, v2 and v1 the youngest is not there yet.
    assert re.search(r"stays +000000000000 +v1 ", found)
    assert "v3" not in found
    note = f"payments/api: 2 images are pushed after {when[:10]} {when[11:16]} UTC, and left aside"
    assert note in found
    assert note in preview("-p", "policy.json", "-f", "json", "--at", when).stderr
    assert "-" not in {line.split("pushed ")[-1][:1] for line in found.splitlines()}
    first = preview("-p", "policy.json", "-r", "payments/api", "--at", "0001-01-01").stdout
    assert "5 images are pushed after 0001-01-01 00:00 UTC, and left aside" in first
    assert digest(1) not in {o["imageDigest"] for o in objects("-p", "policy.json", "--at", when)}


def test_what_is_archived_on_the_way_is_deleted_from_the_archive(folder: Path) -> None:
    (folder / "environments" / "shop.yaml").write_text(
        ENVIRONMENT.replace(
            '[{tag_pattern_list: ["v*"], max_image_count: 2}, {max_image_age_days: 30}]',
            "[{max_image_age_days: 30, action: transition},"
            " {max_days_since_image_transitioned: 90}]",
        )
    )
    # Those over 30 days are archived today, and deleted 90 days later.
    assert (
        fates(objects("-e", "shop", "-r", "payments/api", "--at", "+89d"))["5"][1] == "transition"
    )
    assert fates(objects("-e", "shop", "-r", "payments/api", "--at", "+91d"))["5"] == (2, "expire")
    # Two go now and from the archive, the rest within these 91 days and not yet from there.
    table = preview("-e", "shop", "-r", "payments/api", "--at", "+91d").stdout
    assert table.splitlines()[1].split("  ")[-1] == "1 (5), 2 (2)"


def test_a_policy_to_compare_with_is_read_once(folder: Path) -> None:
    text = "\ufeff" + json.dumps(POLICY)
    found = preview("-p", "policy.json", "--against", "-", stdin=text)
    assert (found.exit_code, found.stderr) == (0, "")
    assert "2 repositories fare as by the other policy" in found.stdout
    assert run("explain", "-p", "-", stdin=text).exit_code == 0


def test_an_empty_repository_is_one(folder: Path) -> None:
    (folder / "images.json").write_text('{"imageDetails": []}')
    found = preview("-p", "policy.json", "-r", "payments/api")
    assert (found.exit_code, found.stderr) == (0, "")
    assert re.search(r"payments/api +0 +0 +0", found.stdout)


def test_says_which_repositories_of_the_environment_no_file_tells_of(folder: Path) -> None:
    (folder / "images.json").write_text(json.dumps(IMAGES[:1]))
    assert preview("-e", "shop").stderr == (
        "repositories of which the files hold no image, and left aside: web/storefront\n"
    )


def test_fails_with_a_folder_that_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECR_ENVIRONMENTS", "/nowhere")
    assert preview("-e", "shop").stderr == (
        "/nowhere: environment files must be in a directory that is there, got '/nowhere'\n"
    )


def program(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a program of its own."""
    command = [sys.executable, "-m", "cli", "lifecycle", *arguments]
    given = {"stdout": subprocess.PIPE, "env": {}, **more}
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}:{PROJECT / 'constructs'}"}
    given["env"] = {**environment, **given["env"]}
    return subprocess.run(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, check=False, **given
    )


PREVIEW = ["preview", "-p", "policy.json", "-i", "images.json"]


def test_tells_of_what_is_in_use_though_nobody_reads_the_report(folder: Path) -> None:
    (folder / "in-use.txt").write_text("payments/api:v1\n")
    reads, writes = os.pipe()
    os.close(reads)
    try:
        found = program(folder, *PREVIEW, "--keep-in-use", "in-use.txt", stdout=writes)
    finally:
        os.close(writes)
    assert found.returncode == 3
    [line] = found.stderr.splitlines()
    assert line.startswith("payments/api: v1 (000000000000) is in use by in-use.txt:1")


@pytest.mark.parametrize("command", [PREVIEW, ["explain", "-p", "policy.json"]])
def test_fails_where_the_answer_cannot_be_written(folder: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        found = program(folder, *command, stdout=full)
    assert (found.returncode, found.stderr) == (
        2,
        "the answer cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize(
    ("redirect", "command", "status", "said"),
    [
        ("<&-", "preview -p - -i images.json", 2, "standard input must be one that can be read"),
        ("<&-", "preview -p policy.json -i images.json --keep-in-use -", 2, "standard input must"),
        (">&-", "preview -p policy.json -i images.json", 0, ""),
        (">&-", "explain -p policy.json", 0, ""),
        ("2>&-", "explain -p nowhere.json", 2, ""),
    ],
)
def test_takes_streams_that_are_closed(
    folder: Path, redirect: str, command: str, status: int, said: str
) -> None:
    line = ["sh", "-c", f"{sys.executable} -m cli lifecycle {command} {redirect}"]
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}:{PROJECT / 'constructs'}"}
    found = subprocess.run(
        line, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert found.returncode == status, found.stderr
    assert found.stderr.startswith(said)
    assert len(found.stderr.splitlines()) == bool(said)


def test_writes_what_the_encoding_of_the_terminal_lacks_otherwise(folder: Path) -> None:
    described = json.loads(json.dumps(POLICY))
    described["rules"][0]["description"] = "releases \u2014 two"
    (folder / "policy.json").write_text(json.dumps(described))
    found = program(folder, "explain", "-p", "policy.json", env={"PYTHONIOENCODING": "latin-1"})
    assert (found.returncode, found.stderr) == (0, "")
    assert "(releases \\u2014 two)" in found.stdout


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_MAX_ATTEMPTS", "abc"), ("AWS_ENDPOINT_URL", "foo"), ("AWS_PROFILE", "nobody")],
)
def test_fails_with_settings_of_aws_that_mean_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    for name, given in {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        variable: value,
    }.items():
        monkeypatch.setenv(name, given)
    arguments = ["-p", "policy.json", "-r", "payments/api", "--region", "us-east-1"]
    for found in (run("preview", *arguments), run("preview", "-e", "shop")):
        assert found.exit_code == 2, found.exception
        assert found.stderr.startswith("AWS cannot be asked: ")
        assert value in found.stderr
        assert len(found.stderr.splitlines()) == 1
