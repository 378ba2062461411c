//! From a sign-up to a tenant that can log in, or to nothing at all.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `open_signup` | the sign-up and the person, written by the API with the job | the sign-up ends and forgets the person | nothing: the request was not answered |
//! | `open_tenant` | a tenant, `demo_pending` | the tenant and all that hangs on it go | `pending_verification`, later `expired` or `failed` |
//! | `issue_code` | a code, of which only the hash is kept | – (goes with the tenant) | the same |
//! | `send_sms` (child) | the code on their phone | – (cannot be taken back; the code dies) | the same |
//! | wait for `phone_verified` | – | – | the same; after ten minutes the sign-up is `expired` and undone |
//! | `open_subscription` | the demo plan | the subscription goes | `provisioning` |
//! | `create_bot` | the assistant | the assistant goes | `provisioning` |
//! | `allocate_number` (child) | a number of their own | the number goes back to the pool | `provisioning`, or `waitlisted` while the pool is empty |
//! | `create_user` | a login with a temporary password | the login goes | `provisioning` |
//! | `activate` | the demo begins | – (the last step) | `active` |

use std::time::Duration;

use domain::{
    BotId, Digest, MessageId, PhoneNumber, TenantId, UserId, access, bots,
    code::{self, Code},
    codes, password, scope,
    signups::{self, Signup, SignupStatus},
    subscriptions, tenants, users,
};
use engine::{Awaited, Change, Context, Failure, Registrar, Sealed, Tx, Workflow};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::AllocateNumber,
    app::{Settings, Trunkline},
    error::of_domain,
    send_sms::SendSms,
    text,
};

/// The signal that a verified code, or an operator, sends.
pub const VERIFIED: &str = "phone_verified";

/// A signal that was committed when the time was over is heard well within this.
const LAST_MOMENT: Duration = Duration::from_mins(1);

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

/// A code that was issued.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Issued {
    pub(crate) message: MessageId,
    pub(crate) to: Sealed<PhoneNumber>,
    pub(crate) body: Sealed<String>,
    expires_at: chrono::DateTime<chrono::Utc>,
}

impl Workflow<Trunkline> for DemoSignup {
    const KIND: &'static str = "demo_signup";
    const QUEUE: &'static str = "demo";
    type Output = DemoReady;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger
            .change::<OpenSignup>()
            .change::<OpenTenant>()
            .change::<OpenSubscription>()
            .change::<CreateBot>()
            .change::<CreateUser>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<DemoReady, Failure> {
        let (tenant, bot) = (self.tenant, self.bot);
        ctx.change(OpenSignup { tenant }).await?;
        ctx.change(OpenTenant { tenant }).await?;
        let issued = ctx
            .transaction("issue_code", async |tx| issue_code(tx, ctx.settings(), tenant).await)
            .await?;
        self.verified(ctx, issued).await?;

        ctx.change(OpenSubscription { tenant }).await?;
        ctx.change(CreateBot { tenant, bot }).await?;
        ctx.child(AllocateNumber { tenant }).await?;
        ctx.change(CreateUser { tenant }).await?;
        ctx.transaction("activate", async |tx| activate(tx, ctx.settings(), tenant).await).await
    }
}

impl DemoSignup {
    /// Waits until the phone is verified. A code that cannot be sent ends the sign-up; one that was skipped, for want of a
    /// provider, leaves it to an operator.
    async fn verified(&self, ctx: &Context<'_, Trunkline>, issued: Issued) -> Result<(), Failure> {
        let mut expires_at = issued.expires_at;
        let sms = ctx
            .spawn(SendSms {
                message: issued.message,
                for_tenant: Some(self.tenant),
                purpose: "verification_code".to_owned(),
                to: issued.to,
                body: issued.body,
                // A code that arrives after its end helps nobody.
                validity_secs: u32::try_from(codes::LIFETIME.as_secs()).unwrap_or(600),
            })
            .await?;
        let mut sent = false;
        loop {
            let wait = ctx.wait_for::<Verified>(VERIFIED);
            let wait = if sent { wait } else { wait.or_end_of(&sms) };
            match wait.until(expires_at).await? {
                Awaited::Signal(_) => return Ok(()),
                Awaited::Child(Ok(_)) => sent = true,
                Awaited::Child(Err(end)) => {
                    let why = end.error.unwrap_or_default();
                    return Err(Failure::undo(format!("the code could not be sent: {why}")));
                }
                Awaited::TimedOut => match self.out_of_time(ctx).await? {
                    Some(later) => expires_at = later,
                    None => return Ok(()),
                },
            }
        }
    }
}

impl DemoSignup {
    /// The time is over. A code that was accepted at the last moment still counts: its signal is on its way. And if a new
    /// code was sent meanwhile, its end is what is waited for.
    async fn out_of_time(
        &self,
        ctx: &Context<'_, Trunkline>,
    ) -> Result<Option<chrono::DateTime<chrono::Utc>>, Failure> {
        let tenant = self.tenant;
        let last =
            match ctx.transaction("time_is_over", async |tx| expire(tx, tenant).await).await? {
                Late::NewCode(until) => return Ok(Some(until)),
                Late::Expired => Awaited::TimedOut,
                Late::Verified => ctx.wait_for::<Verified>(VERIFIED).for_up_to(LAST_MOMENT).await?,
            };
        match last {
            Awaited::Signal(_) => Ok(None),
            Awaited::Child(_) | Awaited::TimedOut => {
                Err(Failure::undo("the phone was not verified in time"))
            }
        }
    }
}

/// What a look at the end of the time found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Late {
    /// Nobody verified it: it has ended.
    Expired,
    /// Somebody just did.
    Verified,
    /// A new code can be used until then.
    NewCode(chrono::DateTime<chrono::Utc>),
}

/// Ends a sign-up that nobody verified, and that has no code any more.
async fn expire(tx: &mut Tx, tenant: TenantId) -> Result<Late, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    // Locked: whoever issues a new code at this moment does so before, or finds the sign-up ended.
    let status = signups::status_for_update(tx, tenant).await.map_err(of_domain)?;
    if status == SignupStatus::Provisioning {
        return Ok(Late::Verified);
    }
    if let Some(until) = codes::current_until(tx, tenant).await.map_err(of_domain)? {
        return Ok(Late::NewCode(until));
    }
    signups::end(tx, tenant, SignupStatus::Expired).await.map_err(of_domain)?;
    Ok(Late::Expired)
}

/// The sign-up as the API writes it down: a deed that the job is born with, so that it is undone even if no worker ever
/// runs the body.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenSignup {
    /// The tenant to be.
    pub tenant: TenantId,
}

impl Change<Trunkline> for OpenSignup {
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
        signups::end(tx, self.tenant, SignupStatus::Failed).await.map_err(of_domain)
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
        tenants::create_pending(tx, self.tenant, &company).await.map_err(of_domain)
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

impl Change<Trunkline> for CreateBot {
    const NAME: &'static str = "create_bot";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        bots::create(tx, bots::NewBot::demo(self.bot, self.tenant)).await.map_err(of_domain)
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
        Ok(user)
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, _: &UserId) -> Result<(), Failure> {
        scope::tenant(tx, self.tenant).await.map_err(of_domain)?;
        access::delete(tx, self.tenant).await.map_err(of_domain)?;
        users::delete_all(tx, self.tenant).await.map_err(of_domain)
    }
}

/// Makes a code and keeps its hash; the code itself goes on only inside a sealed message.
pub(crate) async fn issue_code(
    tx: &mut Tx,
    settings: &Settings,
    tenant: TenantId,
) -> Result<Issued, Failure> {
    scope::platform(tx).await.map_err(of_domain)?;
    let signup = signup_of(tx, tenant).await?;
    let phone =
        signup.phone.ok_or_else(|| Failure::permanent("the sign-up has no phone any more"))?;
    let code = Code::generate(&mut rand::rng());
    let hash: Digest = code::hash_code(&settings.pepper, tenant, &code);
    let expires_at =
        codes::issue(tx, tenant, &phone, &hash, codes::LIFETIME).await.map_err(of_domain)?;
    let body = text::verification_code(signup.locale, &code, settings.demo.sms_template.as_deref());
    Ok(Issued {
        message: MessageId::mint(),
        to: tx.seal(&phone)?,
        body: tx.seal(&body)?,
        expires_at,
    })
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
    Ok(DemoReady { tenant, expires_at })
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
