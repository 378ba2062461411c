//! A job of which only so many may run at once, and which can be counted from outside: each occupies one of a row of places
//! that the kernel guards, and gives free when its process dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::Path,
    time::Duration,
};

use engine::{Context, Failure, Gates, Retention, Workflow};
use serde::{Deserialize, Serialize};

use super::sleep::occupy;
use crate::app::Trunkline;

/// Places in the row: more than any limit that is tried.
const PLACES: u32 = 64;

/// Long enough to be in each other's way.
const STAY_MAX: Duration = Duration::from_secs(5);

/// Stays for a while in a place of its own, among at most `max` with the same key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limited {
    /// With whom it shares the limit. A plain word.
    pub key: String,
    /// How many at once.
    pub max: u32,
    /// How long it stays, in milliseconds.
    pub ms: u64,
}

impl Workflow<Trunkline> for Limited {
    const KIND: &'static str = "limited";
    const QUEUE: &'static str = super::QUEUE;
    const RETENTION: Retention = Retention::Brief;
    type Output = u32;

    fn gates(&self) -> Gates {
        Gates::none().at_once("try-limited", &self.key, self.max)
    }

    /// Ends with its place, counted from 1: as many as this were there at once.
    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<u32, Failure> {
        if self.key.is_empty() || !self.key.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Failure::permanent("the key must be a plain word"));
        }
        let stay = Duration::from_millis(self.ms).min(STAY_MAX);
        ctx.step("stay", async |clients, _| {
            let path = clients.ledger.clone();
            let path = path.ok_or_else(|| Failure::permanent("TRUNKLINE_LEDGER is not set"))?;
            let key = self.key.clone();
            let found = tokio::task::spawn_blocking(move || take_place(&path, &key)).await?;
            let (place, _guard) = found.map_err(Failure::from)?;
            occupy(stay).await;
            Ok(place)
        })
        .await
    }
}

/// Takes the first free place of a key and notes which. Nobody else looks meanwhile, so all before it are taken at once.
fn take_place(ledger: &Path, key: &str) -> io::Result<(u32, File)> {
    let row = ledger.with_extension("places");
    fs::create_dir_all(&row)?;
    let open = |name: String| {
        OpenOptions::new().create(true).truncate(false).write(true).open(row.join(name))
    };
    let turn = open(format!("{key}.turn"))?;
    turn.lock()?;
    for place in 1..=PLACES {
        let file = open(format!("{key}.{place}"))?;
        match file.try_lock() {
            Ok(()) => {
                let mut seen =
                    OpenOptions::new().create(true).append(true).open(row.join("seen"))?;
                seen.write_all(format!("{key} {place}\n").as_bytes())?;
                return Ok((place, file));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other("all places are taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_while_others_are_there_takes_the_next_place() {
        let home = std::env::temp_dir().join(format!("limited-{}", std::process::id()));
        let ledger = home.join("ledger");
        let (first, one) = take_place(&ledger, "k").unwrap();
        let (second, _two) = take_place(&ledger, "k").unwrap();
        let (other, _three) = take_place(&ledger, "other").unwrap();
        drop(one);
        let (again, _four) = take_place(&ledger, "k").unwrap();
        assert_eq!((first, second, other, again), (1, 2, 1, 1));
        fs::remove_dir_all(home).unwrap();
    }
}
