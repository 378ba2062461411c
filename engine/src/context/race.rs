//! Branches of which the first is enough.

use futures::FutureExt;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Branch, Context,
    drive::{Drive, Run},
    settled::{Group, Settled, StoredFailure},
    step::encoded,
};
use crate::{
    failure::{Class, Failure},
    workflow::App,
};

/// Begins a branch: one that is out of the race is never begun.
type Start<'f, T> = Box<dyn FnOnce() -> Run<'f, T> + Send + 'f>;

impl<'a, A: App> Context<'a, A> {
    /// Two branches side by side; the first that ends well wins. The winner and what it yields are stored before anything
    /// else happens, and later executions return them without running a branch again.
    ///
    /// Then the loser is taken back, durably: a deed or a transaction of it that is under way comes to its end, a step that
    /// is running is dropped; then its effects and changes are undone, newest first, its children cancelled or taken back.
    /// Only then does the race return. A deed that cannot be undone parks the run.
    ///
    /// A branch that fails for good is out of the race; if both do, the race fails. [`Failure::undo`] decides it at once.
    pub async fn race<'f, T, OF, TF>(
        &'f self,
        name: &str,
        one: impl FnOnce(Branch<'a, A>) -> OF + Send + 'f,
        other: impl FnOnce(Branch<'a, A>) -> TF + Send + 'f,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send + 'f,
        OF: Future<Output = Result<T, Failure>> + Send + 'f,
        TF: Future<Output = Result<T, Failure>> + Send + 'f,
    {
        let group = self.group(name, 2, true)?;
        if let Some(end) = self.settled(&group, "race").await? {
            return self.won_before(&group, end).await;
        }
        let [a, b] = [&group.nodes[0], &group.nodes[1]].map(|node| self.branch(node));
        let one: Start<'f, T> = Box::new(move || one(a).boxed());
        let other: Start<'f, T> = Box::new(move || other(b).boxed());
        self.first(&group, [one, other].into_iter()).await
    }

    /// As [`Context::race`], a branch for each item, all of one kind. Give the same items in the same order in every
    /// execution, and append only.
    pub async fn race_all<'f, I, T, F>(
        &'f self,
        name: &str,
        items: I,
        branch: impl Fn(Branch<'a, A>, I::Item) -> F + Send + Sync + 'f,
    ) -> Result<T, Failure>
    where
        I: IntoIterator,
        I::Item: Send + 'f,
        T: Serialize + DeserializeOwned + Send + 'f,
        F: Future<Output = Result<T, Failure>> + Send + 'f,
    {
        let items: Vec<_> = items.into_iter().collect();
        let group = self.group(name, items.len(), true)?;
        if let Some(end) = self.settled(&group, "race").await? {
            return self.won_before(&group, end).await;
        }
        let branch = std::sync::Arc::new(branch);
        let runs = self.branches(&group).into_iter().zip(items).map(move |(ctx, item)| {
            let branch = std::sync::Arc::clone(&branch);
            Box::new(move || branch(ctx, item).boxed()) as Start<'f, T>
        });
        self.first(&group, runs).await
    }

    async fn won_before<T: DeserializeOwned>(
        &self,
        group: &Group,
        end: Settled,
    ) -> Result<T, Failure> {
        match end {
            Settled::Won { branch, output } => {
                self.take_back_rest(&group.but(branch)).await;
                self.decoded(&output).await
            }
            Settled::Failed(failure) => {
                self.take_back_rest(&group.nodes).await;
                Err(failure.into())
            }
        }
    }

    /// The heart of a race.
    async fn first<'f, T: Serialize + DeserializeOwned + Send + 'f>(
        &'f self,
        group: &Group,
        runs: impl Iterator<Item = Start<'f, T>> + Send + 'f,
    ) -> Result<T, Failure> {
        let mut drive = Drive::new(self.still_in(group, runs).await?.into_iter(), usize::MAX);
        let (mut out, mut again) = (Vec::new(), None);
        while let Some((number, ended)) = drive.next().await {
            match ended {
                Ok(output) => {
                    let end = Settled::Won { branch: number, output: encoded(&output)? };
                    self.settle(group, "race", &end).await?;
                    let losers = group.but(number);
                    drive.stop(&group.nodes).await;
                    self.forget(&group.nodes);
                    self.take_back(&losers).await;
                    return Ok(output);
                }
                Err(failure) if failure.class == Class::Undo => {
                    self.settle(group, "race", &Settled::Failed((&failure).into())).await?;
                    drive.stop(&group.nodes).await;
                    self.forget(&group.nodes);
                    self.take_back(&group.nodes).await;
                    return Err(failure);
                }
                Err(failure) if failure.is_permanent() => {
                    let key = out_key(group, number);
                    if self.remembered(&key, "branch").await.is_none() {
                        self.keep(key, "branch", encoded(&StoredFailure::from(&failure))?, None)
                            .await?;
                    }
                    out.push(failure.text);
                }
                // Worth another try, if nobody wins: the body is tried again, and with it the branches.
                Err(failure) => again = Some(failure),
            }
        }
        if let Some(failure) = again {
            return Err(failure);
        }
        let failure = Failure::permanent(format!("nobody won {}: {}", group.key, out.join("; ")));
        self.settle(group, "race", &Settled::Failed((&failure).into())).await?;
        self.take_back(&group.nodes).await;
        Err(failure)
    }

    /// The branches that are not out of the race. One that is fails again as it did, without running.
    async fn still_in<'f, T: Send + 'f>(
        &'f self,
        group: &Group,
        runs: impl Iterator<Item = Start<'f, T>> + Send + 'f,
    ) -> Result<Vec<Run<'f, T>>, Failure> {
        let mut all = Vec::new();
        for (number, run) in runs.enumerate() {
            let run = match self.remembered(&out_key(group, number), "branch").await {
                None => run(),
                Some(stored) => {
                    self.meet_all_of(&group.nodes[number..=number]);
                    let failure = self.decoded::<StoredFailure>(&stored).await?;
                    async move { Err(failure.into()) }.boxed()
                }
            };
            all.push(run);
        }
        Ok(all)
    }
}

/// Where it is noted that a branch is out of the race. Nothing else can have this key: a name has no `#`.
fn out_key(group: &Group, number: usize) -> String {
    format!("{}#{number}~out", group.key)
}
