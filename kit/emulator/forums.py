"""Discussions, read only: documents `topic` and `forum` that somebody put into the store."""

from __future__ import annotations

from typing import Any

from kit.emulator.site import Call
from kit.emulator.wire import Refusal, page

_SITE = "https://www.kaggle.com"


def list_forums(call: Call) -> dict[str, Any]:
    """The forums of the site."""
    return {"forums": call.store.documents("forum")}


def list_topics(call: Call) -> dict[str, Any]:
    """Discussions of a forum, of all forums where none is named."""
    return _topics(call, f"forums/{call.text('forumSlug')}")


def list_dataset_topics(call: Call) -> dict[str, Any]:
    """Discussions of a dataset."""
    return _topics(call, f"datasets/{call.text('ownerSlug')}/{call.text('datasetSlug')}")


def list_kernel_topics(call: Call) -> dict[str, Any]:
    """Discussions of a notebook."""
    return _topics(call, f"kernels/{call.text('ownerSlug')}/{call.text('kernelSlug')}")


def list_model_topics(call: Call) -> dict[str, Any]:
    """Discussions of a model."""
    return _topics(call, f"models/{call.text('ownerSlug')}/{call.text('modelSlug')}")


def list_benchmark_topics(call: Call) -> dict[str, Any]:
    """Discussions of a benchmark."""
    return _topics(call, f"benchmarks/{call.text('ownerSlug')}/{call.text('benchmarkSlug')}")


def get_topic(call: Call) -> dict[str, Any]:
    """One discussion."""
    return {"topic": _described(_topic(call, "id"))}


def list_comments(call: Call) -> dict[str, Any]:
    """What was answered in a discussion."""
    topic = _topic(call, "topicId")
    shown, token = page(topic["comments"], call.body)
    rows = [
        {"id": topic["id"] * 100 + i, "authorName": topic["author"], "postDate": topic["at"], "content": text}
        for i, text in enumerate(shown)
    ]
    return {"comments": rows, "nextPageToken": token}


def _topic(call: Call, key: str) -> dict[str, Any]:
    topic = call.store.get("topic", str(call.number(key)))
    if topic is None:
        raise Refusal(404, "Topic not found")
    return topic


def _topics(call: Call, prefix: str) -> dict[str, Any]:
    topics = [topic for topic in call.store.documents("topic") if topic["of"].startswith(prefix)]
    shown, token = page(topics, call.body)
    return {"topics": [_described(topic) for topic in shown], "totalCount": len(topics), "nextPageToken": token}


def _described(topic: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": topic["id"],
        "title": topic["title"],
        "url": f"{_SITE}/{topic['of']}/discussion/{topic['id']}",
        "postDate": topic["at"],
        "lastCommentDate": topic["at"],
        "authorName": topic["author"],
        "commentCount": len(topic["comments"]),
        "forumName": topic["of"].rpartition("/")[2],
        "content": topic["content"],
    }
