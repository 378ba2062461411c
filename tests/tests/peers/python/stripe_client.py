"""Stripe's own client, spoken to by lines of JSON. Arguments: where Stripe is, the secret key."""

import json
import sys

import stripe

base, key = sys.argv[1:]
client = stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=0)


def customer(ask):
    return {"id": client.v1.customers.create(params=ask["params"], options=options(ask)).id}


def subscribe(ask):
    made = client.v1.subscriptions.create(params=ask["params"], options=options(ask))
    item = made["items"]["data"][0]
    return {"id": made.id, "status": made.status, "period_end": item["current_period_end"],
            "invoice": made.latest_invoice}


def update(ask):
    changed = client.v1.subscriptions.update(ask["id"], params=ask["params"])
    return {"price": changed["items"]["data"][0]["price"]["id"],
            "cancel_at_period_end": changed.cancel_at_period_end}


def cancel(ask):
    return {"status": client.v1.subscriptions.cancel(ask["id"]).status}


def list_(ask):
    listed = client.v1.subscriptions.list(params={"limit": ask["limit"], "status": "all"})
    return {"ids": [it.id for it in listed.auto_paging_iter()]}


def invoice(ask):
    found = client.v1.invoices.retrieve(ask["id"], params={"expand": ["payments"]})
    payment = found.payments.data[0]["payment"]["payment_intent"]
    return {"status": found.status, "paid": found.amount_paid, "payment": payment}


def refund(ask):
    return {"status": client.v1.refunds.create(params={"payment_intent": ask["payment"]}).status}


def events(ask):
    return {"kinds": [it.type for it in client.v1.events.list(params={"limit": 100}).auto_paging_iter()]}


def options(ask):
    return {"idempotency_key": ask["key"]} if "key" in ask else {}


VERBS = {"customer": customer, "subscribe": subscribe, "update": update, "cancel": cancel,
         "list": list_, "invoice": invoice, "refund": refund, "events": events}

for line in sys.stdin:
    ask = json.loads(line)
    try:
        answer = VERBS[ask["do"]](ask)
    except stripe.StripeError as refused:
        answer = {"error": type(refused).__name__, "status": refused.http_status, "code": refused.code}
    print(json.dumps(answer))
