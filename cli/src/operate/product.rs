//! The operations on what the product has: demos, tenants, numbers, plans, switches. A part of the table.

use super::{
    input::{Input, flag, json, number, secret, text},
    table::{Operation, get, patch, post},
};

// How a plan is taken, by whoever becomes a customer or is one.
const QUANTITY: Input = number("quantity", "So many of it (1)");
const TRIAL_DAYS: Input = number("trial_days", "Charged after so many days");
const PAYMENT_METHOD: Input = text("payment_method", "Stripe's id of it");
const COLLECTION: Input = text("collection", "charge or invoice");

/// All of them.
pub(super) const OPERATIONS: &[Operation] = &[
    post(
        "demo",
        "seed",
        "/v1/admin/demo-tenants",
        "Three demos to show, with a past. Twice is once.",
    )
    .with(&[flag("despite_production", "Although this is no machine of your own")]),
    post("demo", "verify", "/v1/admin/demo/{tenant}/verify", "Vouch for the phone of a sign-up."),
    post("demo", "code", "/v1/admin/demo/{tenant}/code", "Send a new code."),
    post("demo", "expire", "/v1/admin/demo/{tenant}/expire", "End a demo before its time."),
    post("demo", "convert", "/v1/admin/demo/{tenant}/convert", "Make a demo a customer.").with(&[
        text("plan", "Of this plan, which is charged; without one nothing is"),
        QUANTITY,
        TRIAL_DAYS,
        PAYMENT_METHOD,
        COLLECTION,
    ]),
    post("demo", "restore", "/v1/admin/demo/{tenant}/restore", "Bring a demo back that is over."),
    get("tenant", "list", "/v1/admin/businesses", "Newest first.")
        .with(&[
            text("status", "demo_pending, trial, active, suspended, expired or offboarded"),
            text("name", "Whose name holds this"),
        ])
        .shows(&["id", "name", "status", "number", "plan", "created_at"]),
    post("tenant", "create", "/v1/admin/businesses", "Make a customer who had no demo.").with(&[
        text("name", "The company"),
        text("email", "Of somebody who logs in; their first password is told once"),
        text("first_name", "Theirs"),
        text("last_name", "Theirs"),
        text("locale", "In which the assistant begins: de-AT if not said"),
        flag("with_number", "Give it a number of the pool"),
    ]),
    get("tenant", "show", "/v1/admin/businesses/{id}", "How a tenant stands, and since when."),
    post(
        "tenant",
        "add-user",
        "/v1/admin/businesses/{tenant}/users",
        "Let somebody log in; again, with another first password.",
    )
    .with(&[
        text("email", "Theirs"),
        text("first_name", "Theirs"),
        text("last_name", "Theirs"),
    ]),
    get(
        "tenant-key",
        "list",
        "/v1/admin/businesses/{tenant}/keys",
        "Its keys, without what is secret.",
    )
    .shows(&["id", "name", "per_minute", "made_by", "expires_at", "last_used_at", "works"]),
    post(
        "tenant-key",
        "create",
        "/v1/admin/businesses/{tenant}/keys",
        "Make a key for a tenant's program. It is shown this once.",
    )
    .with(&[
        text("name", "What it is for"),
        number("expires_in_days", "It ends by itself after so many days"),
        number("per_minute", "So many requests a minute (600)"),
    ]),
    post(
        "tenant-key",
        "rotate",
        "/v1/admin/businesses/{tenant}/keys/{id}/rotate",
        "A key that takes the place of another.",
    )
    .with(&[number("grace_secs", "The old one works so long yet (a day)")]),
    post(
        "tenant-key",
        "renew",
        "/v1/admin/businesses/{tenant}/rotate-key",
        "One in place of the newest, which ends at once; the first one, where there is none.",
    )
    .with(&[number("grace_secs", "The old one works so long yet (0)")]),
    post(
        "tenant-key",
        "revoke",
        "/v1/admin/businesses/{tenant}/keys/{id}/revoke",
        "End a key at once.",
    ),
    get("tenant", "usage", "/v1/admin/businesses/{tenant}/usage.csv", "What it used, by day.")
        .with(&[
            text("from", "From this day on: 2026-11-01; this month if not said"),
            text("to", "To this day: today if not said"),
        ]),
    get("tenant", "usage-of-all", "/v1/admin/businesses/usage.csv", "What each tenant used.").with(
        &[
            text("from", "From this day on: 2026-11-01; this month if not said"),
            text("to", "To this day: today if not said"),
        ],
    ),
    patch("tenant", "suspend", "/v1/admin/businesses/{id}", "Shut a tenant out, from now on."),
    patch("tenant", "reactivate", "/v1/admin/businesses/{id}", "Let a tenant in again."),
    get("tenant", "billing", "/v1/admin/businesses/{tenant}/billing", "Plan, status, decisions."),
    get("tenant", "voice", "/v1/admin/businesses/{tenant}/voice", "How its calls are taken."),
    post("tenant", "set-voice", "/v1/admin/businesses/{tenant}/voice", "Take its calls otherwise.")
        .with(&[
            text("voiceMode", "always, after_hours, business_hours or off"),
            text("ownerAlerts", "every_call, urgent or none"),
            text("greeting", "What the assistant begins with"),
            text("transferPhone", "To whom callers are put through"),
            json("sealTranscripts", "true: what is said is stored encrypted; false: it is not"),
            number("transcriptsKeptDays", "What was said is kept for so many days"),
            json("emergencyKeywords", "What makes a call urgent, as a list"),
            json("links", "What may be sent to callers, by name"),
            json("businessHours", "Hours by day, or null"),
        ]),
    post(
        "tenant",
        "subscribe",
        "/v1/admin/businesses/{tenant}/subscription",
        "Subscribe a tenant to a plan, which is charged.",
    )
    .with(&[text("plan", "Which"), QUANTITY, TRIAL_DAYS, PAYMENT_METHOD, COLLECTION]),
    post(
        "tenant",
        "unsubscribe",
        "/v1/admin/businesses/{tenant}/subscription/cancel",
        "End a tenant's subscription.",
    )
    .with(&[text("at", "period_end or now")]),
    post(
        "tenant",
        "change-plan",
        "/v1/admin/businesses/{tenant}/subscription/change-plan",
        "Give a tenant another plan.",
    )
    .with(&[
        text("plan", "Which"),
        text("proration", "What the rest of the period costs: next_invoice, now or none"),
    ]),
    post("plan", "put", "/v1/admin/plans", "A plan that can be bought, new or changed.").with(&[
        text("plan", "Its name"),
        text("stripe_price_id", "What it costs, at Stripe"),
        number("daily_calls_max", "Calls a day"),
        number("talk_secs_max", "Seconds of talk a period"),
        text("meter_event_name", "How messages are metered at Stripe"),
        text("talk_meter_event_name", "How talk is metered at Stripe"),
    ]),
    get(
        "plan",
        "reconciliation",
        "/v1/admin/billing/reconciliation",
        "How our books agreed with Stripe's, the last time they were compared.",
    ),
    get(
        "usage",
        "left",
        "/v1/admin/billing/usage-left",
        "Hours that Stripe was not told of and a person has to look at, the oldest first.",
    )
    .shows(&["tenant", "hour", "kind", "why", "quantity", "told", "telling", "since", "customer"]),
    post(
        "usage",
        "settle",
        "/v1/admin/businesses/{tenant}/usage/settle",
        "Say what became of such an hour at Stripe.",
    )
    .with(&[
        text("hour", "When it began, as the list has it"),
        text("kind", "messages_out or talk_secs"),
        text(
            "found",
            "counted: Stripe bills it, or you did by hand; not_counted: the next run tells it",
        ),
    ]),
    post(
        "erasure",
        "preview",
        "/v1/admin/erasures/preview",
        "How much there is of a person or a tenant. Nothing is erased.",
    )
    .with(&[
        text("phone", "Who, as +43…"),
        text("tenant", "At this tenant only"),
        flag("whole_tenant", "All of the tenant, and whoever has to do with it"),
    ]),
    post("erasure", "order", "/v1/admin/erasures", "Erase a person or a tenant, for good.").with(
        &[
            text("phone", "Who, as +43…"),
            text("person", "Who, as the list has them: after a restore"),
            text("tenant", "At this tenant only"),
            flag("whole_tenant", "All of the tenant, and whoever has to do with it"),
        ],
    ),
    get("erasure", "list", "/v1/admin/erasures", "Newest first.").shows(&[
        "id",
        "person",
        "tenant",
        "asked_at",
        "finished_at",
        "asked_by",
        "reason",
    ]),
    get(
        "credential",
        "list",
        "/v1/admin/provider-credentials",
        "All versions, without what is secret. What is not here comes from the environment.",
    )
    .shows(&[
        "credential",
        "version",
        "fingerprint",
        "set_at",
        "set_by",
        "expires_at",
        "counts",
    ]),
    post(
        "credential",
        "set",
        "/v1/admin/provider-credentials/{name}",
        "Set or exchange one. The secret is a line of stdin.",
    )
    .with(&[
        secret("secret", "The secret"),
        number("grace_secs", "Signatures by the old one are taken so long yet (a day)"),
    ]),
    post(
        "credential",
        "retire",
        "/v1/admin/provider-credentials/{name}/retire",
        "End it at once; the environment's counts again.",
    )
    .with(&[flag("previous_only", "Only what a newer one has taken the place of")]),
    get("number", "list", "/v1/admin/numbers", "The pool, the oldest first, fifty at a time.")
        .with(&[
            text("status", "available, allocated, quarantined or maintenance"),
            text("limit", "So many at most, up to 200"),
            text("cursor", "After the page with this next_cursor"),
        ])
        .shows(&["id", "phone", "status", "tenant_id", "quarantined_until", "note"]),
    post("number", "add", "/v1/admin/numbers", "A number that was bought by hand.")
        .with(&[text("phone", "Which, as +43…"), text("twilio_sid", "Its id at Twilio")]),
    post("number", "recover", "/v1/admin/numbers/recover", "Take all demos' numbers back.")
        .with(&[text("demos", "all or expired"), json("rest", "false: they are free at once")]),
    post("number", "take-out", "/v1/admin/numbers/{id}/maintenance", "Take a free number out."),
    post("number", "put-back", "/v1/admin/numbers/{id}/maintenance", "Put it back."),
    post("number", "release", "/v1/admin/numbers/{id}/release", "Take a number from its tenant."),
    get("switch", "list", "/api/admin/maintenance", "What is switched for all, why, until when."),
    post("switch", "on", "/api/admin/maintenance", "Turn a switch on. It counts from now on.")
        .with(&[
            text("mode", "demo_disabled, sms_bypass, voice_codes or calls_disabled"),
            text("until", "It goes off by itself at this instant"),
        ]),
    post("switch", "off", "/api/admin/maintenance", "Turn a switch off.")
        .with(&[text("mode", "Which of them; normal: all")]),
];
