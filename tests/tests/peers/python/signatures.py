"""Signs and checks as the official libraries do: one line of JSON in, one out."""

import json
import sys
import time

import stripe
from multidict import MultiDict
from twilio.request_validator import RequestValidator


def multi(pairs):
    found = MultiDict()
    for name, value in pairs:
        found.add(name, value)
    return found


def twilio_sign(ask):
    # Without parameters nothing but the address is signed; that is also how JSON is.
    return RequestValidator(ask["token"]).compute_signature(ask["url"], multi(ask["params"]))


def twilio_check(ask):
    params = ask["body"] if "body" in ask else multi(ask["params"])
    return RequestValidator(ask["token"]).validate(ask["url"], params, ask["signature"])


def stripe_sign(ask):
    return stripe.WebhookSignature.generate_signature_header(ask["payload"], ask["secret"], ask["at"])


def stripe_check(ask):
    time.time = lambda: ask["now"]  # the library asks the clock itself
    try:
        return stripe.WebhookSignature.verify_header(ask["payload"], ask["header"], ask["secret"], 300)
    except stripe.SignatureVerificationError:
        return False


for line in sys.stdin:
    ask = json.loads(line)
    print(json.dumps(globals()[ask["do"]](ask)))
