//! Which kinds, effects and changes this version of the code knows, by name.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;

use crate::{
    context::Context,
    effect::{EffectCall, Probe},
    failure::Failure,
    gate::Gates,
    retry::RetryPolicy,
    scheduler::Schedule,
    tx::Tx,
    workflow::{App, Change, Effect, Workflow},
};

/// The table of contents of an application's durable work.
pub struct Registry<A: App> {
    pub(crate) workflows: BTreeMap<&'static str, Arc<dyn AnyWorkflow<A>>>,
    pub(crate) effects: BTreeMap<&'static str, Arc<dyn AnyEffect<A>>>,
    pub(crate) changes: BTreeMap<&'static str, Arc<dyn AnyChange<A>>>,
    pub(crate) schedules: Vec<Schedule>,
}

impl<A: App> Default for Registry<A> {
    fn default() -> Registry<A> {
        Registry {
            workflows: BTreeMap::new(),
            effects: BTreeMap::new(),
            changes: BTreeMap::new(),
            schedules: Vec::new(),
        }
    }
}

impl<A: App> Registry<A> {
    /// Adds a workflow with all that its ledger can hold.
    ///
    /// # Panics
    /// When the kind is there already: two workflows under one name are a mistake in the program.
    #[must_use]
    pub fn with<W: Workflow<A>>(mut self) -> Registry<A> {
        let before = self.workflows.insert(W::KIND, Arc::new(Of::<W>(PhantomData)));
        assert!(before.is_none(), "the kind {} is registered twice", W::KIND);
        W::ledger(&mut Registrar { registry: &mut self });
        self
    }

    /// Adds a schedule; every process that runs a scheduler declares it.
    #[must_use]
    pub fn scheduled(mut self, schedule: Schedule) -> Registry<A> {
        self.schedules.push(schedule);
        self
    }

    /// The same kinds, and nothing that runs by the clock: whoever moves the clock meets no ticks by chance.
    #[must_use]
    pub fn without_schedules(mut self) -> Registry<A> {
        self.schedules.clear();
        self
    }

    /// The schedules that were added.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// All kinds, sorted.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.workflows.keys().copied().collect()
    }

    /// All queues that a kind or a schedule names, sorted, once each.
    pub fn queues(&self) -> Vec<String> {
        let mut queues: Vec<_> = self.workflows.values().map(|w| w.queue().to_owned()).collect();
        queues.extend(self.schedules.iter().map(|schedule| schedule.queue.clone()));
        queues.sort_unstable();
        queues.dedup();
        queues
    }

    /// The queue of a kind, if this version knows it.
    pub fn queue_of(&self, kind: &str) -> Option<&'static str> {
        self.workflows.get(kind).map(|workflow| workflow.queue())
    }

    /// How long runs may take, of the kinds that say so.
    pub(crate) fn deadlines(&self) -> BTreeMap<&'static str, std::time::Duration> {
        self.workflows.iter().filter_map(|(kind, w)| Some((*kind, w.deadline()?))).collect()
    }

    /// Whether arguments fit a kind. `None`: this version does not know the kind.
    pub fn accepts(&self, kind: &str, args: &Value) -> Option<Result<(), String>> {
        self.workflows.get(kind).map(|workflow| workflow.accepts(args))
    }
}

/// Where a workflow declares what its ledger can hold.
pub struct Registrar<'a, A: App> {
    registry: &'a mut Registry<A>,
}

impl<A: App> Registrar<'_, A> {
    /// An effect that the workflow may have.
    pub fn effect<E: Effect<A>>(&mut self) -> &mut Self {
        self.registry.effects.insert(E::NAME, Arc::new(Of::<E>(PhantomData)));
        self
    }

    /// A change that the workflow may make.
    pub fn change<C: Change<A>>(&mut self) -> &mut Self {
        self.registry.changes.insert(C::NAME, Arc::new(Of::<C>(PhantomData)));
        self
    }
}

/// Stands for a type at run time.
struct Of<T>(PhantomData<fn() -> T>);

/// A workflow without its types.
pub(crate) trait AnyWorkflow<A: App>: Send + Sync {
    fn queue(&self) -> &'static str;
    fn retry(&self) -> RetryPolicy;
    fn deadline(&self) -> Option<std::time::Duration>;
    fn accepts(&self, args: &Value) -> Result<(), String>;
    fn gates(&self, args: &Value) -> Gates;
    fn run<'a>(
        &self,
        args: &'a Value,
        ctx: &'a Context<'a, A>,
    ) -> BoxFuture<'a, Result<Value, Failure>>;
}

impl<A: App, W: Workflow<A>> AnyWorkflow<A> for Of<W> {
    fn queue(&self) -> &'static str {
        W::QUEUE
    }

    fn retry(&self) -> RetryPolicy {
        W::RETRY
    }

    fn deadline(&self) -> Option<std::time::Duration> {
        W::DEADLINE
    }

    fn accepts(&self, args: &Value) -> Result<(), String> {
        W::deserialize(args).map(|_| ()).map_err(|error| error.to_string())
    }

    fn gates(&self, args: &Value) -> Gates {
        // Arguments that do not fit are for the run to complain of.
        W::deserialize(args).map_or_else(|_| Gates::none(), |workflow| workflow.gates())
    }

    fn run<'a>(
        &self,
        args: &'a Value,
        ctx: &'a Context<'a, A>,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let workflow = W::deserialize(args)
                .map_err(|error| Failure::diverged(format!("the arguments do not fit: {error}")))?;
            let output = workflow.run(ctx).await?;
            serde_json::to_value(output)
                .map_err(|error| Failure::permanent(format!("the output is no JSON: {error}")))
        }
        .boxed()
    }
}

/// An effect without its types.
pub(crate) trait AnyEffect<A: App>: Send + Sync {
    fn accepts(&self, input: &Value) -> Result<(), String>;
    fn accepts_output(&self, output: &Value) -> Result<(), String>;
    fn undo<'a>(
        &self,
        clients: &'a A::Clients,
        call: &'a EffectCall,
        input: &'a Value,
        output: &'a Value,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    fn probe<'a>(
        &self,
        clients: &'a A::Clients,
        call: &'a EffectCall,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Probe<Value>, Failure>>;
}

impl<A: App, E: Effect<A>> AnyEffect<A> for Of<E> {
    fn accepts(&self, input: &Value) -> Result<(), String> {
        E::deserialize(input).map(|_| ()).map_err(|error| error.to_string())
    }

    fn accepts_output(&self, output: &Value) -> Result<(), String> {
        <E::Output as serde::Deserialize>::deserialize(output)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    fn undo<'a>(
        &self,
        clients: &'a A::Clients,
        call: &'a EffectCall,
        input: &'a Value,
        output: &'a Value,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let effect: E = stored(input)?;
            let output: E::Output = stored(output)?;
            effect.undo(clients, call, &output).await
        }
        .boxed()
    }

    fn probe<'a>(
        &self,
        clients: &'a A::Clients,
        call: &'a EffectCall,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Probe<Value>, Failure>> {
        async move {
            let effect: E = stored(input)?;
            Ok(match effect.probe(clients, call).await? {
                Probe::Happened(output) => {
                    Probe::Happened(serde_json::to_value(output).map_err(|error| {
                        Failure::permanent(format!("the output is no JSON: {error}"))
                    })?)
                }
                Probe::DidNotHappen => Probe::DidNotHappen,
                Probe::NotYet(after) => Probe::NotYet(after),
                Probe::CannotTell => Probe::CannotTell,
            })
        }
        .boxed()
    }
}

/// A change without its types.
pub(crate) trait AnyChange<A: App>: Send + Sync {
    fn accepts(&self, input: &Value) -> Result<(), String>;
    fn accepts_output(&self, output: &Value) -> Result<(), String>;
    fn undo<'a>(
        &self,
        tx: &'a mut Tx,
        settings: &'a A::Settings,
        input: &'a Value,
        output: &'a Value,
    ) -> BoxFuture<'a, Result<(), Failure>>;
}

impl<A: App, C: Change<A>> AnyChange<A> for Of<C> {
    fn accepts(&self, input: &Value) -> Result<(), String> {
        C::deserialize(input).map(|_| ()).map_err(|error| error.to_string())
    }

    fn accepts_output(&self, output: &Value) -> Result<(), String> {
        <C::Output as serde::Deserialize>::deserialize(output)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    fn undo<'a>(
        &self,
        tx: &'a mut Tx,
        settings: &'a A::Settings,
        input: &'a Value,
        output: &'a Value,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let change: C = stored(input)?;
            let output: C::Output = stored(output)?;
            change.undo(tx, settings, &output).await
        }
        .boxed()
    }
}

/// Reads what an earlier attempt, perhaps of another version, has stored.
pub(crate) fn stored<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    T::deserialize(value)
        .map_err(|error| Failure::diverged(format!("a stored value does not fit: {error}")))
}
