"""From a message on a request topic to a validated command, and from its reply to a message. Nothing else gets through.

Refused, with a reason in the reply: retained requests (an old wish must not act on a new child), unknown verbs,
payloads that are too long, no JSON object, or not what the verb's row in ``VERBS`` allows.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.sinks.mqtt.commands import MAX_REQUEST_BYTES, SCHEMA_VERSION, VERBS, Command, Reply
from edge.sinks.mqtt.publisher import Message
from edge.sinks.mqtt.topics import Topics

_LOG: Final = logging.getLogger(__name__)
_MAX_CORRELATION: Final = 256
_RESPONSE_LEVEL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")


class _Request(BaseModel):
    """Payload of a request: its number and, beside it, what the verb carries."""

    model_config = ConfigDict(extra="allow", strict=True)

    transaction: str | None = Field(default=None, max_length=128)


def answer(message: Message, topics: Topics, act: Callable[[Command], Reply]) -> Message | None:
    """Turn one message into at most one call of ``act`` and one message back; None where it is no request at all."""
    prefix = topics.request("")
    if not message.topic.startswith(prefix):
        return None
    verb = message.topic[len(prefix):]
    if verb not in VERBS:
        # Nothing foreign goes into a topic of ours.
        return _response(message, topics, "unknown", None, Reply.refused(f"unknown verb; known: {', '.join(VERBS)}"))
    transaction, command = None, None
    try:
        transaction, command = _read(message, verb)
        reply = Reply.refused("retained requests are refused: publish it without retain") if message.retain else None
    except ValueError as why:
        reply = Reply.refused(str(why))
    if reply is None and command is not None:
        reply = _act(command, act)
    return _response(message, topics, verb, transaction, reply or Reply.refused("it could not be read"))


def _read(message: Message, verb: str) -> tuple[str | None, Command]:
    if len(message.payload) > MAX_REQUEST_BYTES:
        raise ValueError(f"longer than {MAX_REQUEST_BYTES} bytes")
    try:
        values = json.loads(message.payload.decode("utf-8")) if message.payload.strip() else {}
    except (ValueError, RecursionError):
        raise ValueError("no JSON in UTF-8") from None
    if not isinstance(values, dict):
        raise ValueError("no JSON object")
    try:
        request = _Request.model_validate(values)
        data = VERBS[verb].data.model_validate({k: v for k, v in values.items() if k != "transaction"})
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    return request.transaction, Command.model_construct(verb=verb, transaction=request.transaction, data=data)


def _act(command: Command, act: Callable[[Command], Reply]) -> Reply:
    try:
        return act(command)
    except Exception as failure:
        _LOG.error("Command %s failed: %s", command.verb, type(failure).__name__)
        return Reply.refused("the device failed to carry it out")


def _response(request: Message, topics: Topics, verb: str, transaction: str | None, reply: Reply) -> Message:
    default = topics.response(verb)
    payload: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "verb": verb, "transaction": transaction,
                               **reply.model_dump()}
    wanted = request.response_topic
    if wanted is not None and not _below(topics.response(""), wanted):
        payload["note"] = f"the response topic must lie below {topics.response('')}, so this went to the usual one"
        wanted = None
    correlation = request.correlation
    if correlation is not None and len(correlation) > _MAX_CORRELATION:
        correlation = None
    text = json.dumps(payload, allow_nan=False, default=str)
    return Message(wanted or default, text.encode(), content_type="application/json", correlation=correlation)


def _below(branch: str, topic: str) -> bool:
    """Whether a requester's topic stays within our own branch: else he could make the device write anywhere."""
    rest = topic[len(branch):]
    return topic.startswith(branch) and _RESPONSE_LEVEL.fullmatch(rest) is not None and not rest.endswith("\n")


def _first(error: ValidationError) -> str:
    """The first finding of a validation, without the value: it may be what nobody should repeat."""
    found = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part)[:64] for part in found["loc"])
    what = found["msg"].removeprefix("Value error, ")
    return f"{where}: {what}"[:300] if where else what[:300]
