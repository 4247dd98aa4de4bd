from pathlib import Path

from test_registries import DR, SHARED, head, load, replicate

THIRD = "333333333333"


def rules(*listed: str) -> str:
    """A section with rules, each `filters -> environment`."""
    written = [
        f"{{destinations: [{{environment: {to}}}]"
        + (f", repository_filters: [{filters}]}}" if filters else "}")
        for filters, to in (rule.split(" -> ") for rule in listed)
    ]
    return f"registry: {{replication: {{rules: [{', '.join(written)}]}}}}\n"


def chains(folder: Path, a: str, b: str) -> list[str]:
    """What is said of b, which replicates what a replicates to it; c is the end."""
    found = load(
        folder,
        a=head(SHARED, "ap-northeast-2", "payments/api: , payments/x/y: , web/z") + a,
        b=head(DR, "us-west-2", "payments/b: , web/b") + b,
        c=head(THIRD, "eu-west-1", "c1"),
    )
    return [
        warning.sentence.partition(", got ")[2].partition(";")[0]
        for warning in found.warnings
        if warning.file.endswith("b.yaml") and "is not replicated on" in warning.sentence
    ]


def test_warns_of_a_chain_of_which_the_first_copies_a_part_to_the_last(tmp_path: Path) -> None:
    a = rules("payments/ -> b", "payments/x/ -> c")
    assert chains(tmp_path, a, rules("payments/ -> c")) == ["'payments/' of a"]


def test_warns_of_a_chain_of_which_the_first_copies_something_else_to_the_last(
    tmp_path: Path,
) -> None:
    a = rules("payments/ -> b", "web/ -> c")
    assert chains(tmp_path, a, rules(" -> c")) == ["'payments/' of a"]


def test_each_prefix_of_a_chain_counts(tmp_path: Path) -> None:
    a = rules("'payments/', 'web/' -> b", "payments/ -> c")
    assert chains(tmp_path, a, rules(" -> c")) == ["'web/' of a"]
    a = rules("'payments/', 'web/' -> b")
    assert chains(tmp_path, a, rules(" -> c")) == ["'payments/', 'web/' of a"]


def test_no_chain_where_the_first_copies_more_to_the_last(tmp_path: Path) -> None:
    a = rules("payments/x/ -> b", "payments/ -> c")
    assert chains(tmp_path, a, rules("payments/x/y -> c")) == []
    assert chains(tmp_path, rules(" -> b", " -> c"), rules("payments/ -> c")) == []


def test_a_chain_of_everything(tmp_path: Path) -> None:
    assert chains(tmp_path, rules(" -> b"), rules(" -> c")) == ["everything of a"]


def test_warns_of_a_chain(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED)),
        b=head(SHARED, "us-west-2", "payments/web")
        + replicate(("eu-west-1", SHARED), filters="payments/web"),
    )
    [warning] = found.warnings
    assert str(warning).endswith(
        "b.yaml:4: warning: registry.replication.rules[0]: what is replicated here is not"
        " replicated on, got 'payments/web' of a; name the destination in the first environment,"
        " too"
    )


def test_no_chain_without_a_shared_prefix(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED)),
        b=head(SHARED, "us-west-2", "web/x") + replicate(("eu-west-1", SHARED), filters="web/"),
    )
    assert found.warnings == ()


def test_replicating_to_each_other_is_no_chain(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED)),
        b=head(SHARED, "us-west-2", "payments/b") + replicate(("ap-northeast-2", SHARED)),
    )
    assert found.warnings == ()


def test_no_chain_where_the_first_names_the_last_too(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        a=head(SHARED, "ap-northeast-2") + replicate(("us-west-2", SHARED), ("eu-west-1", SHARED)),
        b=head(SHARED, "us-west-2", "payments/b") + replicate(("eu-west-1", SHARED)),
    )
    assert found.warnings == ()


def test_the_older_scope_is_that_of_the_registry(tmp_path: Path) -> None:
    statement = "{principals: [{account: '333333333333'}], actions: ['ecr:BatchGetImage']}"
    found = load(
        tmp_path,
        a=head(SHARED, "us-west-2", "aa")
        + "registry: {account_settings: {REGISTRY_POLICY_SCOPE: V1}}\n",
        b=head(SHARED, "us-west-2", "bb") + f"registry: {{policy_statements: [{statement}]}}\n",
    )
    assert [warning.file.rpartition("/")[2] for warning in found.warnings] == ["a.yaml", "b.yaml"]
    assert "does not heed other actions" in found.warnings[1].sentence


def test_replicas_have_the_key_of_where_they_are(tmp_path: Path) -> None:
    a = head(SHARED, "ap-northeast-2") + "repository_defaults: {encryption_type: KMS}\n"
    b = head(DR, "us-west-2", "bb") + "repository_key: {alias: images}\n"
    alone = load(tmp_path, a=a, b=b)
    [warning] = alone.warnings
    assert warning.path == "repository_key"
    assert "should be the key of something" in warning.sentence
    assert load(tmp_path, a=a + rules("payments/ -> b"), b=b).warnings == ()


def test_a_template_for_a_cache_makes_nothing_that_a_filter_could_match(tmp_path: Path) -> None:
    def found(applied_for: str) -> list[str]:
        template = f"hub: {{applied_for: [{applied_for}], image_tag_mutability: MUTABLE}}"
        section = replicate(("us-west-2", DR), filters="hub/").removesuffix("}\n")
        text = f"{section}, creation_templates: {{{template}}}}}\n"
        warnings = load(tmp_path, a=head(SHARED, "eu-west-1", "ab") + text).warnings
        return [w.path for w in warnings if "should match a repository" in w.sentence]

    assert found("PULL_THROUGH_CACHE") == ["registry.replication.rules[0].repository_filters[0]"]
    assert found("CREATE_ON_PUSH") == []
