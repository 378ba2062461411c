//! Chaining the record of what operators did, and looking whether it is what it was.

use std::str::FromStr;

use serde::Serialize;

use crate::{
    chain::{self, Broken, Fault, Head, LinkedRow},
    engine::Engine,
    error::Error,
    store,
    tx::Tx,
};

/// Links looked at in one request.
pub const LINKS_AT_ONCE: i64 = 10_000;

/// Rows that wait for their link are counted so far.
pub const WAITING_MAX: i64 = 10_000;

/// A link that somebody has noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Its number.
    pub link: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl FromStr for Noted {
    type Err = NotNoted;

    fn from_str(text: &str) -> Result<Noted, NotNoted> {
        let (link, hash) = text.split_once(':').ok_or(NotNoted)?;
        let link = link.parse().ok().filter(|link| *link > 0).ok_or(NotNoted)?;
        let hash = hex::decode(hash).ok().filter(|hash| hash.len() == 32).ok_or(NotNoted)?;
        Ok(Noted { link, hash })
    }
}

/// It is no link that anybody has noted.
#[derive(Debug, thiserror::Error)]
#[error("must be LINK:HASH, as an earlier look has shown them")]
pub struct NotNoted;

/// A stretch of a record, as it is stored.
#[derive(Debug)]
pub struct Stretch {
    /// The link before it.
    pub head: Option<Head>,
    /// The links and their rows.
    pub rows: Vec<LinkedRow>,
    /// A row beside them that pretends to be as old.
    pub inserted: Option<i64>,
    /// Rows that wait for their link.
    pub waiting: i64,
    /// What somebody has noted, and what stands there.
    pub noted: Option<(Noted, Option<Head>)>,
}

/// What a look has found.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// Links that were looked at.
    pub checked: usize,
    /// The first place at which the record is not what it was.
    pub broken: Option<Broken>,
    /// The number of the last link looked at; where the next look begins.
    pub last: i64,
    /// Its hash, in hex: whoever has noted it can tell whether the end was cut off since.
    pub hash: Option<String>,
    /// Whether there are more.
    pub is_more: bool,
    /// Rows that have no link yet, at most 10,000.
    pub waiting: i64,
}

impl Verified {
    /// What a stretch shows.
    pub fn of(stretch: Stretch) -> Verified {
        let Stretch { head, rows, inserted, waiting, noted } = stretch;
        let is_more = is_more(&rows);
        let last = rows.last().map(|row| &row.link).or(head.as_ref()).cloned();
        let checked = rows.len();
        let as_noted = noted.and_then(|(noted, found)| {
            let holds = found.is_some_and(|found| found.hash == noted.hash);
            let broken = Broken { link: Some(noted.link), id: None, what: Fault::NotAsNoted };
            (!holds).then_some(broken)
        });
        let inserted =
            inserted.map(|id| Broken { link: None, id: Some(id), what: Fault::Inserted });
        Verified {
            checked,
            broken: chain::first_broken(head, &rows).or(inserted).or(as_noted),
            last: last.as_ref().map_or(0, |last| last.link),
            hash: last.filter(|last| !last.hash.is_empty()).map(|last| last.hex()),
            is_more,
            waiting,
        }
    }
}

/// Whether a page of links was full, so that there may be another.
fn is_more(rows: &[LinkedRow]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|count| count == LINKS_AT_ONCE)
}

/// Up to which id rows belong beside these links; `None`: all that come behind them.
pub fn last_id(rows: &[LinkedRow]) -> Option<i64> {
    rows.iter().map(|row| row.link.id).max().filter(|_| is_more(rows))
}

impl Tx {
    /// Links the next rows of the record, at most so many. `late`: also those that committed later than others; the first
    /// look of each run. Says how many, and where the chain ends now. Waits for whoever else is chaining.
    pub async fn chain_audit(
        &mut self,
        late: bool,
        rows_max: i64,
    ) -> Result<(usize, Option<Head>), Error> {
        store::audit_links::lock(self).await?;
        let head = store::audit_links::head(self).await?;
        let rows = store::audit_links::unlinked(self, late, rows_max).await?;
        let links = chain::links(head.clone(), &rows);
        store::audit_links::insert(self, &links).await?;
        Ok((links.len(), links.last().cloned().or(head)))
    }
}

impl Engine {
    /// Looks at the links behind this one, at most [`LINKS_AT_ONCE`]; 0: from the beginning.
    pub async fn verify_audit(&self, after: i64, noted: Option<Noted>) -> Result<Verified, Error> {
        let stretch = self
            .read(async |conn| {
                let head = store::audit_links::at(conn, after).await?;
                let rows = store::audit_links::page(conn, after, LINKS_AT_ONCE).await?;
                let from = head.as_ref().map_or(0, |head| head.id);
                let inserted = store::audit_links::inserted(conn, from, last_id(&rows)).await?;
                let waiting = store::audit_links::waiting(conn, WAITING_MAX).await?;
                let noted = match noted {
                    Some(noted) => {
                        let found = store::audit_links::at(conn, noted.link).await?;
                        Some((noted, found))
                    }
                    None => None,
                };
                Ok(Stretch { head: head.or_else(|| gone(after)), rows, inserted, waiting, noted })
            })
            .await?;
        Ok(Verified::of(stretch))
    }
}

/// A link to go on behind that is not there (any more): what follows it cannot be what it was.
pub fn gone(after: i64) -> Option<Head> {
    (after > 0).then(|| Head { link: after, id: 0, hash: Vec::new() })
}
