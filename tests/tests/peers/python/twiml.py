"""Twilio's own builder of TwiML, spoken to by lines of JSON: a list of verbs in, canonical XML out; and any XML made canonical."""

import json
import sys
import xml.etree.ElementTree as ElementTree

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Connect, VoiceResponse


def add(response, verb):
    name, fields = verb["verb"], {key: value for key, value in verb.items() if key != "verb"}
    if name == "say":
        response.say(fields.pop("text"), **fields)
    elif name == "redirect":
        response.redirect(fields.pop("url"), **fields)
    elif name == "connect":
        stream = fields.pop("stream")
        parameters = stream.pop("parameters")
        connect = Connect(**fields)
        made = connect.stream(**stream)
        for key, value in parameters:
            made.parameter(name=key, value=value)
        response.append(connect)
    elif name == "dial":
        response.dial(fields.pop("number"), **fields)
    else:
        getattr(response, name)(**fields)


for line in sys.stdin:
    ask = json.loads(line)
    if ask["do"] == "build":
        response = VoiceResponse()
        for verb in ask["verbs"]:
            add(response, verb)
        text = response.to_xml()
    elif ask["do"] == "answer":
        response = MessagingResponse()
        response.message(ask["body"])
        text = response.to_xml()
    else:
        text = ask["xml"]
    print(json.dumps({"xml": ElementTree.canonicalize(text)}))
