//! Branches of which all are needed.

use futures::{FutureExt, TryFutureExt};

use super::{
    Branch, Context,
    drive::{Drive, Run},
    settled::{Group, Settled},
};
use crate::{failure::Failure, workflow::App};

/// What two branches of different kinds yield.
enum Two<T, U> {
    One(T),
    Other(U),
}

impl<'a, A: App> Context<'a, A> {
    /// Two branches side by side; returns when both have ended well. Each has keys of its own, so steps of one name in both
    /// are two steps, whichever comes first.
    ///
    /// If one fails for good, the other begins nothing more: a deed or a transaction that is under way comes to its end, a
    /// step that is running is dropped. The failure is stored before it is returned, so that neither goes on in a later
    /// execution. What they did stands in the ledger like everything else and is undone with the run.
    pub async fn join<'f, T, U, TF, UF>(
        &'f self,
        name: &str,
        one: impl FnOnce(Branch<'a, A>) -> TF + Send,
        other: impl FnOnce(Branch<'a, A>) -> UF + Send,
    ) -> Result<(T, U), Failure>
    where
        T: Send + 'f,
        U: Send + 'f,
        TF: Future<Output = Result<T, Failure>> + Send + 'f,
        UF: Future<Output = Result<U, Failure>> + Send + 'f,
    {
        let group = self.group(name, 2, false)?;
        self.failed_before(&group).await?;
        let [a, b] = [&group.nodes[0], &group.nodes[1]].map(|node| self.branch(node));
        let both =
            [one(a).map_ok(Two::One).boxed(), other(b).map_ok(Two::Other).boxed()].into_iter();
        let mut yielded = (None, None);
        for end in self.all(&group, "join", both, 2).await? {
            match end {
                Two::One(output) => yielded.0 = Some(output),
                Two::Other(output) => yielded.1 = Some(output),
            }
        }
        match yielded {
            (Some(one), Some(other)) => Ok((one, other)),
            _ => Err(Failure::permanent("a branch ended without an end")),
        }
    }

    /// As [`Context::join`], a branch for each item, all of one kind. Outputs come in the order of the items.
    ///
    /// A branch is known by its item's place: give the same items in the same order in every execution, and append only.
    pub async fn join_all<'f, I, T, F>(
        &'f self,
        name: &str,
        items: I,
        mut branch: impl FnMut(Branch<'a, A>, I::Item) -> F + Send + 'f,
    ) -> Result<Vec<T>, Failure>
    where
        I: IntoIterator,
        I::Item: Send + 'f,
        T: Send + 'f,
        F: Future<Output = Result<T, Failure>> + Send + 'f,
    {
        let items: Vec<_> = items.into_iter().collect();
        let group = self.group(name, items.len(), false)?;
        self.failed_before(&group).await?;
        let at_once = items.len();
        let runs = self.branches(&group).into_iter().zip(items);
        let runs = runs.map(move |(ctx, item)| branch(ctx, item).boxed());
        self.all(&group, "join", runs, at_once).await
    }

    async fn failed_before(&self, group: &Group) -> Result<(), Failure> {
        match self.settled(group, "join").await? {
            Some(Settled::Failed(failure)) => Err(failure.into()),
            Some(Settled::Won { .. }) | None => Ok(()),
        }
    }

    /// Awaits all of them. The first failure for good is stored and ends the group.
    pub(super) async fn all<'f, T>(
        &self,
        group: &Group,
        form: &'static str,
        runs: impl Iterator<Item = Run<'f, T>> + Send + 'f,
        at_once: usize,
    ) -> Result<Vec<T>, Failure> {
        let mut drive = Drive::new(runs, at_once);
        let mut outputs: Vec<Option<T>> = group.nodes.iter().map(|_| None).collect();
        while let Some((number, ended)) = drive.next().await {
            match ended {
                Ok(output) => outputs[number] = Some(output),
                Err(failure) => {
                    // What is worth another try is no end: the body is tried again, and all branches with it.
                    if failure.is_permanent() {
                        self.settle(group, form, &Settled::Failed((&failure).into())).await?;
                    }
                    drive.stop(&group.nodes).await;
                    self.forget(&group.nodes);
                    return Err(failure);
                }
            }
        }
        Ok(outputs.into_iter().flatten().collect())
    }
}
