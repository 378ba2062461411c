"""Pipecat's serializer for Twilio, spoken to by lines of JSON: it reads frames of Twilio's, and writes some for Twilio."""

import asyncio
import json
import sys

from loguru import logger

logger.remove()

from pipecat.frames.frames import (  # noqa: E402
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)
from pipecat.serializers.twilio import TwilioFrameSerializer  # noqa: E402


def serializer(ask):
    params = TwilioFrameSerializer.InputParams(auto_hang_up=False, sample_rate=8000)
    made = TwilioFrameSerializer(stream_sid=ask["stream"], call_sid="CA1", params=params)
    made._sample_rate = 8000
    return made


async def read(ask):
    frame = await serializer(ask).deserialize(ask["frame"])
    if isinstance(frame, InputAudioRawFrame):
        loud = max(abs(int.from_bytes(frame.audio[at : at + 2], "little", signed=True)) for at in range(0, len(frame.audio), 2))
        return {"audio": len(frame.audio), "rate": frame.sample_rate, "loud": loud}
    if isinstance(frame, InputDTMFFrame):
        return {"digit": frame.button.value}
    return {"nothing": frame is None}


async def write(ask):
    made = serializer(ask)
    if ask["what"] == "clear":
        return {"frame": await made.serialize(InterruptionFrame())}
    audio = b"\x10\x20" * (8000 // 1000 * ask["ms"])
    return {"frame": await made.serialize(OutputAudioRawFrame(audio=audio, sample_rate=8000, num_channels=1))}


for line in sys.stdin:
    ask = json.loads(line)
    print(json.dumps(asyncio.run(read(ask) if ask["do"] == "read" else write(ask))))
