//! Parameters of queries.

use super::{Field, Kind, STATES, Shape, field, get, number, post, text, uuid, words};

const LIMIT: Field = number("limit", 1, 100);
const CURSOR: Field = text("cursor");

/// Days of UTC.
const FROM: Field = field("from", Kind::Format("date"));
const TO: Field = field("to", Kind::Format("date"));

/// Where a tenant can stand.
const TENANTS: &[&str] =
    &["demo_pending", "trial", "demo", "active", "suspended", "expired", "offboarded"];

/// Of every route that reads its query. The others do not look at it.
pub const QUERIES: &[Shape] = &[
    post("/api/demo/verify-phone", &[text("wait")]),
    get("/api/conversations", &[LIMIT, CURSOR]),
    get("/api/conversations/{conversation}", &[LIMIT]),
    get("/api/calls", &[LIMIT, CURSOR]),
    get("/api/call-requests", &[LIMIT, CURSOR, words("status", &["open", "all"])]),
    get(
        "/v1/admin/jobs",
        &[
            text("kind"),
            text("queue"),
            words("state", STATES),
            uuid("tenant"),
            text("since"),
            text("until"),
            text("error"),
            LIMIT,
            CURSOR,
        ],
    ),
    get(
        "/v1/admin/operations",
        &[
            words(
                "state",
                &[
                    "freezing",
                    "frozen",
                    "working",
                    "stopped",
                    "done",
                    "cancelled",
                    "undoing",
                    "undone",
                ],
            ),
            LIMIT,
            CURSOR,
        ],
    ),
    get("/v1/admin/queues", &[field("kept", Kind::FlagWord)]),
    get("/v1/admin/parked", &[text("cause"), text("kind"), LIMIT, CURSOR]),
    get("/v1/admin/dead-letters", &[text("kind"), field("undone", Kind::FlagWord), LIMIT, CURSOR]),
    get("/v1/admin/audit", &[text("action"), uuid("tenant"), LIMIT, CURSOR]),
    get(
        "/v1/admin/audit/verify",
        &[words("record", &["product", "engine"]), text("noted"), CURSOR],
    ),
    get("/v1/admin/audit/engine", &[uuid("job"), LIMIT, CURSOR]),
    get(
        "/v1/admin/webhooks",
        &[text("provider"), text("object"), words("state", STATES), LIMIT, CURSOR],
    ),
    get("/v1/admin/erasures", &[LIMIT, CURSOR]),
    get("/v1/admin/billing/usage-left", &[LIMIT, CURSOR]),
    get("/v1/admin/businesses", &[words("status", TENANTS), text("name"), LIMIT, CURSOR]),
    get("/v1/admin/businesses/usage.csv", &[FROM, TO]),
    get("/v1/admin/businesses/{tenant}/usage.csv", &[FROM, TO]),
    get("/v1/admin/numbers", &[text("status"), LIMIT, CURSOR]),
];
