//! A chain of hashes over a record that only grows: each link is the SHA-256 of the one before it and of the row that it
//! stands for, so nothing in the middle can be changed, taken out, put in or moved without every later link being wrong.
//!
//! Rows are chained after their commit, in the order in which the chainer finds them: writers do not wait for each other, and
//! a row that commits late has its place behind others. A link's number is a primary key, so the chain cannot fork.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Before the first link.
const START: [u8; 32] = [0; 32];

/// The last link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number; links are numbered from 1 without a gap.
    pub link: i64,
    /// The row that it stands for.
    pub id: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl Head {
    /// Its hash as it is written down, in hex.
    pub fn hex(&self) -> String {
        hex::encode(&self.hash)
    }
}

/// A row that has no link yet.
#[derive(Debug, Clone)]
pub struct Unlinked {
    /// Which.
    pub id: i64,
    /// The SHA-256 of all that it says.
    pub digest: Vec<u8>,
}

/// A link, and what its row says today.
#[derive(Debug, Clone)]
pub struct LinkedRow {
    /// The link as it is stored.
    pub link: Head,
    /// The row's digest; none: there is no such row.
    pub digest: Option<Vec<u8>>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The row does not say what it said when it was chained, or it is not the row that was chained there.
    Changed,
    /// The row is gone.
    RowGone,
    /// The link is gone.
    LinkGone,
    /// The row has no link, and pretends to be older than rows that have one.
    Inserted,
    /// The link is not the one that somebody has noted: the end was cut off, or the whole chain was made anew.
    NotAsNoted,
}

/// The first place at which a record is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The number of the link, if there is or was one.
    pub link: Option<i64>,
    /// The row, if it is known.
    pub id: Option<i64>,
    /// What is wrong.
    pub what: Fault,
}

/// The hash of the next link.
fn hash_of(before: &[u8], digest: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(before).chain_update(digest).finalize().to_vec()
}

fn begin(head: Option<Head>) -> (i64, Vec<u8>) {
    head.map_or_else(|| (0, START.to_vec()), |head| (head.link, head.hash))
}

/// The links of these rows, behind the last one.
pub fn links(head: Option<Head>, rows: &[Unlinked]) -> Vec<Head> {
    let (mut number, mut before) = begin(head);
    let next = |row: &Unlinked| {
        number += 1;
        before = hash_of(&before, &row.digest);
        Head { link: number, id: row.id, hash: before.clone() }
    };
    rows.iter().map(next).collect()
}

/// The first of these rows that is not what was chained. They follow the link `head`.
pub fn first_broken(head: Option<Head>, rows: &[LinkedRow]) -> Option<Broken> {
    let (mut number, mut before) = begin(head);
    for LinkedRow { link, digest } in rows {
        number += 1;
        if link.link != number {
            return Some(Broken { link: Some(number), id: None, what: Fault::LinkGone });
        }
        let broken = |what| Some(Broken { link: Some(number), id: Some(link.id), what });
        match digest {
            None => return broken(Fault::RowGone),
            Some(digest) if hash_of(&before, digest) != link.hash => return broken(Fault::Changed),
            Some(_) => before.clone_from(&link.hash),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(count: i64) -> Vec<LinkedRow> {
        let row = |id: i64| Unlinked { id, digest: Sha256::digest(id.to_be_bytes()).to_vec() };
        let rows: Vec<_> = (1..=count).map(row).collect();
        let (first, second) = rows.split_at(rows.len() / 2);
        let mut all = links(None, first);
        all.extend(links(all.last().cloned(), second));
        all.into_iter()
            .zip(rows)
            .map(|(link, row)| LinkedRow { link, digest: Some(row.digest) })
            .collect()
    }

    #[test]
    fn a_record_that_only_grew_is_whole_however_it_was_chained_and_wherever_one_begins_to_look() {
        let rows = chain(9);
        assert_eq!(first_broken(None, &rows), None);
        for at in 1..9 {
            assert_eq!(first_broken(Some(rows[at - 1].link.clone()), &rows[at..]), None);
        }
        assert_eq!(first_broken(None, &[]), None);
    }

    #[test]
    fn whatever_is_done_to_a_row_or_a_link_shows_at_its_place() {
        for at in 0..9_usize {
            let number = Some(i64::try_from(at).unwrap() + 1);
            let broken = |change: &dyn Fn(&mut Vec<LinkedRow>)| {
                let mut rows = chain(9);
                change(&mut rows);
                first_broken(None, &rows).map(|it| (it.link, it.what))
            };
            let changed = Some((number, Fault::Changed));
            assert_eq!(broken(&|rows| rows[at].digest = Some(vec![0; 32])), changed);
            assert_eq!(broken(&|rows| rows[at].link.hash[0] ^= 1), changed);
            assert_eq!(broken(&|rows| rows[at].digest = None), Some((number, Fault::RowGone)));
            if at < 8 {
                let gone = broken(&|rows| drop(rows.remove(at)));
                assert_eq!(gone, Some((number, Fault::LinkGone)));
                // Its number taken over by those behind it.
                let closed = broken(&|rows| {
                    rows.remove(at);
                    rows[at..].iter_mut().for_each(|row| row.link.link -= 1);
                });
                assert_eq!(closed, changed);
                // Two rows in each other's place.
                let swapped = broken(&|rows| {
                    let other = rows[at + 1].digest.take();
                    rows[at + 1].digest = std::mem::replace(&mut rows[at].digest, other);
                });
                assert_eq!(swapped, changed);
            }
        }
    }
}
