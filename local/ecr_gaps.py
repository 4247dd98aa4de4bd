"""ECR gaps: the calls of ECR's API that moto lacks and the environments need.

Creation templates, pull-through cache rules and account settings: kept and given back as they were
written, by the members of botocore's model. Where moto has a call of its own, that one serves. And
a registry policy takes every action of ECR, as with scope V2; moto's takes two. Images come in
pages, and those in the archive where they are asked for.
"""

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import botocore.session
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.models import ECRBackend
from moto.ecr.responses import ECRResponse
from moto.iam.exceptions import MalformedPolicyDocument

_MOTO_DESCRIBE_IMAGES = ECRResponse.describe_images
_MODEL = botocore.session.get_session().get_service_model("ecr")


class _Kind(NamedTuple):
    """Something that a registry has several of, by a key."""

    key: str
    """The member of a request that says which."""
    one: str
    """How a call's name says it."""
    many: str
    keys: str
    """The member of a description's request that says which ones."""
    listed: str
    """The member of a description's answer that holds them."""
    wrapped: str
    """The member of an answer that holds one, or nothing where the answer is it."""
    error: str
    """How the errors' names start."""


_KINDS = (
    _Kind(
        key="prefix",
        one="repository_creation_template",
        many="repository_creation_templates",
        keys="prefixes",
        listed="repositoryCreationTemplates",
        wrapped="repositoryCreationTemplate",
        error="Template",
    ),
    _Kind(
        key="ecrRepositoryPrefix",
        one="pull_through_cache_rule",
        many="pull_through_cache_rules",
        keys="ecrRepositoryPrefixes",
        listed="pullThroughCacheRules",
        wrapped="",
        error="PullThroughCacheRule",
    ),
)


def _error(code: str) -> ServiceException:
    error = ServiceException(f"{code}: local API")
    error.code = code
    return error


def _given(response: ECRResponse, call: str) -> dict[str, Any]:
    """The members of a request, as they were sent."""
    name = "".join(part.capitalize() for part in call.split("_"))
    members = _MODEL.operation_model(name).input_shape.members
    found = {member: response._get_param(member) for member in members}
    return {member: value for member, value in found.items() if value is not None}


def _kept(response: ECRResponse, kind: str) -> dict[str, dict[str, Any]]:
    """What the registry has of a kind; moto forgets it with the rest of the registry."""
    kept: dict[str, dict[str, Any]] = vars(response.ecr_backend).setdefault(f"local_{kind}", {})
    return kept


def _calls(kind: _Kind) -> dict[str, Callable[[ECRResponse], ActionResult]]:
    def answer(response: ECRResponse, item: dict[str, Any]) -> ActionResult:
        held = {kind.wrapped: item} if kind.wrapped else item
        return ActionResult({"registryId": response.current_account, **held})

    def create(response: ECRResponse) -> ActionResult:
        given = _given(response, f"create_{kind.one}")
        kept = _kept(response, kind.one)
        if given[kind.key] in kept:
            raise _error(f"{kind.error}AlreadyExistsException")
        now = time.time()
        item = {**given, "createdAt": now, "updatedAt": now}
        if kind.wrapped:
            item.setdefault("imageTagMutability", "MUTABLE")
            item.setdefault("encryptionConfiguration", {"encryptionType": "AES256"})
        kept[given[kind.key]] = item
        return answer(response, item)

    def update(response: ECRResponse) -> ActionResult:
        given = _given(response, f"update_{kind.one}")
        item = one(response, given[kind.key])
        item.update(given, updatedAt=time.time())
        return answer(response, item)

    def delete(response: ECRResponse) -> ActionResult:
        given = _given(response, f"delete_{kind.one}")
        item = one(response, given[kind.key])
        del _kept(response, kind.one)[given[kind.key]]
        return answer(response, item)

    def describe(response: ECRResponse) -> ActionResult:
        given = _given(response, f"describe_{kind.many}")
        keys = given.get(kind.keys) or sorted(_kept(response, kind.one))
        items = [one(response, key) for key in keys]
        return ActionResult({"registryId": response.current_account, kind.listed: items})

    def one(response: ECRResponse, key: str) -> dict[str, Any]:
        kept = _kept(response, kind.one)
        if key not in kept:
            raise _error(f"{kind.error}NotFoundException")
        return kept[key]

    return {
        f"create_{kind.one}": create,
        f"update_{kind.one}": update,
        f"delete_{kind.one}": delete,
        f"describe_{kind.many}": describe,
    }


def _put_account_setting(response: ECRResponse) -> ActionResult:
    given = _given(response, "put_account_setting")
    _kept(response, "account_setting")[given["name"]] = given
    return ActionResult(given)


def _get_account_setting(response: ECRResponse) -> ActionResult:
    name = _given(response, "get_account_setting")["name"]
    return ActionResult(_kept(response, "account_setting").get(name, {"name": name}))


def _validate_registry_policy_action(_backend: ECRBackend, policy_text: str) -> None:
    for statement in json.loads(policy_text)["Statement"]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if not action.startswith("ecr:"):
                raise MalformedPolicyDocument


def _describe_images(response: ECRResponse) -> ActionResult:
    """As moto does, and in pages; of images with a status, all where it is asked for."""
    given = _given(response, "describe_images")
    result: Any = _MOTO_DESCRIBE_IMAGES(response).result
    found: list[Any] = result["imageDetails"]
    status = (given.get("filter") or {}).get("imageStatus", "ACTIVE")
    if "imageIds" not in given and status != "ANY":
        found = [image for image in found if getattr(image, "image_status", "ACTIVE") == status]
    start, size = int(given.get("nextToken", 0)), given.get("maxResults", 100)
    answer: dict[str, Any] = {"imageDetails": found[start : start + size]}
    if start + size < len(found):
        answer["nextToken"] = str(start + size)
    return ActionResult(answer)


def fill_gaps() -> None:
    """Give moto's ECR the calls that it lacks."""
    calls: dict[str, Callable[[ECRResponse], ActionResult]] = {
        "put_account_setting": _put_account_setting,
        "get_account_setting": _get_account_setting,
    }
    for kind in _KINDS:
        calls |= _calls(kind)
    lacking = {name: call for name, call in calls.items() if not hasattr(ECRResponse, name)}
    for name, call in {**lacking, "describe_images": _describe_images}.items():
        setattr(ECRResponse, name, call)
    name = "_validate_registry_policy_action"
    setattr(ECRBackend, name, _validate_registry_policy_action)
