from pathlib import Path

import pytest

from stacks import InvalidEnvironmentsError, load_environments

SHARED = """\
account: "111111111111"
region: ap-northeast-2
repositories: {payments/api: }
registry:
  replication:
    rules:
      - repository_filters: [payments/]
        destinations:
"""
DR = 'account: "222222222222"\nregion: us-west-2\n'


def problems(folder: Path, *destinations: str, dr: str = DR) -> list[str]:
    lines = "".join(f"          - {destination}\n" for destination in destinations)
    (folder / "shared.yaml").write_text(SHARED + lines)
    (folder / "dr.yaml").write_text(dr)
    try:
        load_environments(folder)
    except InvalidEnvironmentsError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


def test_an_environment_stands_for_its_account_and_region(tmp_path: Path) -> None:
    assert problems(tmp_path, "environment: dr") == []
    [rule] = load_environments(tmp_path)["shared"].replication_rules
    [destination] = rule.destinations
    assert (destination.region, destination.registry_id) == ("us-west-2", "222222222222")


def test_an_unknown_one_is_told_at_its_line(tmp_path: Path) -> None:
    assert problems(tmp_path, "region: us-east-1", "environment: drr") == [
        "shared.yaml:10: registry.replication.rules[0].destinations[1].environment:"
        " a destination's 'environment' must be that of an environment file, got 'drr';"
        " did you mean 'dr'?"
    ]


def test_what_is_wrong_after_it_is_told_at_its_own_place(tmp_path: Path) -> None:
    found = problems(tmp_path, "environment: drr", "region: us-west-9", "environment: dr")
    assert [problem.split(": ")[1] for problem in found] == [
        "registry.replication.rules[0].destinations[0].environment",
        "registry.replication.rules[0].destinations[1].region",
    ]


def test_a_destination_twice_by_both_ways(tmp_path: Path) -> None:
    other = "{region: us-west-2, registry_id: '222222222222'}"
    [problem] = problems(tmp_path, "environment: dr", other)
    assert "must not repeat a destination" in problem


@pytest.mark.parametrize("dr", ["account: 222\nregion: us-west-2\n", "- x\n", "a: [\n"])
def test_a_broken_file_is_told_once_and_not_of_those_that_name_it(tmp_path: Path, dr: str) -> None:
    found = problems(tmp_path, "environment: dr", dr=dr)
    assert found
    assert all(problem.startswith("dr.yaml:") for problem in found)


def test_an_environment_is_all_that_a_destination_takes(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "{environment: dr, registry_id: '333333333333'}")
    assert problem.endswith("got 'environment' and 'registry_id'")


def test_an_unknown_key_beside_it_is_told(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "{environment: dr, regoin: x}")
    assert "unknown key 'regoin'; did you mean 'region'?" in problem
