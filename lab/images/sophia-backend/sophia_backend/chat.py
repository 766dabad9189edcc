"""`/api/v1/chat`, by request and by WebSocket: the interface of the chat, with a canned answer."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection

from sophia_backend import STAND_IN
from sophia_backend.data import Conversations


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    message: str = Field(min_length=1, max_length=8000)
    conversation_id: str = Field(
        default_factory=lambda: uuid.uuid4().hex,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Continues a conversation; left out, a new one begins.",
    )


class ChatAnswer(BaseModel):
    conversation_id: str
    turn: int = Field(ge=1, description="How many messages this conversation has had, this one included.")
    reply: str
    stand_in: bool = True


def conversations(connection: HTTPConnection) -> Conversations:
    return connection.app.state.data.conversations


ConversationsDependency = Annotated[Conversations, Depends(conversations)]
router = APIRouter(prefix="/api/v1/chat", tags=["chat"])


async def answer(request: ChatRequest, store: Conversations) -> ChatAnswer:
    turn = await store.next_turn(request.conversation_id)
    words = len(request.message.split())
    reply = f"{STAND_IN} Turn {turn} of this conversation; your message has {words} word{'s' if words != 1 else ''}."
    return ChatAnswer(conversation_id=request.conversation_id, turn=turn, reply=reply)


@router.post("", summary="Says something and gets an answer")
async def chat(request: ChatRequest, store: ConversationsDependency) -> ChatAnswer:
    return await answer(request, store)


@router.websocket("/ws")
async def chat_websocket(websocket: WebSocket, store: ConversationsDependency) -> None:
    """Each text message is a ChatRequest, each answer a ChatAnswer or `{"error": …}`; one conversation by default."""
    await websocket.accept()
    conversation_id = uuid.uuid4().hex
    try:
        while True:
            text = await websocket.receive_text()
            try:
                request = ChatRequest.model_validate_json(text)
                if "conversation_id" in request.model_fields_set:
                    conversation_id = request.conversation_id
                else:
                    request.conversation_id = conversation_id
                await websocket.send_json((await answer(request, store)).model_dump())
            except ValidationError as error:
                details = error.errors(include_url=False, include_context=False, include_input=False)
                await websocket.send_json({"error": "the message is not a valid chat request", "details": details})
            except RedisError:
                await websocket.send_json({"error": "the conversation store does not answer; try again"})
    except WebSocketDisconnect:
        return
