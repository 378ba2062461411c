//! A tenant that people write to, and that writes to people.

use domain::{
    MessageId, PhoneNumber, TenantId,
    conversations::{self, ConversationMode},
    messaging::{self, MessagingSettings},
    scope,
    sending::Occasion,
};
use engine::NewJob;
use workflows::send_sms::{SendSms, Sender};

use crate::stage::{Props, SignUp, Stage};

/// Somebody who writes.
pub(crate) const PERSON: &str = "+436607654321";

/// By day and by night, so that no test depends on when it runs.
pub(crate) fn at_any_hour() -> MessagingSettings {
    MessagingSettings { quiet: None, ..MessagingSettings::default() }
}

/// A tenant with a number of its own, and the worker that made it; it writes at any hour.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
    _worker: tests::TestWorker<workflows::Trunkline>,
    pub(crate) owner: SignUp,
    pub(crate) number: String,
}

impl Shop {
    pub(crate) async fn open() -> Shop {
        Shop::with(Props::default()).await
    }

    pub(crate) async fn with(props: Props) -> Shop {
        let stage = Stage::with(props).await;
        let worker = stage.worker().await;
        let owner = stage.sign_up().await;
        stage.verify(&owner).await;
        stage.becomes(&owner, "active").await;
        stage.comes_to_rest().await;
        let number = stage
            .db
            .text(&format!(
                "select phone::text from product.phone_pool where tenant_id = '{}'",
                owner.tenant
            ))
            .await;
        let shop = Shop { stage, _worker: worker, owner, number };
        shop.wants(at_any_hour()).await;
        shop
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.owner.tenant
    }

    /// The person writes.
    pub(crate) async fn hears(&self, body: &str) {
        assert_eq!(self.stage.write(PERSON, &self.number, body).await, 200);
    }

    pub(crate) async fn rests(&self) {
        self.stage.comes_to_rest().await;
    }

    /// What the person has been sent, oldest first.
    pub(crate) fn said(&self) -> Vec<String> {
        let texts = self.stage.phone.messages_to(PERSON);
        texts.into_iter().rev().map(|text| text.body).collect()
    }

    pub(crate) async fn wants(&self, settings: MessagingSettings) {
        let mut tx = self.stage.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        messaging::put(&mut tx, self.tenant(), &settings).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn mode_is(&self, mode: ConversationMode) {
        let mut tx = self.stage.engine.begin().await.unwrap();
        scope::platform(&mut tx).await.unwrap();
        let person = PhoneNumber::from_e164(PERSON).unwrap();
        let with = conversations::with(&mut tx, self.tenant(), &person).await.unwrap();
        conversations::set_mode(&mut tx, with.conversation, mode).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn mode(&self) -> String {
        self.stage.db.text("select mode from product.conversations").await
    }

    /// A message of the tenant's to somebody.
    pub(crate) fn message(&self, to: &str, occasion: Occasion) -> SendSms {
        let seal = self.stage.engine.sealer();
        SendSms {
            message: MessageId::mint(),
            for_tenant: Some(self.tenant()),
            purpose: "reminder".to_owned(),
            to: seal.seal(&PhoneNumber::from_e164(to).unwrap()).unwrap(),
            body: seal.seal(&format!("We see you tomorrow, {to}")).unwrap(),
            validity_secs: 14_400,
            occasion,
            sender: Sender::Tenant,
            every_ms: 1,
            patience_secs: None,
        }
    }

    pub(crate) async fn enqueue(&self, job: NewJob) {
        let mut tx = self.stage.engine.begin().await.unwrap();
        tx.enqueue(job).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// How the newest message that was to be sent stands, and why.
    pub(crate) async fn newest(&self) -> (String, String) {
        let row = |column: &str| {
            format!(
                "select coalesce({column}, '') from product.messages where direction = 'outbound'
                 order by created_at desc, message_id desc limit 1"
            )
        };
        (self.stage.db.text(&row("status")).await, self.stage.db.text(&row("reason")).await)
    }
}
