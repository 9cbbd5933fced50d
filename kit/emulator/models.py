"""Models, their variations and versions, as far as a client's `models` commands need them."""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

from kit.emulator import files, landing
from kit.emulator.site import Call
from kit.emulator.wire import Redirect, Refusal, page

_SITE = "https://www.kaggle.com/models"
_NAME = re.compile(r"\w[\w-]{0,79}", re.ASCII)
_TEXTS = ("title", "subtitle", "description", "provenanceSources")
_INSTANCE_TEXTS = ("overview", "usage", "licenseName", "externalBaseModelUrl", "modelInstanceType")


_REF = re.compile(r"([\w-]+)/([\w-]+)/(\w+)/([\w-]+)(?:/(\d{1,9}))?", re.ASCII)


def folder(call: Call, ref: str) -> Path | None:
    """Where the files of `owner/model/framework/variation[/N]` are.

    None where there are none, where the caller may not see them, and for a reference of another form: a path is made
    of it.
    """
    parts = _REF.fullmatch(ref)
    if parts is None:
        return None
    owner, name, framework, slug, number = parts.groups()
    model = call.store.get("model", f"{owner}/{name}")
    instance = call.store.get("instance", f"{owner}/{name}/{_short(framework)}/{slug}")
    if model is None or instance is None or (model["private"] and owner != call.user.name):
        return None
    wanted = int(number) if number else _newest(instance)
    return _files(call, instance, wanted) if wanted in instance["versions"] else None


def create_model(call: Call) -> dict[str, Any]:
    """A new model of the caller's, without variations."""
    owner, slug = call.text("ownerSlug"), call.text("slug")
    if owner != call.user.name:
        raise Refusal(403, "Permission 'models.create' was denied")
    if not _NAME.fullmatch(slug):
        return {"error": f"The slug {slug!r} is invalid", "errorCode": 400}
    model: dict[str, Any] = {key: call.text(key) for key in _TEXTS}
    model |= {"id": call.store.number(), "owner": owner, "slug": slug, "at": call.now}
    model["private"] = call.flag("isPrivate", True)
    with call.store.change():
        if call.store.get("model", f"{owner}/{slug}") is not None:
            return {"error": f"The slug {slug} is already used by another model.", "errorCode": 409}
        call.store.put("model", f"{owner}/{slug}", model)
    return _made(model["id"], f"{owner}/{slug}")


def get_model(call: Call) -> dict[str, Any]:
    """What is known of a model."""
    return _described(call, _model(call))


def update_model(call: Call) -> dict[str, Any]:
    """Change the texts and the visibility of a model."""
    model = _model(call, own=True)
    model |= {key: call.body[key] for key in _TEXTS if key in call.body}
    model["private"] = call.flag("isPrivate", model["private"])
    call.store.put("model", f"{model['owner']}/{model['slug']}", model)
    return _made(model["id"], f"{model['owner']}/{model['slug']}")


def delete_model(call: Call) -> dict[str, Any]:
    """Forget a model with all its variations."""
    model = _model(call, own=True)
    for instance in _instances(call, model):
        _drop_instance(call, instance)
    call.store.drop("model", f"{model['owner']}/{model['slug']}")
    return {}


def list_models(call: Call) -> dict[str, Any]:
    """Models that the caller may see."""
    listed = [
        model
        for model in call.store.documents("model")
        if (model["owner"] == call.user.name or not model["private"])
        and (not call.text("owner") or model["owner"] == call.text("owner"))
        and call.text("search").lower() in f"{model['slug']} {model['title']}".lower()
    ]
    if call.text("sortBy").endswith("TIME"):
        listed.sort(key=lambda model: model["at"], reverse=True)
    shown, token = page(listed, call.body)
    models = [_described(call, model) for model in shown]
    return {"models": models, "nextPageToken": token, "totalResults": len(listed)}


def create_model_instance(call: Call) -> dict[str, Any]:
    """A variation of a model, with its first version."""
    model = _model(call, own=True)
    told = call.inner("body")
    short, slug = _short(told.text("framework")), told.text("instanceSlug")
    if not (_NAME.fullmatch(short) and _NAME.fullmatch(slug)):
        return {"error": f"The variation {short}/{slug} is invalid", "errorCode": 400}
    instance: dict[str, Any] = {name: told.text(name) for name in _INSTANCE_TEXTS}
    instance |= {"id": call.store.number(), "owner": model["owner"], "model": model["slug"], "short": short}
    instance |= {"framework": told.text("framework"), "slug": slug, "versions": []}
    with landing.landed(told) as folder, call.store.change():
        if call.store.get("instance", _key(instance)) is not None:
            return {"error": f"The variation {slug} already exists.", "errorCode": 409}
        return _add_version(call, instance, folder)


def get_model_instance(call: Call) -> dict[str, Any]:
    """What is known of a variation."""
    return _described_instance(_instance(call))


def update_model_instance(call: Call) -> dict[str, Any]:
    """Change the texts of a variation."""
    instance = _instance(call, own=True)
    instance |= {key: call.body[key] for key in _INSTANCE_TEXTS if key in call.body}
    call.store.put("instance", _key(instance), instance)
    return _made(instance["id"], _key(instance))


def delete_model_instance(call: Call) -> dict[str, Any]:
    """Forget a variation with all its versions."""
    _drop_instance(call, _instance(call, own=True))
    return {}


def list_model_instances(call: Call) -> dict[str, Any]:
    """The variations of a model."""
    shown, token = page(_instances(call, _model(call)), call.body)
    rows = []
    for instance in shown:
        row = _described_instance(instance) | {"ownerSlug": instance["owner"], "modelSlug": instance["model"]}
        rows.append({key: value for key, value in row.items() if key not in ("licenseName", "url")})
    return {"instances": rows, "nextPageToken": token}


def create_model_instance_version(call: Call) -> dict[str, Any]:
    """A new version of a variation."""
    _instance(call, own=True)
    with landing.landed(call.inner("body")) as folder, call.store.change():
        return _add_version(call, _instance(call, own=True), folder)


def list_model_instance_versions(call: Call) -> dict[str, Any]:
    """The versions of a variation."""
    instance = _instance(call)
    shown, token = page(instance["versions"], call.body)
    rows = [
        {
            "framework": instance["framework"],
            "variationSlug": instance["slug"],
            "versionNumber": number,
            "ownerSlug": instance["owner"],
            "modelSlug": instance["model"],
            "modelInstanceId": instance["id"],
        }
        for number in shown
    ]
    return {"versionList": {"versions": rows}, "nextPageToken": token}


def list_model_instance_version_files(call: Call) -> dict[str, Any]:
    """The files of a version, of the newest where none is named."""
    instance = _instance(call)
    shown, token = page(files.listing(_files(call, instance, _number(call, instance))), call.body)
    at = call.store.document("model", f"{instance['owner']}/{instance['model']}")["at"]
    rows = [{"name": name, "size": path.stat().st_size, "creationDate": at} for name, path in shown]
    return {"files": rows, "nextPageToken": token}


def download_model_instance_version(call: Call) -> Redirect:
    """One file of a version, or all in one archive."""
    instance = _instance(call)
    number = _number(call, instance)
    source = _files(call, instance, number)
    if wanted := call.text("path"):
        return Redirect(call.link(source, files.listed(source, wanted)))
    archive = source.parent / "archives" / str(number) / f"{instance['model']}.tar.gz"

    def pack(part: Path) -> None:
        with tarfile.open(part, "w:gz") as into:
            for name, path in files.listing(source):
                entry = tarfile.TarInfo(name)
                with path.open("rb") as file:
                    entry.size = path.stat().st_size
                    into.addfile(entry, file)

    files.built(archive, pack)
    return Redirect(call.link(archive.parent, archive.name))


def delete_model_instance_version(call: Call) -> dict[str, Any]:
    """Forget a version."""
    instance = _instance(call, own=True)
    number = _number(call, instance)
    instance["versions"].remove(number)
    call.store.put("instance", _key(instance), instance)
    shutil.rmtree(_files(call, instance, number), ignore_errors=True)
    return {}


def _add_version(call: Call, instance: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the files in `folder` the newest version."""
    number = max(instance["versions"], default=instance.get("last", 0)) + 1
    files.move(folder, _files(call, instance, number))
    instance["versions"].append(number)
    instance["last"] = number
    call.store.put("instance", _key(instance), instance)
    return _made(instance["id"], f"{_key(instance)}/{number}")


def _made(id: int, ref: str) -> dict[str, Any]:
    return {"id": id, "ref": ref, "url": f"{_SITE}/{ref}"}


def _model(call: Call, *, own: bool = False) -> dict[str, Any]:
    owner, slug = call.text("ownerSlug"), call.text("modelSlug")
    model = call.store.get("model", f"{owner}/{slug}")
    if model is None or (owner != call.user.name and (own or model["private"])):
        raise Refusal(403, f"Permission 'models.{'update' if own else 'get'}' was denied")
    return model


def _instance(call: Call, *, own: bool = False) -> dict[str, Any]:
    model = _model(call, own=own)
    key = f"{model['owner']}/{model['slug']}/{_short(call.text('framework'))}/{call.text('instanceSlug')}"
    instance = call.store.get("instance", key)
    if instance is None:
        raise Refusal(404, f"Variation {key} not found")
    return instance


def _instances(call: Call, model: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        instance
        for instance in call.store.documents("instance")
        if (instance["owner"], instance["model"]) == (model["owner"], model["slug"])
    ]


def _drop_instance(call: Call, instance: dict[str, Any]) -> None:
    call.store.drop("instance", _key(instance))
    shutil.rmtree(_files(call, instance, 0).parent, ignore_errors=True)


def _number(call: Call, instance: dict[str, Any]) -> int:
    number = call.number("versionNumber") or _newest(instance)
    if number not in instance["versions"]:
        raise Refusal(404, f"Version {number} not found")
    return number


def _newest(instance: dict[str, Any]) -> int:
    """The number of the newest version; 0 where all were deleted."""
    return int(instance["versions"][-1]) if instance["versions"] else 0


def _key(instance: dict[str, Any]) -> str:
    return f"{instance['owner']}/{instance['model']}/{instance['short']}/{instance['slug']}"


def _files(call: Call, instance: dict[str, Any], number: int) -> Path:
    return call.store.folder / "files" / "models" / _key(instance) / str(number)


def _short(framework: str) -> str:
    """`MODEL_FRAMEWORK_TENSOR_FLOW_2` and `tensorFlow2` are one framework."""
    return framework.removeprefix("MODEL_FRAMEWORK_").replace("_", "").lower()


def _described(call: Call, model: dict[str, Any]) -> dict[str, Any]:
    ref = f"{model['owner']}/{model['slug']}"
    return {
        "id": model["id"],
        "ref": ref,
        "title": model["title"],
        "subtitle": model["subtitle"],
        "author": model["owner"],
        "slug": model["slug"],
        "isPrivate": model["private"],
        "description": model["description"],
        "instances": [_described_instance(instance) for instance in _instances(call, model)],
        "publishTime": model["at"],
        "updateTime": model["at"],
        "url": f"{_SITE}/{ref}",
    }


def _described_instance(instance: dict[str, Any]) -> dict[str, Any]:
    number = _newest(instance)
    return {
        "id": instance["id"],
        "slug": instance["slug"],
        "framework": instance["framework"],
        "overview": instance["overview"],
        "usage": instance["usage"],
        "versionId": instance["id"] * 100 + number,
        "versionNumber": number,
        "url": f"{_SITE}/{_key(instance)}",
        "licenseName": instance["licenseName"],
    }
