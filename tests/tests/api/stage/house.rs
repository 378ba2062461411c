//! What workers would have done.

use domain::{
    MessageId, Pepper, PhoneNumber, TenantId, UserId, access,
    code::{self, Code},
    codes, conversations,
    line::CompanyName,
    numbers,
    password::{self, Salt},
    phone::Region,
    scope,
    signups::{self, SignupStatus},
    tenants, users,
};
use engine::{Sealed, Tx};
use serde_json::json;
use tests::{Answer, PEPPER};

use super::{CODE, DEMO_LASTS, Guest, Stage};

/// The temporary password of every demo here.
const PASSWORD: &str = "temporary-Kirschkuchen-7";

/// A sign-up that the API has taken.
#[derive(Debug, Clone)]
pub(crate) struct Demo {
    pub(crate) guest: Guest,
    pub(crate) tenant: String,
    pub(crate) bot: String,
    /// What verification returned; empty before that.
    pub(crate) token: String,
}

impl Demo {
    /// The temporary password, once there is one.
    pub(crate) const PASSWORD: &str = PASSWORD;

    pub(crate) fn status_path(&self) -> String {
        format!("/api/demo/{}/status", self.tenant)
    }

    pub(crate) fn access_path(&self) -> String {
        format!("/api/demo/{}/access", self.tenant)
    }

    pub(crate) fn id(&self) -> TenantId {
        self.tenant.parse().unwrap()
    }
}

/// What a person does.
impl Stage {
    /// Asks for a demo by the form.
    pub(crate) async fn ask_for_demo(&self, guest: Guest) -> Answer {
        self.post("/api/demo/create-tenant").from_ip(guest.ip()).json(&guest.form()).send().await
    }

    /// A sign-up that was accepted.
    pub(crate) async fn sign_up(&self, guest: Guest) -> Demo {
        let body = self.ask_for_demo(guest).await.is(202);
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Demo { guest, tenant: text("tenantId"), bot: text("botId"), token: String::new() }
    }

    /// A sign-up whose code was sent: [`CODE`].
    pub(crate) async fn invited(&self, guest: Guest) -> Demo {
        let demo = self.sign_up(guest).await;
        self.issue_code(&demo).await;
        demo
    }

    /// Tries a code, by the tenant.
    pub(crate) async fn verify(&self, demo: &Demo, code: &str) -> Answer {
        let body = json!({ "tenantId": demo.tenant, "code": code });
        self.post("/api/demo/verify-phone").json(&body).send().await
    }

    /// Tries a code, by the phone.
    pub(crate) async fn verify_by_phone(&self, phone: &str, code: &str) -> Answer {
        let body = json!({ "phoneNumber": phone, "verificationCode": code });
        self.post("/api/demo/verify-phone").json(&body).send().await
    }

    /// A sign-up whose phone is verified.
    pub(crate) async fn verified(&self, guest: Guest) -> Demo {
        let mut demo = self.invited(guest).await;
        let body = self.verify(&demo, CODE).await.is(202);
        body["accessToken"].as_str().unwrap().clone_into(&mut demo.token);
        demo
    }

    /// A running demo, its password not delivered yet.
    pub(crate) async fn active(&self, guest: Guest) -> Demo {
        let demo = self.verified(guest).await;
        self.provision(&demo).await;
        demo
    }

    /// Where the sign-up stands.
    pub(crate) async fn status_of(&self, demo: &Demo) -> String {
        self.get(&demo.status_path()).send().await.is(200)["status"].as_str().unwrap().to_owned()
    }

    /// Logs in.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.post("/api/auth/login").json(&body).send().await
    }

    /// A session of a demo's user, whose password is still the temporary one.
    pub(crate) async fn session(&self, demo: &Demo) -> String {
        let answer = self.login(&demo.guest.email(), PASSWORD).await;
        answer.is(200);
        answer.cookie()
    }
}

/// What a person does who has a demo.
impl Stage {
    /// A session with a password of their own.
    pub(crate) async fn own_session(&self, demo: &Demo) -> String {
        let cookie = self.session(demo).await;
        let body = json!({ "currentPassword": PASSWORD, "newPassword": "my-own-Palatschinken-8" });
        let path = "/api/auth/change-password";
        let changed = self.post(path).cookie(&cookie).json(&body).send().await;
        changed.is(200);
        changed.cookie()
    }

    /// A conversation with somebody, as a worker files it.
    pub(crate) async fn conversation(&self, demo: &Demo, person: &str) -> String {
        let mut tx = self.begin().await;
        let person = PhoneNumber::from_e164(person).unwrap();
        let with = conversations::with(&mut tx, demo.id(), &person).await.unwrap();
        tx.commit().await.unwrap();
        with.conversation.to_string()
    }
}

/// What a worker does, and an operator.
impl Stage {
    /// A transaction that sees every tenant.
    pub(crate) async fn begin(&self) -> Tx {
        let mut tx = self.api.engine().begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        tx
    }

    /// Issues [`CODE`].
    pub(crate) async fn issue_code(&self, demo: &Demo) {
        let (pepper, code) = (Pepper::new(PEPPER.into()).unwrap(), Code::parse(CODE).unwrap());
        let phone = PhoneNumber::parse(&demo.guest.phone(), Region::AT).unwrap();
        let hash = code::hash_code(&pepper, demo.id(), &code);
        let mut tx = self.begin().await;
        let company = CompanyName::parse("Bäckerei").unwrap();
        tenants::create_pending(&mut tx, demo.id(), &company).await.unwrap();
        codes::issue(&mut tx, demo.id(), &phone, &hash, MessageId::mint()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Sets the demo up: a number, a login with a sealed password, and it begins.
    pub(crate) async fn provision(&self, demo: &Demo) {
        let salt = Salt::generate(&mut rand::rng());
        let hash = password::hash(PASSWORD.into(), salt).await.unwrap();
        let mut tx = self.begin().await;
        let signup = signups::get(&mut tx, demo.id()).await.unwrap().unwrap();
        numbers::pool_seed(&mut tx, 20).await.unwrap();
        numbers::allocate(&mut tx, demo.id(), None).await.unwrap().unwrap();
        let new = users::NewUser {
            user: UserId::mint(),
            tenant: demo.id(),
            email: signup.email.as_ref().unwrap(),
            first_name: "Zoë",
            last_name: "O'Neill",
            password_hash: &hash,
        };
        users::create(&mut tx, new).await.unwrap();
        let sealed: Sealed<String> = tx.seal(&PASSWORD.to_owned()).unwrap();
        access::put_sealed(&mut tx, demo.id(), sealed.as_bytes()).await.unwrap();
        tenants::activate_demo(&mut tx, demo.id(), DEMO_LASTS).await.unwrap();
        signups::set_status(&mut tx, demo.id(), SignupStatus::Active).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Ends a sign-up that came to nothing.
    pub(crate) async fn fail(&self, demo: &Demo) {
        let mut tx = self.begin().await;
        signups::end(&mut tx, demo.id(), SignupStatus::Failed).await.unwrap();
        tx.commit().await.unwrap();
    }
}
