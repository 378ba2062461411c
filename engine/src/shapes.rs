//! What arguments, inputs and outputs look like to this version of the code, by name: for what an operator types in.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::Value;

use crate::{registry::Registry, workflow::App};

/// Says why a value does not fit.
type Check = Arc<dyn Fn(&Value) -> Result<(), String> + Send + Sync>;

/// The shapes of everything that is registered.
#[derive(Default)]
pub(crate) struct Shapes(BTreeMap<(Part, &'static str), Check>);

/// Of what a value is part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The arguments of a kind.
    Args,
    /// What an effect is asked to do.
    EffectInput,
    /// What an effect yields.
    EffectOutput,
    /// What a change is asked to do.
    ChangeInput,
}

impl Shapes {
    pub(crate) fn of<A: App>(registry: &Registry<A>) -> Shapes {
        let mut shapes = Shapes::default();
        for (name, workflow) in &registry.workflows {
            let workflow = Arc::clone(workflow);
            shapes.add(Part::Args, name, move |args| workflow.accepts(args));
        }
        for (name, effect) in &registry.effects {
            let (one, other) = (Arc::clone(effect), Arc::clone(effect));
            shapes.add(Part::EffectInput, name, move |input| one.accepts(input));
            shapes.add(Part::EffectOutput, name, move |output| other.accepts_output(output));
        }
        for (name, change) in &registry.changes {
            let change = Arc::clone(change);
            shapes.add(Part::ChangeInput, name, move |input| change.accepts(input));
        }
        shapes
    }

    fn add<F>(&mut self, part: Part, name: &'static str, check: F)
    where
        F: Fn(&Value) -> Result<(), String> + Send + Sync + 'static,
    {
        self.0.insert((part, name), Arc::new(check));
    }

    /// Whether a value fits. `None`: this version does not know the name.
    pub(crate) fn fits(&self, part: Part, name: &str, value: &Value) -> Option<Result<(), String>> {
        let check = self.0.iter().find(|((of, known), _)| *of == part && *known == name)?.1;
        Some(check(value))
    }
}

impl fmt::Debug for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shapes({})", self.0.len())
    }
}
