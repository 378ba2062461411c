//! A secret that is exchanged while the process runs: what a provider knows us by, and what it signs with.
//!
//! Clones are the same, so whoever exchanges it need not know who uses it. Each use asks anew, and none holds on to what it got.

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use tokio::sync::watch;

/// The secrets that count for one purpose, the newest first.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    configured: Arc<[SecretString]>,
    counting: watch::Sender<Counting>,
}

#[derive(Clone)]
struct Counting {
    newest: Option<SecretString>,
    all: Arc<[SecretString]>,
}

impl Secrets {
    /// What the process was told when it started, the newest first. It counts until something else is put in its place.
    pub fn new(configured: Vec<SecretString>) -> Secrets {
        let configured: Arc<[SecretString]> = configured.into();
        let counting = watch::Sender::new(Counting::of(&configured));
        Secrets(Arc::new(Inner { configured, counting }))
    }

    /// All that count now: any of them may have signed.
    pub fn all(&self) -> Arc<[SecretString]> {
        Arc::clone(&self.0.counting.borrow().all)
    }

    /// The one to call with; `None`: there is none.
    pub fn newest(&self) -> Option<SecretString> {
        self.0.counting.borrow().newest.clone()
    }

    /// What the process was told when it started.
    pub fn configured(&self) -> &[SecretString] {
        &self.0.configured
    }

    /// Has others count from now on: one to call with, and whatever may have signed besides. Where there is none to call with,
    /// nobody is called: neither an older one nor what was configured steps in.
    pub fn replace(&self, newest: Option<SecretString>, older: Vec<SecretString>) {
        let all = newest.iter().cloned().chain(older).collect();
        self.0.counting.send_replace(Counting { newest, all });
    }

    /// Has what was configured count again.
    pub fn restore(&self) {
        self.0.counting.send_replace(Counting::of(&self.0.configured));
    }
}

impl Counting {
    fn of(configured: &Arc<[SecretString]>) -> Counting {
        Counting { newest: configured.first().cloned(), all: Arc::clone(configured) }
    }
}

impl From<SecretString> for Secrets {
    fn from(secret: SecretString) -> Secrets {
        Secrets::new(vec![secret])
    }
}

impl From<&str> for Secrets {
    fn from(secret: &str) -> Secrets {
        SecretString::from(secret).into()
    }
}

impl From<String> for Secrets {
    fn from(secret: String) -> Secrets {
        SecretString::from(secret).into()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn told(secrets: &Secrets) -> Vec<String> {
        secrets.all().iter().map(|it| it.expose_secret().to_owned()).collect()
    }

    #[test]
    fn every_clone_uses_what_one_of_them_was_given_and_goes_back_to_what_was_configured() {
        let secrets = Secrets::new(vec!["now".into(), "before".into()]);
        let user = secrets.clone();
        assert_eq!(told(&user), ["now", "before"]);
        secrets.replace(Some("stored".into()), vec!["older".into()]);
        assert_eq!(told(&user), ["stored", "older"]);
        assert_eq!(user.configured().len(), 2);
        secrets.replace(None, vec!["older".into()]);
        assert!(user.newest().is_none() && told(&user) == ["older"], "nothing steps in");
        secrets.restore();
        assert_eq!(user.newest().unwrap().expose_secret(), "now");
        assert!(!format!("{user:?}").contains("now"));
    }
}
