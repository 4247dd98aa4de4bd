"""Section: a part of an environment file, typed; the library's checks are steps of pydantic's."""

import typing
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ecr_constructs import Problem
from ecr_constructs.checks import TextForm, refuse, within, wrong_type
from ecr_constructs.registry import ACCOUNT_ID, REPOSITORY_NAME, region_problems
from stacks.building import build, build_list

T = TypeVar("T")


class Section(BaseModel):
    """A mapping of a file: strictly typed, and without unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def checked(check: Callable[[T], Iterable[Problem]]) -> AfterValidator:
    """A check of the library as a step of pydantic's validation."""

    def validate(value: T) -> T:
        refuse(check(value))
        return value

    return AfterValidator(validate)


def of_form(form: TextForm, what: str = "") -> AfterValidator:
    """The form of a text as a step of pydantic's validation."""
    return checked(lambda value: form.problems(value, what))


AccountId = Annotated[str, of_form(ACCOUNT_ID, "account"), Field(examples=["111111111111"])]
Region = Annotated[
    str, checked(partial(region_problems, "region")), Field(examples=["ap-northeast-2"])
]
RepositoryName = Annotated[str, of_form(REPOSITORY_NAME), Field(examples=["payments/api"])]


def built(kind: type[T], what: str) -> WrapValidator:
    """A value of the library, made of what the file writes."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> T:
        value, problems, *_ = build(kind, data, what)
        refuse(problems)
        return typing.cast("T", value)

    return WrapValidator(validate)


def built_list(kind: type[object], what: str) -> WrapValidator:
    """Values of the library, made of the list that the file writes."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> tuple[object, ...]:
        items = build_list(kind, data, what)
        refuse(items.problems)
        return tuple(items.values)

    return WrapValidator(validate)


def texts(
    what: str,
    each: Callable[[object], Iterable[Problem]],
    together: Callable[[Sequence[object]], Iterable[Problem]] = lambda _: (),
) -> WrapValidator:
    """A list of texts, of which each is checked and all together."""

    def validate(data: object, _handler: ValidatorFunctionWrapHandler) -> tuple[str, ...]:
        if not isinstance(data, list | tuple):
            refuse([wrong_type(what, "a list", data)])
        items: tuple[str, ...] = tuple(data)  # type: ignore[arg-type]
        of_each = (p for i, item in enumerate(items) for p in within((i,), each(item)))
        refuse((*of_each, *together(items)))
        return items

    return WrapValidator(validate)
