"""OpenAI's own types and client of the Realtime API, spoken to by lines of JSON. Arguments: where OpenAI is, the key."""

import asyncio
import json
import sys

import pydantic
from openai import AsyncOpenAI
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent

base, key = sys.argv[1:]
TYPES = {
    "client": pydantic.TypeAdapter(RealtimeClientEvent),
    "server": pydantic.TypeAdapter(RealtimeServerEvent),
}


def judge(ask):
    """The first problem of each event that is not of the type; and the type that each was taken for."""
    problems, seen = [], []
    for event in ask["events"]:
        try:
            seen.append(type(TYPES[ask["side"]].validate_python(event)).__name__)
        except pydantic.ValidationError as error:
            problems.append([event.get("type"), error.errors()[0]["msg"], list(map(str, error.errors()[0]["loc"]))])
    return {"problems": problems, "types": sorted(set(seen))}


async def converse(ask):
    """A conversation by their client: their words said by our audio, what came back."""
    client = AsyncOpenAI(base_url=base, websocket_base_url=base.replace("http", "ws", 1), api_key=key, max_retries=0)
    types, transcript, audio = [], "", 0
    async with client.realtime.connect(model=ask["model"]) as connection:
        await connection.session.update(session=ask["session"])
        for frame in ask["frames"]:
            await connection.input_audio_buffer.append(audio=frame)
        async for event in connection:
            types.append(event.type)
            if event.type == "response.output_audio.delta":
                audio += len(event.delta)
            if event.type == "response.output_audio_transcript.done":
                transcript = event.transcript
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard = event.transcript
            if event.type in ("response.done", "error"):
                break
    return {"types": types, "said": transcript, "heard": heard, "audio": audio}


for line in sys.stdin:
    ask = json.loads(line)
    said = judge(ask) if ask["do"] == "judge" else asyncio.run(asyncio.wait_for(converse(ask), 20))
    print(json.dumps(said))
