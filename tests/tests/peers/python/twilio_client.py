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


def number(it):
    return {name: getattr(it, name) for name in ("sid", "phone_number", "friendly_name", "voice_url", "sms_url")}


def search(ask):
    found = client.available_phone_numbers(ask["country"]).local.list(sms_enabled=True, limit=ask["limit"])
    return [it.phone_number for it in found]


def buy(ask):
    bought = client.incoming_phone_numbers.create(
        phone_number=ask["phone"], friendly_name=ask["name"], voice_url=ask["voice_url"]
    )
    return number(bought)


def numbers(ask):
    wanted = {name: ask[name] for name in ("phone_number", "friendly_name") if name in ask}
    return [number(it) for it in client.incoming_phone_numbers.list(page_size=ask["page_size"], **wanted)]


def configure(ask):
    return number(client.incoming_phone_numbers(ask["sid"]).update(sms_url=ask["sms_url"]))


def release(ask):
    return client.incoming_phone_numbers(ask["sid"]).delete()


VERBS = {
    "send": send, "fetch": fetch, "list": list_,
    "search": search, "buy": buy, "numbers": numbers, "configure": configure, "release": release,
}

for line in sys.stdin:
    ask = json.loads(line)
    try:
        answer = VERBS[ask["do"]](ask)
    except TwilioRestException as refused:
        answer = {"status": refused.status, "code": refused.code}
    print(json.dumps(answer))
