//! One of two tenants.

use api::{Guard, Route};
use domain::{
    PhoneNumber, conversations,
    messages::{self, NewInbound},
};
use serde_json::{Value, json};
use tests::{Answer, Ask};

use super::PEOPLE;
use crate::{
    stage::{Demo, Guest, Stage},
    tenant_calls::sid,
};

/// What people choose in place of the temporary one: `Stage::own_session`.
pub(super) const OWN_PASSWORD: &str = "my-own-Palatschinken-8";

/// One of the two, with something of everything.
pub(super) struct Tenant {
    pub(super) demo: Demo,
    pub(super) cookie: String,
    pub(super) user: String,
    key: String,
    pub(super) key_id: String,
    pub(super) spare_key_id: String,
    pub(super) conversations: Vec<String>,
    messages: Vec<String>,
    pub(super) calls: Vec<String>,
    pub(super) requests: Vec<String>,
    pub(super) greeting: String,
    pub(super) owner_phone: String,
    pub(super) words: String,
    number: String,
}

impl Tenant {
    pub(super) async fn furnish(stage: &Stage, guest: Guest) -> Tenant {
        let demo = stage.active(guest).await;
        let cookie = stage.own_session(&demo).await;
        let me = stage.get("/api/me").cookie(&cookie).send().await.is(200);
        let number = format!(
            "select phone::text from product.phone_pool where tenant_id = '{}'",
            demo.tenant
        );
        let mut tenant = Tenant {
            user: text(&me["user"]["id"]),
            key: stage.tenant_key(&demo.tenant).await,
            key_id: String::new(),
            spare_key_id: id_of(&stage.tenant_key(&demo.tenant).await),
            conversations: Vec::new(),
            messages: Vec::new(),
            calls: Vec::new(),
            requests: Vec::new(),
            greeting: format!("Good day from tenant {}", guest.0),
            owner_phone: format!("+43664123450{}", guest.0),
            words: format!("the words of tenant {}", guest.0),
            number: stage.db.text(&number).await,
            demo,
            cookie,
        };
        tenant.key_id = id_of(&tenant.key);
        for (n, person) in (0..).zip(PEOPLE) {
            let conversation = tenant.is_written_to(stage, person, n).await;
            let path = format!("/api/conversations/{conversation}/messages");
            let sent = tenant.posts(stage, &path, &json!({ "body": tenant.words })).await.is(202);
            tenant.messages.push(text(&sent["messageId"]));
            tenant.conversations.push(conversation);
            let call = stage.call(&tenant.demo, u32::from(guest.0) * 10 + n).await;
            stage.transcript(&tenant.demo, call, n == 0).await;
            tenant.calls.push(call.to_string());
            tenant.requests.push(stage.request(&tenant.demo, call).await.to_string());
        }
        let owner = json!({ "ownerPhone": tenant.owner_phone });
        tenant.posts(stage, "/api/messaging", &owner).await.is(200);
        let greeting = json!({ "greeting": tenant.greeting });
        tenant.posts(stage, "/api/voice", &greeting).await.is(200);
        tenant
    }

    /// A text of somebody's, and the conversation under which a worker files it.
    async fn is_written_to(&mut self, stage: &Stage, person: &str, number: u32) -> String {
        let from = PhoneNumber::from_e164(person).unwrap();
        let to = PhoneNumber::from_e164(&self.number).unwrap();
        let sid = format!("SM{:032x}", u32::from(self.demo.guest.0) * 10 + number);
        let tenant = self.demo.id();
        let new = NewInbound {
            sid: &sid,
            from: &from,
            to: &to,
            tenant: Some(tenant),
            body: &self.words,
            keyword: None,
        };
        let mut tx = stage.begin().await;
        let message = messages::receive(&mut tx, new).await.unwrap();
        let with = conversations::with(&mut tx, tenant, &from).await.unwrap();
        messages::file(&mut tx, message, tenant, with.conversation).await.unwrap();
        tx.commit().await.unwrap();
        self.messages.push(message.to_string());
        with.conversation.to_string()
    }

    async fn posts(&self, stage: &Stage, path: &str, body: &Value) -> Answer {
        stage.post(path).cookie(&self.cookie).json(body).send().await
    }

    /// All that names something of theirs.
    pub(super) fn ids(&self) -> Vec<&str> {
        let several = [&self.conversations, &self.messages, &self.calls, &self.requests];
        let one = [&self.demo.tenant, &self.user, &self.key_id, &self.spare_key_id];
        several.into_iter().flatten().chain(one).map(String::as_str).collect()
    }

    /// All by which an answer would tell that it is of them.
    pub(super) fn marks(&self) -> Vec<String> {
        let mut marks: Vec<_> = self.ids().into_iter().map(ToOwned::to_owned).collect();
        marks.extend(
            [&self.greeting, &self.owner_phone, &self.words, &self.number].map(Clone::clone),
        );
        marks.extend([self.demo.guest.email(), self.demo.guest.phone()]);
        marks.extend((0..2).map(|n| sid(u32::from(self.demo.guest.0) * 10 + n)));
        marks
    }

    /// The request of each of theirs who may ask: people, programs, and whoever has the token of the sign-up.
    pub(super) fn asks(&self, route: &Route, ask: impl Fn() -> Ask) -> Vec<Ask> {
        if route.guard == Guard::AccessToken {
            return vec![ask().bearer(&self.demo.token)];
        }
        let is_for_programs = route.guard == Guard::Member;
        let program = is_for_programs.then(|| ask().header("x-api-key", &self.key));
        [Some(ask().cookie(&self.cookie)), program].into_iter().flatten().collect()
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn id_of(key: &str) -> String {
    key.split('_').nth(1).unwrap().to_owned()
}
