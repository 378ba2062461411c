//! How each fault is delivered to a worker whose session stands in the middle of its commit.

use std::{cell::Cell, time::Duration};

use futures::future;

use crate::{Fault, Play, holds, leftovers, stand::Stand, wait_until};

/// What the last frozen worker may take to see that its time is over.
const GRACE: Duration = Duration::from_secs(10);

impl<P: Play> Stand<'_, P> {
    /// Delivers it. The session does not stand any more when this returns.
    pub(crate) async fn strike(&mut self, fault: Fault, pid: i32, run: &P::Run) {
        match fault {
            Fault::CrashBefore => {
                let name = self.worker.take().expect("a worker").kill();
                self.gate.roll_back(pid).await;
                self.replace(&name).await;
            }
            Fault::CrashAfter => {
                let name = self.worker.take().expect("a worker").kill();
                self.gate.let_through(pid).await;
                self.replace(&name).await;
            }
            Fault::LostReply => {
                self.network.cut();
                self.gate.let_through(pid).await;
            }
            Fault::Duplicate => self.meanwhile(pid, self.play.again(run)).await,
            Fault::Cancel => self.meanwhile(pid, self.play.cancel(run)).await,
            Fault::Zombie => {
                let mut zombie = self.worker.take().expect("a worker");
                zombie.freeze();
                self.gate.roll_back(pid).await;
                // What it holds in the middle of other transactions ends as its limit of time would end it.
                self.gate.end_idle().await;
                let name = zombie.name().to_owned();
                self.frozen.push(zombie);
                self.replace(&name).await;
            }
            Fault::Restart => {
                self.play.db().crash(pid).await;
                self.gate.reopen(self.play.db()).await;
            }
            Fault::Timeout => {
                let late = self.play.db().leases_left().await + Duration::from_secs(1);
                self.play.leap(late).await;
                // Looks for jobs of silent workers as soon as it is there.
                let other = self.play.worker(self.network.url()).await;
                self.gate.let_through(pid).await;
                let first = self.worker.replace(other).expect("a worker");
                first.drain(GRACE).await;
            }
            Fault::Refused => unreachable!("a refusal stands nowhere"),
        }
    }

    /// Somebody else says something during the commit. It may have to wait for what the commit has locked.
    async fn meanwhile(&self, pid: i32, said: impl Future<Output = ()>) {
        let is_said = Cell::new(false);
        let say = async {
            said.await;
            is_said.set(true);
        };
        let release = async {
            wait_until("it is said, or waits", async || {
                holds(is_said.get() || self.gate.blocks(pid).await)
            })
            .await;
            self.gate.let_through(pid).await;
        };
        future::join(say, release).await;
    }

    /// The dead one's lease ends now, and another takes over.
    async fn replace(&mut self, dead: &str) {
        self.play.db().end_lease_of(dead).await;
        self.worker = Some(self.play.worker(self.network.url()).await);
    }

    /// The frozen ones thaw and say what they had to say. Nothing of it may count.
    pub(crate) async fn thaw(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        for mut zombie in std::mem::take(&mut self.frozen) {
            let before = leftovers::everything(self.play.db()).await;
            zombie.thaw();
            wait_until("it lets go", async || holds(zombie.in_hand() == 0)).await;
            zombie.drain(GRACE).await;
            let after = leftovers::everything(self.play.db()).await;
            let changed: Vec<_> =
                before.keys().filter(|table| before[*table] != after[*table]).collect();
            if !changed.is_empty() {
                found.push(format!("a write of the frozen worker counted: {changed:?}"));
            }
        }
        found
    }
}
