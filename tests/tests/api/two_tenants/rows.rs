//! What is asked at each route.

use serde_json::{Value, json};

use super::{
    PEOPLE,
    tenant::{OWN_PASSWORD, Tenant},
};

/// What a tenant's caller may do at a route.
pub(super) struct Row {
    /// Method and path.
    pub(super) route: (&'static str, &'static str),
    /// What is sent; null: nothing.
    pub(super) body: fn(&Tenant) -> Value,
    /// What is answered where it is the caller's own.
    pub(super) status: u16,
    /// What the path names; `None`: it names nothing.
    pub(super) named: Option<fn(&Tenant) -> &str>,
    /// What of the caller's own the answer has.
    pub(super) shows: fn(&Tenant) -> &str,
    /// Whether the session is over after it.
    pub(super) ends_session: bool,
}

fn row(method: &'static str, path: &'static str, status: u16) -> Row {
    Row {
        route: (method, path),
        body: |_| Value::Null,
        status,
        named: None,
        shows: |_| "",
        ends_session: false,
    }
}

impl Row {
    fn body(self, body: fn(&Tenant) -> Value) -> Row {
        Row { body, ..self }
    }

    fn named(self, named: fn(&Tenant) -> &str) -> Row {
        Row { named: Some(named), shows: named, ..self }
    }

    fn shows(self, shows: fn(&Tenant) -> &str) -> Row {
        Row { shows, ..self }
    }

    fn says_nothing(self) -> Row {
        self.shows(|_| "")
    }

    fn ends_session(self) -> Row {
        Row { ends_session: true, ..self }
    }
}

pub(super) fn table() -> Vec<Row> {
    let get = |path| row("GET", path, 200);
    let post = |path, status| row("POST", path, status);
    vec![
        get("/api/demo/{tenant}/access").named(|it| &it.demo.tenant),
        get("/api/me").shows(|it| &it.user),
        get("/api/keys").shows(|it| &it.key_id),
        post("/api/keys", 201).body(|_| json!({ "name": "another" })),
        post("/api/keys/{id}/revoke", 200).named(|it| &it.spare_key_id),
        get("/api/tenant").shows(|it| &it.demo.tenant),
        get("/api/conversations").shows(|it| &it.conversations[0]),
        get("/api/conversations/{conversation}")
            .named(|it| &it.conversations[0])
            .shows(|it| &it.words),
        post("/api/conversations/{conversation}/mode", 200)
            .named(|it| &it.conversations[0])
            .body(|_| json!({ "mode": "human" }))
            .says_nothing(),
        post("/api/conversations/{conversation}/messages", 202)
            .named(|it| &it.conversations[0])
            .body(|_| json!({ "body": "at nine" }))
            .says_nothing(),
        // Of somebody with whom the other tenant has a conversation as well.
        post("/api/messages", 202).body(|_| json!({ "to": PEOPLE[1], "body": "it is ready" })),
        get("/api/messaging").shows(|it| &it.owner_phone),
        post("/api/messaging", 200).body(|_| json!({ "smsEnabled": false })),
        get("/api/calls").shows(|it| &it.calls[0]),
        get("/api/calls/{call}").named(|it| &it.calls[0]),
        get("/api/call-requests").shows(|it| &it.requests[0]),
        post("/api/call-requests/{request}", 200)
            .named(|it| &it.requests[0])
            .body(|_| json!({ "done": true })),
        get("/api/voice").shows(|it| &it.greeting),
        post("/api/voice", 200).body(|_| json!({ "voiceMode": "off" })),
        post("/api/auth/logout", 200).ends_session(),
        post("/api/auth/change-password", 200)
            .body(|_| {
                let new = "my-own-Topfenknoedel-3";
                json!({ "currentPassword": OWN_PASSWORD, "newPassword": new })
            })
            .ends_session(),
    ]
}
