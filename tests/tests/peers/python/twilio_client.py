"""Twilio's own client, spoken to by lines of JSON. Arguments: where Twilio is, the account, its token."""

import json
import sys

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

base, account, token = sys.argv[1:]


class Elsewhere(TwilioHttpClient):
    """Speaks to another host than api.twilio.com, and changes nothing else."""

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", base), *args, **kwargs)


client = Client(account, token, http_client=Elsewhere(timeout=20))


def message(it):
    return {name: getattr(it, name) for name in ("sid", "status", "to", "body", "direction")}


def send(ask):
    return message(client.messages.create(to=ask["to"], from_=ask["from"], body=ask["body"]))


def fetch(ask):
    return message(client.messages(ask["sid"]).fetch())


def list_(ask):
    return [message(it) for it in client.messages.list(to=ask["to"], page_size=ask["page_size"])]


VERBS = {"send": send, "fetch": fetch, "list": list_}

for line in sys.stdin:
    ask = json.loads(line)
    try:
        answer = VERBS[ask["do"]](ask)
    except TwilioRestException as refused:
        answer = {"status": refused.status, "code": refused.code}
    print(json.dumps(answer))
