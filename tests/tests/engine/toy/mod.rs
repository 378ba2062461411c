//! A toy application: one workflow that does what its script says, and a world that does to it what its plans say.

mod rig; // everything a test of the engine needs
mod script; // the workflow
mod wide; // its acts beside one another
mod world; // what is outside, with memory and plans

pub(crate) use self::{
    rig::{Rig, counted, operator, stale_writes},
    script::{Act, Script, Secret},
    world::{Plan, World},
};

/// The application.
pub(crate) struct Toy;

impl engine::App for Toy {
    type Clients = World;
    type Settings = ();
}

/// All that it can do.
pub(crate) fn registry() -> engine::Registry<Toy> {
    engine::Registry::default().with::<Script>().with::<Secret>()
}
