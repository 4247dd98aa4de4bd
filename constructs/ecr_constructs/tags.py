"""Tags: the keys and values on a repository."""

from collections.abc import Iterator, Mapping

from ecr_constructs.checks import Problem, shown, text, within, wrong_type

MAX_TAGS = 50


def tag_problems(tags: object) -> Iterator[Problem]:
    """Check tags as ECR does: at most 50, keys of 1 to 128 and values of up to 256 characters.

    Keys that start with `aws:` belong to AWS. (ECR API, `Tag` and `TooManyTagsException`.)
    """
    if not isinstance(tags, Mapping):
        yield wrong_type("tags", "a mapping of text to text", tags)
        return
    if len(tags) > MAX_TAGS:
        yield Problem(f"a resource takes at most {MAX_TAGS} tags, got {len(tags)}")
    for key, value in tags.items():
        problems = [
            *text("tag key", key, maximum=128),
            *text(f"value of tag {shown(key)}", value, minimum=0, maximum=256),
        ]
        if isinstance(key, str) and key.lower().startswith("aws:"):
            sentence = "tag key must not start with 'aws:', which belongs to AWS"
            problems.append(Problem(f"{sentence}, got {shown(key)}"))
        yield from within((str(key),), problems)
