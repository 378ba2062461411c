//! A line: one session's call at this worker, as the bridge that speaks, the run that writes down and the door by which its
//! audio comes share it.

use std::{
    collections::{HashSet, VecDeque},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use domain::VoiceSessionId;
use engine::JobId;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use workflows::voice_session::{Asked, Heard, Then, tools::LineAnswer};

use super::{call::Happening, socket::Stream};

/// Orders that wait for a bridge. It takes each within milliseconds.
pub(super) const ORDERS_MAX: usize = 64;

/// Happenings that nobody has written down. In a day without a database, a call has fewer.
const NEWS_MAX: usize = 20_000;

/// What a bridge is told.
pub(super) enum Order {
    /// The caller's audio is here.
    Connect(Box<Stream>),
    /// What came of what was asked for.
    Answer(Asked, LineAnswer),
    /// The session is over and written down.
    HangUp,
    /// Somebody else is to go on: the audio ends here, the call does not.
    HandOver,
}

/// One session's call at this worker.
pub(super) struct Line {
    pub(super) session: VoiceSessionId,
    pub(super) job: JobId,
    pub(super) call_sid: String,
    pub(super) orders: mpsc::Sender<Order>,
    claim: Mutex<Claim>,
    news: Mutex<News>,
    changed: Notify,
    /// How many write down at this moment: one, or none for a while.
    attending: AtomicU32,
}

/// Under which claim the run attends.
struct Claim {
    epoch: i32,
    /// The database's time when that began, and ours.
    at: DateTime<Utc>,
    since: Instant,
    /// The last claim whose token was used.
    used: i32,
    /// Since when nobody writes down.
    left: Option<Instant>,
}

struct News {
    /// The number of the first happening that is kept.
    first: u32,
    kept: VecDeque<Happening>,
    answered: HashSet<String>,
    is_over: bool,
    is_lost: bool,
}

/// Somebody writes down, for as long as this lives.
pub(super) struct Attendance<'a>(&'a Line);

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        if self.0.attending.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.claim.lock().left = Some(Instant::now());
        }
    }
}

impl Line {
    pub(super) fn new(
        session: VoiceSessionId,
        job: JobId,
        call_sid: &str,
        upto: u32,
        orders: mpsc::Sender<Order>,
    ) -> Line {
        let claim = Claim {
            epoch: 0,
            at: DateTime::UNIX_EPOCH,
            since: Instant::now(),
            used: 0,
            left: Some(Instant::now()),
        };
        let news = News {
            first: upto + 1,
            kept: VecDeque::new(),
            answered: HashSet::new(),
            is_over: false,
            is_lost: false,
        };
        Line {
            session,
            job,
            call_sid: call_sid.to_owned(),
            orders,
            claim: Mutex::new(claim),
            news: Mutex::new(news),
            changed: Notify::new(),
            attending: AtomicU32::new(0),
        }
    }

    /// The run attends under this claim, which began at this instant.
    pub(super) fn attend(&self, epoch: i32, at: DateTime<Utc>) -> Attendance<'_> {
        self.attending.fetch_add(1, Ordering::AcqRel);
        let claim = &mut *self.claim.lock();
        if epoch > claim.epoch {
            (claim.epoch, claim.at, claim.since) = (epoch, at, Instant::now());
        }
        claim.left = None;
        Attendance(self)
    }

    /// Under which claim the run attends, or did when it last attended.
    pub(super) fn epoch(&self) -> i32 {
        self.claim.lock().epoch
    }

    /// The database's time, in seconds since 1970, as far as it can be told here.
    pub(super) fn now(&self) -> i64 {
        let claim = self.claim.lock();
        let since = i64::try_from(claim.since.elapsed().as_secs()).unwrap_or(i64::MAX);
        claim.at.timestamp().saturating_add(since)
    }

    /// Lets the audio of this claim in: once.
    pub(super) fn let_in(&self, epoch: i32) -> bool {
        let claim = &mut *self.claim.lock();
        let is_fresh = epoch == claim.epoch && epoch > claim.used;
        if is_fresh {
            claim.used = epoch;
        }
        is_fresh
    }

    /// For how long nobody has written down.
    pub(super) fn left_for(&self) -> Option<Duration> {
        self.claim.lock().left.map(|left| left.elapsed())
    }

    /// Has something written down, when somebody does.
    pub(super) fn note(&self, happening: Happening) {
        {
            let news = &mut *self.news.lock();
            let is_end = matches!(happening, Happening::Over(_));
            news.is_over |= is_end;
            if news.kept.len() < NEWS_MAX || is_end {
                news.kept.push_back(happening);
            }
        }
        self.changed_now();
    }

    /// The bridge is gone without an end: whoever attends has to begin anew.
    pub(super) fn lose(&self) {
        self.news.lock().is_lost = true;
        self.changed_now();
    }

    pub(super) fn is_over(&self) -> bool {
        self.news.lock().is_over
    }

    /// What happened after what is written down; nothing, if that was all.
    pub(super) fn heard(&self, upto: u32) -> Option<Heard> {
        let news = &mut *self.news.lock();
        while news.first <= upto && news.kept.pop_front().is_some() {
            news.first += 1;
        }
        let mut heard = Heard { upto, said: Vec::new(), then: Then::More };
        for happening in &news.kept {
            heard.upto += 1;
            match happening {
                Happening::Said(spoken) => heard.said.push(spoken.clone()),
                Happening::Asks(asked) => heard.then = Then::Asks(asked.clone()),
                Happening::Over(outcome) => heard.then = Then::Over(*outcome),
            }
            if heard.then != Then::More {
                break;
            }
        }
        (heard.upto > upto).then_some(heard)
    }

    /// Something was answered. False: it had been before.
    pub(super) fn answered(&self, id: &str) -> bool {
        let is_new = self.news.lock().answered.insert(id.to_owned());
        self.changed_now();
        is_new
    }

    /// Whether there is nothing to wait for any more: it was answered, or the call is over.
    pub(super) fn is_answered(&self, id: &str) -> bool {
        let news = self.news.lock();
        news.is_over || news.answered.contains(id)
    }

    /// Whether its bridge has gone without an end.
    pub(super) fn is_lost(&self) -> bool {
        self.news.lock().is_lost
    }

    /// Resolves when something has changed since it was made.
    pub(super) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    fn changed_now(&self) {
        self.changed.notify_waiters();
    }
}
