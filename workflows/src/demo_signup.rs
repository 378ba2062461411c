//! From a sign-up to a tenant that can log in, or to nothing at all.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `open_signup` | the sign-up and the person, written by the API with the job | the sign-up ends and forgets the person | nothing: the request was not answered |
//! | `open_tenant` | a tenant, `demo_pending` | the tenant and all that hangs on it go | `pending_verification`, later `expired` or `failed` |
//! | `issue_code` | a code, of which only the hash is kept | – (goes with the tenant) | the same |
//! | `send_sms` (child) | the code on their phone | – (cannot be taken back; the code dies) | the same |
//! | `otp_by_voice` (child) | a new code, spoken, if no text gets through | – (cannot be taken back; the code dies) | the same |
//! | `look_for_newer_code` | – (whether a code that failed was replaced meanwhile) | – | the same |
//! | wait for `phone_verified` | – | – | the same; after ten minutes the sign-up is `expired` and undone |
//! | `open_subscription` | the demo plan | the subscription goes | `provisioning` |
//! | `create_bot` | the assistant | the assistant goes | `provisioning` |
//! | `allocate_number` (child) | a number of their own | the number goes back to the pool | `provisioning`, or `waitlisted` while the pool is empty |
//! | `create_user` | a login with a temporary password | the login goes | `provisioning` |
//! | `activate` | the demo begins | – (the last step) | `active` |

mod proof; // how a phone is proven

use domain::{
    BotId, TenantId, UserId, access, bots, password, scope,
    signups::{self, Signup, SignupStatus},
    subscriptions, tenants, users,
};
use engine::{Change, Context, Failure, Registrar, Sealed, Tx, Workflow};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::AllocateNumber,
    app::{Settings, Trunkline},
    error::of_domain,
    events,
};

pub(crate) use self::proof::{Issued, issue as issue_code};
pub use self::proof::{NOT_DELIVERED, NotDelivered};

/// The signal that a verified code, or an operator, sends.
pub const VERIFIED: &str = "phone_verified";

/// Sets up a demo. The API has written the sign-up itself, under ids of its making, in the transaction of this job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoSignup {
    /// The tenant to be.
    pub tenant: TenantId,
    /// Its assistant to be.
    pub bot: BotId,
}

/// What [`VERIFIED`] carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Who says so.
    pub by: VerifiedBy,
}

/// Who says that the phone is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifiedBy {
    /// They had the code.
    Code,
    /// An operator vouches for them.
    Operator,
}

/// The end of a sign-up that went well. What the customer is given is in the product's records; nothing here is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoReady {
    /// The tenant.
    pub tenant: TenantId,
    /// When the demo is over.
    pub expires_at: chrono::DateTime<chrono::Utc>,
}

impl Workflow<Trunkline> for DemoSignup {
    const KIND: &'static str = "demo_signup";
    const QUEUE: &'static str = "demo";
    type Output = DemoReady;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger
            .change::<TakeOverSignup>()
            .change::<OpenTenant>()
            .change::<OpenSubscription>()
            .change::<CreateBot>()
            .change::<CreateUser>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<DemoReady, Failure> {
        let (tenant, bot) = (self.tenant, self.bot);
        ctx.change(TakeOverSignup { tenant }).await?;
        ctx.change(OpenTenant { tenant }).await?;
        proof::proven(ctx, tenant).await?;

        ctx.change(OpenSubscription { tenant }).await?;
        ctx.change(CreateBot::new(tenant, bot)).await?;
        ctx.child(AllocateNumber { tenant }).await?;
        ctx.change(CreateUser { tenant }).await?;
        ctx.transaction("activate", async |tx| activate(tx, ctx.settings(), tenant).await).await
    }
}

/// The run answers for the sign-up, which the API has opened: a deed that the job is born with, so that it is undone even if
/// no worker ever runs the body.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeOverSignup {
    /// The tenant to be.
    pub tenant: TenantId,
}

impl Change<Trunkline> for TakeOverSignup {
    const NAME: &'static str = "open_signup";
    type Output = ();

    /// Only for a job that an operator enqueued by hand: the sign-up must be there.
    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        signup_of(tx, self.tenant).await.map(drop)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        // One that ran out of time has ended as `expired` already, and keeps that word.
        signups::end(tx, self.tenant, SignupStatus::Failed).await.map_err(of_domain)?;
        tracing::warn!(
            event = events::DEMO_SETUP,
            tenant_id = %self.tenant,
            step = "undone",
            "a sign-up came to nothing, and what was made for it is gone"
        );
        Ok(())
    }
}

/// A tenant that is not verified yet.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenTenant {
    pub(crate) tenant: TenantId,
}

impl Change<Trunkline> for OpenTenant {
    const NAME: &'static str = "open_tenant";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let signup = signup_of(tx, self.tenant).await?;
        let company = signup.company_name.unwrap_or_default().parse_company()?;
        tenants::create_pending(tx, self.tenant, &company).await.map_err(of_domain)?;
        tracing::info!(
            event = events::TENANT_CREATED,
            tenant_id = %self.tenant,
            by = "signup",
            "a tenant is there"
        );
        Ok(())
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        tenants::delete_demo(tx, self.tenant).await.map_err(of_domain)
    }
}

/// The demo plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenSubscription {
    pub(crate) tenant: TenantId,
}

impl Change<Trunkline> for OpenSubscription {
    const NAME: &'static str = "open_subscription";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, settings: &Settings) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        let terms = subscriptions::DemoTerms {
            lifetime: settings.demo.lifetime,
            daily_calls_max: settings.demo.daily_calls_max,
        };
        subscriptions::open_demo(tx, self.tenant, terms).await.map_err(of_domain)?;
        log_step(self.tenant, Self::NAME);
        Ok(())
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        subscriptions::delete_demo(tx, self.tenant).await.map_err(of_domain)
    }
}

/// The assistant.
#[derive(Debug, Serialize, Deserialize)]
pub struct CreateBot {
    tenant: TenantId,
    bot: BotId,
}

impl CreateBot {
    pub(crate) fn new(tenant: TenantId, bot: BotId) -> CreateBot {
        CreateBot { tenant, bot }
    }
}

impl Change<Trunkline> for CreateBot {
    const NAME: &'static str = "create_bot";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        bots::create(tx, bots::NewBot::demo(self.bot, self.tenant)).await.map_err(of_domain)?;
        log_step(self.tenant, Self::NAME);
        Ok(())
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, (): &()) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        bots::delete(tx, self.tenant, self.bot).await.map_err(of_domain)
    }
}

/// The login. The temporary password is made here and leaves this transaction only hashed and sealed: it is in no
/// checkpoint, and the sealed copy goes with its one delivery.
#[derive(Debug, Serialize, Deserialize)]
pub struct CreateUser {
    pub(crate) tenant: TenantId,
}

impl Change<Trunkline> for CreateUser {
    const NAME: &'static str = "create_user";
    type Output = UserId;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<UserId, Failure> {
        let temporary = password::generate(&mut rand::rng());
        let sealed: Sealed<String> = tx.seal(&temporary.expose_secret().to_owned())?;
        let salt = password::Salt::generate(&mut rand::rng());
        let password_hash =
            password::hash(SecretString::from(temporary), salt).await.map_err(of_domain)?;
        scope::platform(tx).await.map_err(of_domain)?;
        let signup = signup_of(tx, self.tenant).await?;
        let email =
            signup.email.ok_or_else(|| Failure::permanent("the sign-up has no e-mail any more"))?;
        let new = users::NewUser {
            user: UserId::mint(),
            tenant: self.tenant,
            email: &email,
            first_name: signup.first_name.as_deref().unwrap_or("Demo"),
            last_name: signup.last_name.as_deref().unwrap_or("User"),
            password_hash: &password_hash,
        };
        let user = users::create(tx, new).await.map_err(of_domain)?;
        access::put_sealed(tx, self.tenant, sealed.as_bytes()).await.map_err(of_domain)?;
        log_step(self.tenant, Self::NAME);
        Ok(user)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, _: &UserId) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        access::delete(tx, self.tenant).await.map_err(of_domain)?;
        users::delete_all(tx, self.tenant).await.map_err(of_domain)
    }
}

/// The demo begins.
pub(crate) async fn activate(
    tx: &mut Tx,
    settings: &Settings,
    tenant: TenantId,
) -> Result<DemoReady, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let expires_at =
        tenants::activate_demo(tx, tenant, settings.demo.lifetime).await.map_err(of_domain)?;
    signups::set_status(tx, tenant, SignupStatus::Active).await.map_err(of_domain)?;
    log_step(tenant, "activate");
    Ok(DemoReady { tenant, expires_at })
}

/// How far a demo is: what the last line about a tenant names is the last that was done.
fn log_step(tenant: TenantId, step: &str) {
    tracing::info!(event = events::DEMO_SETUP, tenant_id = %tenant, step, "a step of a demo is done");
}

async fn signup_of(tx: &mut Tx, tenant: TenantId) -> Result<Signup, Failure> {
    let signup = signups::get(tx, tenant).await.map_err(of_domain)?;
    signup.ok_or_else(|| Failure::permanent("there is no such sign-up"))
}

/// A stored company name as the value it was made from.
trait ParseCompany {
    fn parse_company(&self) -> Result<domain::line::CompanyName, Failure>;
}

impl ParseCompany for String {
    fn parse_company(&self) -> Result<domain::line::CompanyName, Failure> {
        domain::line::CompanyName::parse(self)
            .map_err(|_| Failure::permanent("the sign-up has no company name any more"))
    }
}
