//! Members of bodies.

use super::{
    Field, Kind, REASON, STATES, Shape, field, flag, instant, number, post, shape, text, uuid,
    words,
};

/// As people write them; the route reads what is one.
const PHONE: Kind = Kind::Text(0);

const SCOPES: &[&str] = &["read", "jobs", "queues", "tenants", "billing", "switches", "keys"];

const VOICE: &[Field] = &[
    words("voiceMode", &["always", "after_hours", "business_hours", "off"]),
    words("ownerAlerts", &["every_call", "urgent", "none"]),
    text("greeting").or_null(),
    field("transferPhone", PHONE).or_null(),
    flag("sealTranscripts"),
    number("transcriptsKeptDays", 1, 3650),
    field("emergencyKeywords", Kind::Texts).or_null(),
    field("links", Kind::Object),
    field("businessHours", Kind::Object).or_null(),
];

/// The same from an operator.
const VOICE_ORDERED: &[Field] = &[
    VOICE[0], VOICE[1], VOICE[2], VOICE[3], VOICE[4], VOICE[5], VOICE[6], VOICE[7], VOICE[8],
    REASON,
];

const PURCHASE: [Field; 6] = [
    text("plan"),
    number("quantity", 1, 10_000),
    number("trial_days", 1, 730),
    text("payment_method"),
    words("collection", &["charge", "invoice"]),
    REASON,
];

/// Of every route that reads a body, but for what providers post.
pub const BODIES: &[Shape] = &[
    post(
        "/api/demo/create-tenant",
        &[
            text("companyName").needed(),
            field("contactEmail", Kind::Format("email")).needed(),
            field("contactPhone", PHONE).needed(),
            text("firstName").needed(),
            text("lastName").needed(),
            text("industry"),
            text("useCase"),
        ],
    )
    .open(),
    post("/api/demo/setup", &[field("phoneNumber", PHONE).needed()]).open(),
    post(
        "/api/demo/verify-phone",
        &[uuid("tenantId"), text("code"), field("phoneNumber", PHONE), text("verificationCode")],
    )
    .one_of(&[&["tenantId", "code"], &["phoneNumber", "verificationCode"]])
    .ways(&[r#"{"phoneNumber":"x"}"#]),
    post("/api/auth/login", &[text("email").needed(), text("password").needed()]),
    post("/api/auth/logout", &[]),
    post(
        "/api/auth/change-password",
        &[text("currentPassword").needed(), text("newPassword").needed()],
    ),
    post("/api/conversations/{conversation}/mode", &[words("mode", &["human", "ai"]).needed()]),
    post("/api/conversations/{conversation}/messages", &[text("body").needed(), instant("sendAt")]),
    post("/api/messages", &[field("to", PHONE).needed(), text("body").needed(), instant("sendAt")]),
    post(
        "/api/messaging",
        &[
            text("timeZone"),
            text("quietHours"),
            flag("smsEnabled"),
            flag("aiResponseEnabled"),
            flag("missedCallSmsEnabled"),
            field("ownerPhone", PHONE),
        ],
    )
    .ways(&[r#"{"ownerPhone":"x"}"#]),
    post("/api/call-requests/{request}", &[flag("done").needed()]),
    post("/api/voice", VOICE).ways(&[r#"{"transferPhone":"x"}"#]),
    post(
        "/api/keys",
        &[
            field("name", Kind::Text(60)).needed(),
            number("expiresInDays", 1, 3650),
            number("perMinute", 1, 600),
        ],
    ),
    post("/api/keys/{id}/revoke", &[]),
    post("/v1/admin/businesses/{tenant}/voice", VOICE_ORDERED).ways(&[r#"{"transferPhone":"x"}"#]),
    post(
        "/v1/admin/jobs",
        &[
            text("kind").needed(),
            field("args", Kind::Any),
            text("queue"),
            number("priority", -32_768, 32_767),
            instant("run_at"),
            field("unique_key", Kind::Text(200)),
            uuid("tenant_id"),
            REASON,
        ],
    ),
    post("/v1/admin/jobs/{id}/retry", &[REASON]),
    post(
        "/v1/admin/jobs/{id}/cancel",
        &[words("mode", &["undo", "graceful", "terminate"]), flag("force"), REASON],
    ),
    post("/v1/admin/jobs/{id}/redrive", &[field("from", Kind::Any), REASON]),
    post("/v1/admin/jobs/{id}/run-now", &[REASON]),
    post("/v1/admin/jobs/{id}/args", &[field("args", Kind::Any).needed(), REASON.needed()]),
    post("/v1/admin/jobs/{id}/fork", &[text("step").needed(), REASON]),
    post(
        "/v1/admin/jobs/{id}/answer",
        &[
            number("claim", -2_147_483_648, 2_147_483_647).needed(),
            words(
                "answer",
                &[
                    "retry",
                    "edit_input",
                    "skip",
                    "resolve",
                    "happened",
                    "did_not_happen",
                    "resume_forward",
                ],
            )
            .needed(),
            field("value", Kind::Any),
            REASON,
        ],
    ),
    post(
        "/v1/admin/operations",
        &[
            words("deed", &["retry", "redrive", "run_now", "cancel"]).needed(),
            text("kind"),
            text("queue"),
            words("state", STATES),
            uuid("tenant"),
            text("since"),
            text("until"),
            text("error"),
            words("mode", &["graceful", "undo"]),
            number("canary", 0, 1_000),
            number("canary_failed_max", 0, 1_000),
            number("canary_secs", 1, 86_400),
            REASON,
        ],
    )
    .one_of(&[&["deed", "state"]]),
    post(
        "/v1/admin/operations/{id}/start",
        &[number("expect", 1, 1_000_000).needed(), number("per_second", 1, 1_000), REASON.needed()],
    ),
    post("/v1/admin/operations/{id}/cancel", &[REASON]),
    post("/v1/admin/operations/{id}/undo", &[REASON]),
    post(
        "/v1/admin/queues/{name}/pause",
        &[number("for_secs", 1, 366 * 24 * 3600), REASON.needed()],
    ),
    post("/v1/admin/queues/{name}/resume", &[REASON]),
    post(
        "/v1/admin/queues/{name}/settings",
        &[
            number("at_once_max", 1, 1_000_000).or_null(),
            number("latency_target_ms", 1, 24 * 3600 * 1000).or_null(),
            flag("fair"),
            REASON.needed(),
        ],
    ),
    post("/v1/admin/schedules/{name}/pause", &[REASON.needed()]),
    post("/v1/admin/schedules/{name}/resume", &[REASON]),
    post("/v1/admin/schedules/{name}/run", &[REASON]),
    post(
        "/v1/admin/schedules/{name}/change",
        &[
            text("cron"),
            text("timezone"),
            words("missed", &["skip", "run_once", "catch_up"]),
            number("catch_up_max", 1, 100),
            REASON.needed(),
        ],
    ),
    post(
        "/v1/admin/schedules/{name}/backfill",
        &[
            instant("from").needed(),
            instant("to").needed(),
            number("per_minute", 1, 600),
            REASON.needed(),
        ],
    ),
    post("/v1/admin/schedules/{name}/stop-backfill", &[REASON]),
    post("/v1/admin/workers/{id}/drain", &[REASON.needed()]),
    post("/v1/admin/workers/{id}/resume", &[REASON]),
    post(
        "/v1/admin/keys",
        &[
            field("name", Kind::Text(60)).needed(),
            field("scopes", Kind::WordList(SCOPES)),
            words("role", &["viewer", "operator", "admin"]),
            number("expires_in_days", 1, 3650),
            number("per_minute", 1, 6000),
            REASON,
        ],
    )
    .one_of(&[&["scopes"], &["role"]]),
    post("/v1/admin/keys/{id}/rotate", &[number("grace_secs", 0, 30 * 24 * 3600), REASON]),
    post("/v1/admin/keys/{id}/revoke", &[REASON]),
    post(
        "/v1/admin/provider-credentials/{name}",
        &[text("secret").needed(), number("grace_secs", 0, 30 * 24 * 3600), REASON.needed()],
    ),
    post("/v1/admin/provider-credentials/{name}/retire", &[flag("previous_only"), REASON.needed()]),
    post("/v1/admin/webhooks/{id}/replay", &[REASON]),
    post("/v1/admin/demo-tenants", &[flag("despite_production"), REASON]),
    post("/v1/admin/demo/{tenant}/verify", &[REASON]),
    post("/v1/admin/demo/{tenant}/code", &[REASON]),
    post("/v1/admin/demo/{tenant}/expire", &[REASON]),
    post("/v1/admin/demo/{tenant}/convert", &PURCHASE).ways(&[r#"{"plan":"x"}"#]),
    post("/v1/admin/demo/{tenant}/restore", &[REASON]),
    post(
        "/v1/admin/erasures",
        &[
            field("phone", PHONE),
            text("person"),
            uuid("tenant"),
            flag("whole_tenant"),
            REASON.needed(),
        ],
    )
    .one_of(&[
        &["phone", "reason"],
        &["person", "reason"],
        &["tenant", "whole_tenant", "reason"],
    ]),
    post(
        "/v1/admin/erasures/preview",
        &[field("phone", PHONE), uuid("tenant"), flag("whole_tenant"), REASON],
    )
    .one_of(&[&["phone"], &["tenant", "whole_tenant"]]),
    post(
        "/v1/admin/businesses/{tenant}/usage/settle",
        &[
            instant("hour").needed(),
            words("kind", &["messages_out", "talk_secs"]).needed(),
            words("found", &["counted", "not_counted"]).needed(),
            REASON.needed(),
        ],
    ),
    post(
        "/v1/admin/businesses",
        &[
            field("name", Kind::Text(200)).needed(),
            field("email", Kind::Format("email")),
            field("first_name", Kind::Text(100)),
            field("last_name", Kind::Text(100)),
            text("locale"),
            flag("with_number"),
            REASON,
        ],
    ),
    post(
        "/v1/admin/businesses/{tenant}/users",
        &[
            field("email", Kind::Format("email")).needed(),
            field("first_name", Kind::Text(100)).needed(),
            field("last_name", Kind::Text(100)).needed(),
            REASON,
        ],
    ),
    post(
        "/v1/admin/businesses/{tenant}/keys",
        &[
            field("name", Kind::Text(60)).needed(),
            number("expires_in_days", 1, 3650),
            number("per_minute", 1, 6000),
            REASON,
        ],
    ),
    post(
        "/v1/admin/businesses/{tenant}/keys/{id}/rotate",
        &[number("grace_secs", 0, 30 * 24 * 3600), REASON],
    ),
    post("/v1/admin/businesses/{tenant}/keys/{id}/revoke", &[REASON]),
    post(
        "/v1/admin/businesses/{tenant}/rotate-key",
        &[number("grace_secs", 0, 30 * 24 * 3600), REASON],
    ),
    shape("PATCH", "/v1/admin/businesses/{id}", &[text("status").needed(), REASON]),
    post(
        "/v1/admin/businesses/{tenant}/subscription",
        &[PURCHASE[0].needed(), PURCHASE[1], PURCHASE[2], PURCHASE[3], PURCHASE[4], REASON],
    ),
    post(
        "/v1/admin/businesses/{tenant}/subscription/cancel",
        &[words("at", &["period_end", "now"]).needed(), REASON],
    ),
    post(
        "/v1/admin/businesses/{tenant}/subscription/change-plan",
        &[text("plan").needed(), words("proration", &["next_invoice", "now", "none"]), REASON],
    ),
    post(
        "/v1/admin/plans",
        &[
            text("plan").needed(),
            text("stripe_price_id").needed(),
            text("meter_event_name"),
            text("talk_meter_event_name"),
            number("daily_calls_max", 1, 1_000_000).needed(),
            number("talk_secs_max", 1, 2_000_000_000).needed(),
            REASON,
        ],
    ),
    post("/v1/admin/numbers", &[field("phone", PHONE).needed(), text("twilio_sid"), REASON]),
    post(
        "/v1/admin/numbers/recover",
        &[words("demos", &["all", "expired"]).needed(), flag("rest"), REASON.needed()],
    ),
    post("/v1/admin/numbers/{id}/maintenance", &[flag("enabled"), REASON])
        .one_of(&[&["reason"], &["enabled"]]),
    post("/v1/admin/numbers/{id}/release", &[REASON]),
    post(
        "/api/admin/maintenance",
        &[
            words(
                "mode",
                &["normal", "demo_disabled", "sms_bypass", "voice_codes", "calls_disabled"],
            )
            .needed(),
            flag("enabled"),
            REASON,
            instant("until"),
        ],
    ),
];
