//! What providers know us by, exchanged while processes run. The database's word counts where it has one; where it has none,
//! what the process was told by its environment does.
//!
//! Every process looks for itself ([`LOOK_EVERY`]) and puts what it finds into the [`Secrets`] that its clients and doors use.
//! Nothing tells it of a change: it works past a pooler, and what a lost word would cost is a webhook.

use std::{error::Error, time::Duration};

use clients::{Secrets, stripe};
use domain::{
    provider_credentials::{self as stored, Counting, Credential, Kept},
    scope,
};
use engine::{Engine, RewrapReport, Sealed, Sealer, Tx};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

/// How often a process looks, a quarter more or less. One statement by an index over a few rows.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A look that takes longer has lost its connection.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// Before the next look after one that failed, when a process begins.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// After the end of a version's grace, so that the look does not come a moment too early.
const AFTER_THE_END: Duration = Duration::from_millis(20);

/// What is in a box: the secret, and what it is, so that no box does for another. Has no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct Content {
    credential: Credential,
    secret: String,
}

/// A box for a credential.
pub fn seal(
    tx: &Tx,
    credential: Credential,
    secret: &SecretString,
) -> Result<Sealed<Content>, engine::Error> {
    tx.seal(&Content { credential, secret: secret.expose_secret().to_owned() })
}

/// One place where a process uses a credential.
pub type Use = (Credential, Secrets);

/// Keeps what a process uses to what the database says.
pub struct Keeper {
    engine: Engine,
    uses: Vec<Use>,
    /// What was seen last: versions, with whether they could be used.
    seen: Vec<Seen>,
    /// Of which of them what was configured counted, too.
    beside: Vec<Credential>,
    is_silent: bool,
}

/// A version, and whether it could be used.
type Seen = (Credential, i32, Result<(), Fault>);

/// The database did not answer: everything stays as it is.
struct Silent;

/// Why a version cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Sealed with a key that this process does not have, or changed since.
    Closed,
    /// Another credential's box.
    Strange,
    /// A key for real money where the process was configured for tests, or the other way around.
    OtherMode,
}

impl Fault {
    fn as_str(self) -> &'static str {
        match self {
            Fault::Closed => "its box cannot be opened with the keys of this process",
            Fault::Strange => "its box is of another credential",
            Fault::OtherMode => "it is of Stripe's other mode, live or test",
        }
    }
}

/// What is to be done with one use.
enum Verdict {
    /// The database has none: what was configured counts.
    Configured,
    /// The newest, and those whose grace lasts.
    Stored { newest: Option<SecretString>, older: Vec<SecretString> },
}

impl Keeper {
    /// Looks until the first look has succeeded: a process that began without it would take what was retired long ago.
    pub async fn begin(engine: Engine, uses: Vec<Use>) -> Keeper {
        let mut keeper =
            Keeper { engine, uses, seen: Vec::new(), beside: Vec::new(), is_silent: false };
        while keeper.look().await.is_err() {
            rest(LOOK_AGAIN).await;
        }
        keeper
    }

    /// Goes on looking, for ever.
    pub async fn keep(mut self) {
        let mut ends = None;
        loop {
            let usual = LOOK_EVERY.mul_f64(rand::random_range(0.75..1.25));
            rest(soonest(usual, ends)).await;
            ends = self.look().await.ok().flatten();
        }
    }

    /// One look; gives how soon a grace ends, if one does.
    async fn look(&mut self) -> Result<Option<Duration>, Silent> {
        let looked = timeout(LOOK_WITHIN, counting(&self.engine)).await;
        match looked.unwrap_or_else(|late| Err(late.into())) {
            Ok(versions) => {
                self.is_silent = false;
                self.take_up(&versions);
                Ok(versions.iter().flat_map(|it| [it.left, it.configured_left]).flatten().min())
            }
            Err(error) => {
                if !self.is_silent {
                    tracing::warn!(%error, "provider credentials could not be looked up; those in use stay");
                }
                self.is_silent = true;
                Err(Silent)
            }
        }
    }

    fn take_up(&mut self, versions: &[Counting]) {
        let is_known = self.seen.len() == versions.len()
            && self.seen.iter().zip(versions).all(|((credential, version, found), it)| {
                (*credential, *version) == (it.credential, it.version) && found.is_ok()
            });
        let beside = versions.iter().filter(|it| it.configured_left.is_some());
        let beside: Vec<_> = beside.map(|it| it.credential).collect();
        if is_known && beside == self.beside {
            return;
        }
        let mut seen = Vec::new();
        let opened: Vec<_> = versions
            .iter()
            .map(|it| (it, open(self.engine.sealer(), it.credential, &it.sealed)))
            .collect();
        for (credential, secrets) in &self.uses {
            let own: Vec<_> = opened
                .iter()
                .filter(|(it, _)| it.credential == *credential)
                .map(|(it, found)| {
                    let found = found.as_ref().map_err(|fault| *fault);
                    (*it, found.and_then(|secret| fits(*credential, secrets.configured(), secret)))
                })
                .collect();
            seen.extend(own.iter().map(|(it, found)| {
                (it.credential, it.version, found.as_ref().map(|_| ()).map_err(|fault| *fault))
            }));
            match verdict(own.into_iter().map(|(it, found)| (it.left.is_none(), found))) {
                Verdict::Configured => secrets.restore(),
                Verdict::Stored { newest, mut older } => {
                    if beside.contains(credential) {
                        older.extend_from_slice(secrets.configured());
                    }
                    secrets.replace(newest, older);
                }
            }
        }
        // What this process does not use is seen all the same: a change of it is none here.
        for it in versions {
            if !self.uses.iter().any(|(credential, _)| *credential == it.credential) {
                seen.push((it.credential, it.version, Ok(())));
            }
        }
        // As the database has them: each once, and of two uses the worse finding.
        seen.sort_by_key(|(credential, version, found)| {
            (credential.as_str(), -version, found.is_ok())
        });
        seen.dedup_by_key(|(credential, version, _)| (*credential, *version));
        self.tell(&seen);
        self.seen = seen;
        self.beside = beside;
    }

    /// Says what is new.
    fn tell(&self, seen: &[Seen]) {
        for it in seen.iter().filter(|it| !self.seen.contains(it)) {
            let (credential, version, found) = it;
            let is_used = self.uses.iter().any(|(used, _)| used == credential);
            match found {
                Ok(()) if is_used => {
                    tracing::info!(%credential, version, "a provider's credential counts");
                }
                Ok(()) => {}
                Err(fault) => {
                    let why = fault.as_str();
                    tracing::error!(%credential, version, why, "a provider's credential cannot be used");
                }
            }
        }
        let is_there = |it: &&Seen| seen.iter().any(|now| (now.0, now.1) == (it.0, it.1));
        for (credential, version, _) in self.seen.iter().filter(|it| !is_there(it)) {
            tracing::info!(%credential, version, "a provider's credential does not count any more");
        }
    }
}

/// The sooner of the usual time and the end of a grace.
fn soonest(usual: Duration, ends: Option<Duration>) -> Duration {
    ends.map_or(usual, |left| usual.min(left + AFTER_THE_END))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a loop that looks: nothing tells of what others wrote"
)]
async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}

async fn counting(engine: &Engine) -> Result<Vec<Counting>, Box<dyn Error + Send + Sync>> {
    let mut tx = engine.begin().await?;
    scope::platform(&mut tx).await?;
    Ok(stored::counting(&mut tx).await?)
}

/// What is in a box.
fn open(keys: &Sealer, credential: Credential, closed: &[u8]) -> Result<SecretString, Fault> {
    let closed = Sealed::<Content>::from_bytes(closed.to_vec()).map_err(|_| Fault::Closed)?;
    let content = keys.open(&closed).map_err(|_| Fault::Closed)?;
    let secret = SecretString::from(content.secret);
    if content.credential == credential { Ok(secret) } else { Err(Fault::Strange) }
}

/// Whether a secret can stand where another was configured. Books that were begun with test money do not go on with real one.
fn fits(
    credential: Credential,
    configured: &[SecretString],
    secret: &SecretString,
) -> Result<SecretString, Fault> {
    let is_other = |ours: &SecretString| {
        stripe::is_live(ours.expose_secret()) != stripe::is_live(secret.expose_secret())
    };
    let ours = configured.first().filter(|_| credential == Credential::StripeSecretKey);
    if ours.is_some_and(is_other) { Err(Fault::OtherMode) } else { Ok(secret.clone()) }
}

/// What counts of all versions of a credential. Each with whether it is the newest.
fn verdict(versions: impl Iterator<Item = (bool, Result<SecretString, Fault>)>) -> Verdict {
    let (mut newest, mut older, mut any) = (None, Vec::new(), false);
    for (is_newest, secret) in versions {
        any = true;
        match secret {
            Ok(secret) if is_newest => newest = Some(secret),
            Ok(secret) => older.push(secret),
            // It is told; nothing steps in for it.
            Err(_) => {}
        }
    }
    if any { Verdict::Stored { newest, older } } else { Verdict::Configured }
}

/// Seals anew what is sealed under another key than the primary one. Safe at any time: a box is replaced where it still is what
/// was read.
pub async fn rewrap(
    engine: &Engine,
    report: &mut RewrapReport,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut tx = engine.begin().await?;
    scope::platform(&mut tx).await?;
    for kept in stored::kept(&mut tx).await? {
        report.rows += 1;
        match anew(engine.sealer(), &kept) {
            Ok(None) => {}
            Ok(Some(new)) => {
                let is_done = stored::reseal(&mut tx, &kept, &new).await?;
                *(if is_done { &mut report.rewrapped } else { &mut report.missed }) += 1;
            }
            Err(key) => *report.unopenable.entry(key).or_default() += 1,
        }
    }
    Ok(tx.commit().await?)
}

/// A box under the primary key, where it is under another. The error: the key that it names.
fn anew(sealer: &Sealer, kept: &Kept) -> Result<Option<Vec<u8>>, String> {
    let old = Sealed::<()>::from_bytes(kept.sealed.clone()).map_err(|_| String::new())?;
    if !sealer.needs_rewrap(&old) {
        return Ok(None);
    }
    let new = sealer.rewrap(&old).map_err(|_| old.key_id().to_owned())?;
    Ok(Some(new.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(id: &str) -> Sealer {
        Sealer::new(vec![(id.to_owned(), [7; 32])]).unwrap()
    }

    fn boxed(sealer: &Sealer, credential: Credential) -> Vec<u8> {
        let content = Content { credential, secret: "secret".to_owned() };
        sealer.seal(&content).unwrap().into_bytes()
    }

    #[test]
    fn a_box_is_opened_by_its_key_for_its_own_credential_and_for_no_other() {
        let (ours, theirs) = (sealer("a"), sealer("b"));
        let sealed = boxed(&ours, Credential::TwilioAuthToken);
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"), "nothing of it is plain");
        let open = |sealer, credential| open(sealer, credential, &sealed).err();
        assert_eq!(open(&ours, Credential::TwilioAuthToken), None);
        assert_eq!(open(&ours, Credential::OpenAiApiKey), Some(Fault::Strange));
        assert_eq!(open(&theirs, Credential::TwilioAuthToken), Some(Fault::Closed));
    }

    #[test]
    fn nothing_steps_in_for_a_newest_one_that_cannot_be_used() {
        let told = |versions: Vec<(bool, Result<SecretString, Fault>)>| match verdict(
            versions.into_iter(),
        ) {
            Verdict::Configured => None,
            Verdict::Stored { newest, older } => Some((newest.is_some(), older.len())),
        };
        assert_eq!(told(vec![]), None);
        assert_eq!(
            told(vec![(true, Ok("new".into())), (false, Ok("old".into()))]),
            Some((true, 1))
        );
        let closed = vec![(true, Err(Fault::Closed)), (false, Ok("old".into()))];
        assert_eq!(told(closed), Some((false, 1)), "it may have signed, and calls nobody");
        assert_eq!(told(vec![(true, Err(Fault::Closed))]), Some((false, 0)));
    }

    #[test]
    fn a_key_for_real_money_takes_no_test_key_s_place() {
        let fits = |ours: &str, new: &str| {
            let ours: Vec<SecretString> = vec![ours.into()];
            fits(Credential::StripeSecretKey, &ours, &new.into()).err()
        };
        assert_eq!(fits("sk_test_1", "rk_test_2"), None);
        assert_eq!(fits("sk_live_1", "rk_live_2"), None);
        assert_eq!(fits("sk_test_1", "sk_live_2"), Some(Fault::OtherMode));
        assert_eq!(fits("sk_live_1", "sk_test_2"), Some(Fault::OtherMode));
    }

    #[test]
    fn a_process_looks_again_when_a_grace_ends_and_not_only_when_it_would_have() {
        let usual = LOOK_EVERY;
        assert_eq!(soonest(usual, None), usual);
        assert_eq!(soonest(usual, Some(Duration::from_hours(1))), usual);
        assert!(soonest(usual, Some(Duration::from_secs(1))) < Duration::from_secs(2));
    }
}
