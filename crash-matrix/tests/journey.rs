//! Everything else that a context offers, in one run: branches side by side, a race, a permit that is held.

use std::time::Duration;

use crash_matrix::{Calls, CrashMatrix, Done};
use engine::{App, Context, Effect, EffectCall, Failure, Probe, Registrar, Registry, Workflow};
use serde::{Deserialize, Serialize};

/// An agency that books by telephone: whoever is asked twice books twice, and can say whether there is a booking.
struct Agency;

impl App for Agency {
    type Clients = Calls;
    type Settings = ();
}

/// A journey: bed and train at once, then whichever carriage comes first.
#[derive(Serialize, Deserialize)]
struct Journey {}

impl Workflow<Agency> for Journey {
    const KIND: &'static str = "journey";
    const QUEUE: &'static str = "journeys";
    type Output = String;

    fn ledger(ledger: &mut Registrar<'_, Agency>) {
        ledger.effect::<Book>();
    }

    async fn run(&self, ctx: &Context<'_, Agency>) -> Result<String, Failure> {
        let guide = ctx.hold("guides", "", 1).await?;
        ctx.join(
            "bed and train",
            |ctx| async move { ctx.effect(Book::a("bed")).await },
            |ctx| async move {
                ctx.sleep(Duration::from_mins(1)).await?; // the office opens later
                ctx.effect(Book::a("train")).await
            },
        )
        .await?;
        let carriage = ctx
            .race(
                "carriage",
                |ctx| async move {
                    ctx.effect(Book::a("taxi")).await?;
                    ctx.wait_for::<bool>("taxi_comes").for_ever().await?;
                    Ok("taxi".to_owned())
                },
                |ctx| async move {
                    ctx.effect(Book::a("bus")).await?;
                    ctx.sleep(Duration::from_hours(1)).await?;
                    Ok("bus".to_owned())
                },
            )
            .await?;
        ctx.release(guide).await?;
        Ok(carriage)
    }
}

/// A tour of three towns, two visits at a time. Once they are booked it is announced, and then there is no way back.
#[derive(Serialize, Deserialize)]
struct Tour {}

impl Workflow<Agency> for Tour {
    const KIND: &'static str = "tour";
    const QUEUE: &'static str = "journeys";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Agency>) {
        ledger.effect::<Book>();
    }

    async fn run(&self, ctx: &Context<'_, Agency>) -> Result<(), Failure> {
        let visit = |town: &str| Visit { town: town.to_owned() };
        ctx.fan_out("visits", ["Graz", "Linz", "Wels"], 2, visit).all().await?;
        ctx.pivot("announced").await?;
        ctx.effect(Book::a("poster")).await
    }
}

/// A visit, by a job of its own.
#[derive(Serialize, Deserialize)]
struct Visit {
    town: String,
}

impl Workflow<Agency> for Visit {
    const KIND: &'static str = "visit";
    const QUEUE: &'static str = "journeys";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Agency>) {
        ledger.effect::<Book>();
    }

    async fn run(&self, ctx: &Context<'_, Agency>) -> Result<(), Failure> {
        ctx.effect(Book::a(&self.town)).await
    }
}

#[derive(Serialize, Deserialize)]
struct Book {
    what: String,
}

impl Book {
    fn a(what: &str) -> Book {
        Book { what: what.to_owned() }
    }
}

impl Effect<Agency> for Book {
    const NAME: &'static str = "book";
    type Output = ();

    async fn apply(&self, calls: &Calls, call: &EffectCall) -> Result<(), Failure> {
        calls.again(call);
        Ok(())
    }

    async fn undo(&self, calls: &Calls, call: &EffectCall, (): &()) -> Result<(), Failure> {
        calls.undo(call);
        Ok(())
    }

    async fn probe(&self, calls: &Calls, call: &EffectCall) -> Result<Probe<()>, Failure> {
        Ok(if calls.stands(call) { Probe::Happened(()) } else { Probe::DidNotHappen })
    }
}

/// A bed, a train and one carriage; or nothing.
async fn all_is_booked_or_nothing(done: &Done) -> Result<(), String> {
    let booked = done.calls.standing(done.job.summary.id).len();
    let expected = if done.succeeded() { 3 } else { 0 };
    if booked == expected {
        Ok(())
    } else {
        Err(format!("{} with {booked} bookings", done.state()))
    }
}

fn matrix(name: &str) -> CrashMatrix<Agency> {
    CrashMatrix::of(Registry::default().with::<Journey>(), || Journey {})
        .named(name)
        .clients(|calls| calls)
        .settings(())
        .invariant("all is booked or nothing", all_is_booked_or_nothing)
        .sample(2)
}

#[tokio::test]
async fn a_journey_by_taxi_survives_every_fault_at_every_boundary() {
    matrix("journey by taxi").signal("taxi_comes", true).run().await;
}

#[tokio::test]
async fn a_journey_by_bus_survives_every_fault_at_every_boundary() {
    matrix("journey by bus").run().await;
}

/// Three visits and a poster; or, if it was cancelled before it was announced, nothing.
async fn a_tour_is_whole_or_was_never_announced(done: &Done) -> Result<(), String> {
    let visits = done
        .count(
            "select from trunkline.jobs j join trunkline.effects e using (job_id)
             where j.parent_id = $1 and e.form = 'effect' and e.state = 'done'",
        )
        .await;
    let posters = done.calls.standing(done.job.summary.id).len();
    let expected = if done.succeeded() { (3, 1) } else { (0, 0) };
    if (visits, posters) == expected {
        return Ok(());
    }
    Err(format!("{} with {visits} visits and {posters} posters", done.state()))
}

#[tokio::test]
async fn a_tour_survives_every_fault_at_every_boundary() {
    CrashMatrix::of(Registry::default().with::<Tour>().with::<Visit>(), || Tour {})
        .clients(|calls| calls)
        .settings(())
        .invariant("it is whole or was never announced", a_tour_is_whole_or_was_never_announced)
        .sample(2)
        .run()
        .await;
}
