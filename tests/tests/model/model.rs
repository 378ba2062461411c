//! What should be: the state of a job, and what each thing that can be done to it makes of that. No database, no clock.

use std::{collections::BTreeSet, time::Duration};

use engine::State;

use crate::puppet::{Told, WHILE};

/// Where a job stands. One that is ready is taken at once: there is always a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Running,
    /// Until then, or until it is pulled.
    Waiting(Duration),
    /// Until then.
    Asleep(Duration),
    /// Until then, between two attempts.
    Pausing(Duration),
    Succeeded,
    Failed,
    Cancelled,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) place: Place,
    /// Answers that are written down.
    pub(crate) answers: usize,
    /// Deeds that stand.
    pub(crate) deeds: usize,
    /// Pulls that were sent and not taken.
    pub(crate) pulls: Vec<u8>,
    /// Every pull that ever was, taken or not.
    seen: BTreeSet<u8>,
    /// Somebody has asked to cancel it, and its worker knows.
    is_asked: bool,
    /// Its unique key, if it has one.
    pub(crate) key: Option<u8>,
}

impl Job {
    pub(crate) fn new(key: Option<u8>) -> Job {
        Job {
            place: Place::Running,
            answers: 0,
            deeds: 0,
            pulls: Vec::new(),
            seen: BTreeSet::new(),
            is_asked: false,
            key,
        }
    }

    /// The engine's word for where it stands.
    pub(crate) fn state(&self) -> State {
        match self.place {
            Place::Running => State::Running,
            Place::Waiting(_) | Place::Asleep(_) => State::Waiting,
            Place::Pausing(_) => State::Scheduled,
            Place::Succeeded => State::Succeeded,
            Place::Failed => State::Failed,
            Place::Cancelled => State::Cancelled,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().is_final()
    }

    fn end(&mut self, place: Place) {
        self.place = place;
        self.pulls.clear();
        if place != Place::Succeeded {
            self.deeds = 0;
        }
    }

    /// It asks, and is told.
    pub(crate) fn told(&mut self, told: Told, now: Duration) {
        self.answers += usize::from(told != Told::Retry);
        match told {
            // The body returns before any boundary at which it could notice.
            Told::Finish => self.end(Place::Succeeded),
            Told::Fail => self.end(Place::Failed),
            _ if self.is_asked => self.end(Place::Cancelled),
            Told::Do => self.deeds += 1,
            Told::Wait if self.pulls.is_empty() => self.place = Place::Waiting(now + WHILE),
            Told::Wait => drop(self.pulls.remove(0)),
            // Of a race, too: whichever of the two times comes first counts.
            Told::Sleep | Told::Race => self.place = Place::Asleep(now + WHILE),
            Told::Retry => self.place = Place::Pausing(now + WHILE * 2),
        }
    }

    /// A pull, which is kept until it is taken. A repeat changes nothing.
    pub(crate) fn pulled(&mut self, pull: u8) {
        if self.is_over() || !self.seen.insert(pull) {
            return;
        }
        if let Place::Waiting(_) = self.place {
            self.place = Place::Running;
        } else {
            self.pulls.push(pull);
        }
    }

    /// The clock was moved.
    pub(crate) fn clock(&mut self, now: Duration) {
        if let Place::Waiting(until) | Place::Asleep(until) | Place::Pausing(until) = self.place
            && until <= now
        {
            self.place = Place::Running;
        }
    }

    /// Somebody wants it cancelled.
    pub(crate) fn cancelled(&mut self) {
        match self.place {
            Place::Running => self.is_asked = true,
            Place::Waiting(_) | Place::Asleep(_) | Place::Pausing(_) => self.end(Place::Cancelled),
            Place::Succeeded | Place::Failed | Place::Cancelled => {}
        }
    }

    /// An operator wants it tried again now.
    pub(crate) fn retried(&mut self) {
        if let Place::Pausing(_) = self.place {
            self.place = Place::Running;
        }
    }

    /// Its worker died, or lost its lease: whoever has it next asks again, or sees that it is to be cancelled.
    pub(crate) fn orphaned(&mut self) {
        if self.place == Place::Running && self.is_asked {
            self.end(Place::Cancelled);
        }
    }
}
