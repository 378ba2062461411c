//! The desk of a voice worker: its lines, opened by runs that attend to them, and watched when nobody does.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{VoiceSessionId, scope, voice::sessions};
use engine::{Engine, Failure};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use workflows::voice_session::{
    Asked, Heard, Then,
    desk::{Attending, VoiceDesk},
    tools::{self, LineAnswer},
};

use super::{
    bridge::{self, Start},
    line::{Line, ORDERS_MAX, Order},
    speech::{Opening, Speech},
};

/// How often lines that nobody attends to are looked at.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// A run that was handed back is claimed within milliseconds; after this it is worth asking who has it.
const LEFT_AFTER: Duration = Duration::from_secs(1);

/// A session that nobody has claimed for so long, while the database could be asked, is not going to be.
const UNCLAIMED_FOR: Duration = Duration::from_secs(30);

/// A call that is over and that nobody writes down: by then the database has been away for longer than anybody bears.
const FORGET_AFTER: Duration = Duration::from_mins(30);

/// Between two calls that are handed over: the next worker dials for each.
const HAND_OVER_EVERY: Duration = Duration::from_millis(100);

/// The desk. Clones are the same.
#[derive(Clone)]
pub(super) struct Desk(Arc<Inner>);

struct Inner {
    speech: Arc<dyn Speech>,
    /// Where this worker can be reached.
    address: String,
    lines: Mutex<HashMap<VoiceSessionId, Arc<Line>>>,
    /// Runs are to leave.
    leaving: CancellationToken,
    bridges: TaskTracker,
}

impl Desk {
    pub(super) fn new(speech: Arc<dyn Speech>, address: String) -> Desk {
        Desk(Arc::new(Inner {
            speech,
            address,
            lines: Mutex::default(),
            leaving: CancellationToken::new(),
            bridges: TaskTracker::new(),
        }))
    }

    /// The line of a session, if it is open here.
    pub(super) fn line(&self, session: VoiceSessionId) -> Option<Arc<Line>> {
        self.0.lines.lock().get(&session).cloned()
    }

    /// How many lines are open.
    pub(super) fn len(&self) -> usize {
        self.0.lines.lock().len()
    }

    /// The line that a run attends to; opened if it is not.
    fn open(&self, attending: Attending<'_>) -> Arc<Line> {
        let mut lines = self.0.lines.lock();
        if let Some(line) = lines.get(&attending.session).filter(|line| !line.is_lost()) {
            return Arc::clone(line);
        }
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let Attending { session, job, call_sid, talk, brief, .. } = attending;
        let line = Arc::new(Line::new(session, job, call_sid, talk.upto(), orders));
        let start = Start {
            opening: Opening {
                instructions: brief.instructions.clone(),
                tools: tools::offered(&brief.means),
                spoken: talk.spoken().to_vec(),
            },
            is_taken_over: attending.epoch > 1,
            talk_max_secs: brief.talk_max_secs,
        };
        let speech = Arc::clone(&self.0.speech);
        self.0.bridges.spawn(bridge::run(Arc::clone(&line), speech, start, inbox));
        lines.insert(session, Arc::clone(&line));
        super::metrics::lines(lines.len());
        line
    }

    fn forget(&self, session: VoiceSessionId) {
        let mut lines = self.0.lines.lock();
        lines.remove(&session);
        super::metrics::lines(lines.len());
    }

    /// Looks after lines that nobody attends to, until told to stop: their calls go on. Whoever else has claimed the session
    /// gets the call; one that is over is closed.
    pub(super) async fn watch(self, engine: Engine, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let left: Vec<_> = self.0.lines.lock().values().cloned().collect();
            for line in left {
                let Some(left_for) = line.left_for().filter(|time| *time > LEFT_AFTER) else {
                    continue;
                };
                if line.is_lost() || left_for > FORGET_AFTER && line.is_over() {
                    self.forget(line.session);
                    continue;
                }
                match next_for(&engine, &line, &self.0.address, left_for).await {
                    Ok(Some(order)) => self.dismiss(&line, order),
                    Ok(None) => {}
                    // Nobody can be asked: the call goes on.
                    Err(failure) => {
                        tracing::debug!(error = failure.text(), "a line that nobody attends to");
                    }
                }
            }
        }
    }

    fn dismiss(&self, line: &Line, order: Order) {
        line.orders.try_send(order).ok();
        self.forget(line.session);
    }

    /// Has the runs leave, and hands the calls over, one by one. Returns when all are gone, or none is left here.
    pub(super) async fn hand_over(&self) {
        self.0.leaving.cancel();
        self.0.bridges.close();
        let mut pace = tokio::time::interval(HAND_OVER_EVERY);
        let lines: Vec<_> = self.0.lines.lock().values().cloned().collect();
        for line in lines {
            pace.tick().await;
            // A run leaves at its next boundary: then the next worker has the session before the call asks for it.
            while line.left_for().is_none() && !line.is_over() {
                pace.tick().await;
            }
            if !line.is_over() {
                tracing::info!(session.id = %line.session, "a call is handed over");
                self.dismiss(&line, Order::HandOver);
            }
        }
        self.0.bridges.wait().await;
    }
}

/// What a line that nobody attends to is to do.
async fn next_for(
    engine: &Engine,
    line: &Line,
    here: &str,
    left_for: Duration,
) -> Result<Option<Order>, Failure> {
    let mut tx = engine.begin().await?;
    scope::platform(&mut tx).await.map_err(Failure::retry)?;
    let session = sessions::get(&mut tx, line.session).await.map_err(Failure::retry)?;
    if session.is_none_or(|session| session.outcome.is_some()) {
        return Ok(Some(Order::HangUp));
    }
    let is_for_others = match tx.claimant_of(line.job).await? {
        Some(claim) => claim.epoch > line.epoch() && claim.address.as_deref() != Some(here),
        // Nobody wants it, or somebody has ended its run.
        None => left_for > UNCLAIMED_FOR,
    };
    Ok(is_for_others.then_some(Order::HandOver))
}

impl VoiceDesk for Desk {
    fn next<'a>(&'a self, attending: Attending<'a>) -> BoxFuture<'a, Result<Heard, Failure>> {
        async move {
            let upto = attending.talk.upto();
            loop {
                let line = self.open(attending);
                let _attendance = line.attend(attending.epoch, attending.at);
                loop {
                    let changed = line.changed();
                    if let Some(heard) = line.heard(upto) {
                        return Ok(heard);
                    }
                    if line.is_lost() {
                        break;
                    }
                    tokio::select! {
                        () = changed => {}
                        () = self.0.leaving.cancelled() => {
                            return Ok(Heard { upto, said: Vec::new(), then: Then::More });
                        }
                    }
                }
            }
        }
        .boxed()
    }

    fn hold<'a>(
        &'a self,
        attending: Attending<'a>,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let line = self.open(attending);
            let _attendance = line.attend(attending.epoch, attending.at);
            loop {
                let changed = line.changed();
                if line.is_answered(&asked.id) || line.is_lost() {
                    return Ok(());
                }
                tokio::select! {
                    () = changed => {}
                    () = self.0.leaving.cancelled() => {
                        return Err(Failure::snooze(Duration::ZERO, "the call is handed over"));
                    }
                }
            }
        }
        .boxed()
    }

    fn answer(&self, attending: Attending<'_>, asked: &Asked, answer: &LineAnswer) {
        let line = self.open(attending);
        if line.answered(&asked.id) {
            line.orders.try_send(Order::Answer(asked.clone(), answer.clone())).ok();
        }
    }

    fn hang_up(&self, session: VoiceSessionId) {
        if let Some(line) = self.line(session) {
            self.dismiss(&line, Order::HangUp);
        }
    }
}
