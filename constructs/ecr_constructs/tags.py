"""Tags: the keys and values on a repository."""

from collections.abc import Iterator, Mapping

from ecr_constructs.checks import Check, Problem, TextForm, shown, within, wrong_type

MAX_TAGS = 50
_STRICT = "unknown whether control characters pass: refused"
KEY = TextForm(what="tag key", source=f"ECR API, `TagKey`; {_STRICT}", maximum=128)
VALUE = TextForm(
    what="value of a tag", source=f"ECR API, `TagValue`; {_STRICT}", minimum=0, maximum=256
)
COUNT = Check(
    f"a resource takes at most {MAX_TAGS} tags", "ECR API, `TooManyTagsException`; ECR quotas"
)
RESERVED = Check(
    "tag key must not start with 'aws:', which belongs to AWS", "ECR user guide, tag restrictions"
)

UNSPEAKABLE = Check(
    "tag key must be one that jsii can hand to CDKTF", "jsii: '__proto__' and '$jsii.' are its own"
)


def tag_problems(tags: object, what: str = "tags") -> Iterator[Problem]:
    """Check tags as ECR does: at most 50, keys of 1 to 128 and values of up to 256 characters."""
    if not isinstance(tags, Mapping):
        yield wrong_type(what, "a mapping of text to text", tags)
        return
    if len(tags) > MAX_TAGS:
        yield COUNT.problem(str(len(tags)))
    for key, value in tags.items():
        path = (str(key),)
        yield from within(path, KEY.problems(key))
        yield from within(path, VALUE.problems(value, f"value of tag {shown(key)}"))
        if isinstance(key, str) and key.lower().startswith("aws:"):
            yield RESERVED.problem(shown(key), path)
        if isinstance(key, str) and (key == "__proto__" or key.startswith("$jsii.")):
            yield UNSPEAKABLE.problem(shown(key), path)
