//! A workflow of a user's own, and the one line that tries every fault at each of its durable boundaries.

use std::time::Duration;

use crash_matrix::{Calls, CrashMatrix, Done, Fault};
use engine::{
    App, Awaited, Change, Context, Effect, EffectCall, Failure, Probe, Registrar, Registry, Tx,
    Workflow,
};
use serde::{Deserialize, Serialize};

/// A shop whose bank honours idempotency keys, and whose carrier does not.
struct Shop;

impl App for Shop {
    type Clients = Calls;
    type Settings = ();
}

/// An order: its goods are reserved, its price is charged, and when the customer has confirmed, it is sent.
#[derive(Serialize, Deserialize)]
struct Order {
    goods: String,
    cents: u32,
}

impl Workflow<Shop> for Order {
    const KIND: &'static str = "order";
    const QUEUE: &'static str = "orders";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Shop>) {
        ledger.change::<Reserve>().effect::<Charge>();
    }

    async fn run(&self, ctx: &Context<'_, Shop>) -> Result<(), Failure> {
        ctx.change(Reserve { goods: self.goods.clone() }).await?;
        ctx.effect(Charge { cents: self.cents }).await?;
        let confirmed = ctx.wait_for::<bool>("confirmed").for_up_to(Duration::from_hours(24));
        let Awaited::Signal(true) = confirmed.await? else {
            return Err(Failure::undo("not confirmed within a day"));
        };
        ctx.child(Shipment { goods: self.goods.clone() }).await?;
        ctx.transaction("ship", async |tx| move_goods(tx, &self.goods, "shipped").await).await
    }
}

/// Goods that nobody else can have.
#[derive(Serialize, Deserialize)]
struct Reserve {
    goods: String,
}

impl Change<Shop> for Reserve {
    const NAME: &'static str = "reserve";
    type Output = ();

    async fn apply(&self, tx: &mut Tx, (): &()) -> Result<(), Failure> {
        move_goods(tx, &self.goods, "reserved").await
    }

    async fn undo(&self, tx: &mut Tx, (): &(), (): &()) -> Result<(), Failure> {
        move_goods(tx, &self.goods, "in stock").await
    }
}

/// Money. The bank honours our key.
#[derive(Serialize, Deserialize)]
struct Charge {
    cents: u32,
}

impl Effect<Shop> for Charge {
    const NAME: &'static str = "charge";
    const KEY_IS_HONOURED: bool = true;
    type Output = u32;

    async fn apply(&self, bank: &Calls, call: &EffectCall) -> Result<u32, Failure> {
        bank.once(call);
        Ok(self.cents)
    }

    async fn undo(&self, bank: &Calls, call: &EffectCall, _: &u32) -> Result<(), Failure> {
        bank.undo(call);
        Ok(())
    }
}

/// A parcel, by a job of its own.
#[derive(Serialize, Deserialize)]
struct Shipment {
    goods: String,
}

impl Workflow<Shop> for Shipment {
    const KIND: &'static str = "shipment";
    const QUEUE: &'static str = "orders";
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Shop>) {
        ledger.effect::<Collect>();
    }

    async fn run(&self, ctx: &Context<'_, Shop>) -> Result<(), Failure> {
        ctx.sleep(Duration::from_mins(5)).await?; // the customer may still change their mind
        ctx.effect(Collect { goods: self.goods.clone() }).await
    }
}

/// The carrier comes for the parcel. It honours no key: asked twice, it comes twice. It can say whether it was asked.
#[derive(Serialize, Deserialize)]
struct Collect {
    goods: String,
}

impl Effect<Shop> for Collect {
    const NAME: &'static str = "collect";
    type Output = ();

    async fn apply(&self, carrier: &Calls, call: &EffectCall) -> Result<(), Failure> {
        carrier.again(call);
        Ok(())
    }

    async fn undo(&self, carrier: &Calls, call: &EffectCall, (): &()) -> Result<(), Failure> {
        carrier.undo(call);
        Ok(())
    }

    async fn probe(&self, carrier: &Calls, call: &EffectCall) -> Result<Probe<()>, Failure> {
        Ok(if carrier.stands(call) { Probe::Happened(()) } else { Probe::DidNotHappen })
    }
}

async fn move_goods(tx: &mut Tx, goods: &str, place: &str) -> Result<(), Failure> {
    let moved = "insert into shop.moves (goods, place) values ($1, $2)";
    sqlx::query(moved).bind(goods).bind(place).execute(&mut **tx).await?;
    Ok(())
}

const TABLES: &str = "
    create schema shop;
    create table shop.moves (id bigint generated always as identity primary key, goods text not null, place text not null);
    grant usage on schema shop to trunkline_app;
    grant insert on shop.moves to trunkline_app;";

fn registry() -> Registry<Shop> {
    Registry::default().with::<Order>().with::<Shipment>()
}

fn order() -> Order {
    static ORDERS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = ORDERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Order { goods: format!("bread {number}"), cents: 420 }
}

/// Whatever went wrong: an order that succeeded was reserved and shipped once, any other leaves all goods in stock.
async fn goods_are_where_they_should_be(done: &Done) -> Result<(), String> {
    let goods = done.job.args["goods"].as_str().unwrap_or_default();
    let moves: Vec<String> =
        sqlx::query_scalar("select place from shop.moves where goods = $1 order by id")
            .bind(goods)
            .fetch_all(&done.rows)
            .await
            .map_err(|error| error.to_string())?;
    let is_right = if done.succeeded() {
        moves == ["reserved", "shipped"]
    } else {
        moves.is_empty() || moves == ["reserved", "in stock"]
    };
    if is_right { Ok(()) } else { Err(format!("{} with {moves:?}", done.state())) }
}

fn matrix(name: &str) -> CrashMatrix<Shop> {
    CrashMatrix::of(registry(), order)
        .named(name)
        .clients(|calls| calls)
        .settings(())
        .schema(TABLES)
        .invariant("goods are where they should be", goods_are_where_they_should_be)
}

#[tokio::test]
async fn an_order_survives_every_fault_at_every_boundary() {
    matrix("order").signal("confirmed", true).faults(&Fault::ALL).run().await;
}

#[tokio::test]
async fn an_order_that_nobody_confirms_is_taken_back_whatever_goes_wrong() {
    matrix("order, not confirmed").run().await;
}

#[tokio::test]
async fn an_order_survives_the_death_of_its_worker_before_any_commit() {
    let at_all = 100;
    matrix("order, every boundary")
        .signal("confirmed", true)
        .faults(&[Fault::CrashBefore])
        .sample(at_all)
        .run()
        .await;
}
