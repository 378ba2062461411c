//! The memory. One lock, never held across an await.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use clients::twilio::MessageStatus;
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::{oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    call::{CALLS_MAX, Call, CallDraft, Callee},
    callbacks::{CallbackOrder, Journeys},
    clock::Clock,
    inbound::Stopped,
    ledger::Ledger,
    live::Live,
    market::Market,
    mood::{Mood, Spell},
    number::{Change, Number},
    options::Options,
    refusal::Refusal,
    store::Store,
    text::Text,
    traffic::{Paths, Traffic},
    validate::Draft,
};

/// Texts whose refused attempts are counted at a time; beyond it new ones are not.
const REFUSED_TEXTS_MAX: usize = 10_000;

/// Shared by everything that runs for one sandbox.
pub(super) struct State {
    pub(super) options: Options,
    /// Ends what waits: held-back answers and callbacks under way.
    pub(super) stop: CancellationToken,
    pub(super) journeys: Journeys,
    /// For what people write: posted while they wait.
    pub(super) http: reqwest::Client,
    /// Calls that people place.
    pub(super) live_tasks: TaskTracker,
    ledger: Option<Ledger>,
    memory: Mutex<Memory>,
    /// Rises with every change, for those who wait for one.
    changes: watch::Sender<u64>,
}

/// A text that is the same text again when it is tried again: recipient, sender, words.
type Words = (String, String, String);

struct Memory {
    store: Store,
    spell: Spell,
    order: CallbackOrder,
    opted_out: HashSet<String>,
    market: Market,
    stopped: Stopped,
    undeliverable: HashMap<String, u32>,
    /// Newest first.
    calls: VecDeque<Call>,
    /// Those that people place, newest first.
    live: VecDeque<Arc<Live>>,
    callee: Callee,
    /// By their names.
    recordings: BTreeSet<String>,
    paths: Paths,
    refused: HashMap<Words, u32>,
    clock: Clock,
    random: StdRng,
}

impl State {
    pub(super) fn new(
        options: Options,
        stop: CancellationToken,
        journeys: Journeys,
        http: reqwest::Client,
        ledger: Option<Ledger>,
        known: Vec<Text>,
    ) -> Arc<Self> {
        let random = match options.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_rng(&mut rand::rng()),
        };
        let mut store = Store::default();
        for text in known {
            store.insert(text);
        }
        let memory = Mutex::new(Memory { store, ..Memory::empty(random) });
        let changes = watch::Sender::new(0);
        let live_tasks = TaskTracker::new();
        Arc::new(Self { options, stop, journeys, http, live_tasks, ledger, memory, changes })
    }

    /// Counts a request and says how to treat it, and how long a slow one is held back.
    pub(super) fn arrive(&self, path: &str, method: &str, writes: bool) -> (Mood, Spell) {
        self.change(|memory| {
            memory.paths.request(path, method);
            let coin = memory.random.random();
            let spell = memory.spell;
            (memory.spell.treat(writes, coin), spell)
        })
    }

    /// A request that was turned away, but that its sender will repeat.
    pub(super) fn refuse(&self, form: &[(String, String)]) {
        let Ok(draft) = Draft::read(form) else { return };
        self.change(|memory| {
            if memory.refused.len() < REFUSED_TEXTS_MAX {
                *memory.refused.entry((draft.to, draft.from, draft.body)).or_default() += 1;
            }
        });
    }

    /// Takes a message: remembered, counted and on its way before anybody can hang up. The receipt,
    /// where there is a ledger, tells when it is on disk.
    pub(super) fn take(
        &self,
        draft: Draft,
        path: &str,
    ) -> Result<(Text, Option<oneshot::Receiver<()>>), Refusal> {
        let Draft { to, from, body, status_callback } = draft;
        let (text, journey) = self.change(|memory| {
            if memory.opted_out.contains(&to) || memory.stopped.holds(&from, &to) {
                return Err(Refusal::opted_out());
            }
            let now = memory.clock.now();
            let refused = memory.refused.remove(&(to.clone(), from.clone(), body.clone()));
            let text = Text {
                sid: format!("SM{}", memory.hex()),
                to,
                from,
                body,
                status: MessageStatus::Queued,
                attempts: refused.unwrap_or(0) + 1,
                created_at: now,
                updated_at: now,
                sent_at: None,
                status_callback,
                error_code: None,
            };
            memory.paths.effect(path);
            memory.store.insert(text.clone());
            let order = memory.order;
            let fails = memory.undeliverable.get(&text.to).copied();
            let journey = order.journey(&text.sid, fails, || memory.hex());
            Ok((text, journey))
        })?;
        self.journeys.start(journey, self.options.callback_delay);
        let receipt = self.ledger.as_ref().map(|ledger| ledger.append(&text));
        Ok((text, receipt))
    }

    /// Places a call, which ends as the callee is.
    pub(super) fn place(&self, draft: CallDraft, path: &str) -> Call {
        self.change(|memory| {
            let sid = format!("CA{}", memory.hex());
            let call = Call::placed(draft, sid, memory.callee, memory.clock.now());
            memory.paths.effect(path);
            memory.calls.push_front(call.clone());
            memory.calls.truncate(CALLS_MAX);
            call
        })
    }

    pub(super) fn remember(&self, live: &Arc<Live>) {
        self.change(|memory| {
            memory.live.push_front(Arc::clone(live));
            memory.live.truncate(CALLS_MAX);
        });
    }

    /// A call that somebody has placed.
    pub(super) fn live(&self, sid: &str) -> Option<Arc<Live>> {
        self.memory.lock().live.iter().find(|live| live.sid == sid).cloned()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.memory.lock().clock.now()
    }

    /// Newest first.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.memory.lock().calls.iter().cloned().collect()
    }

    pub(super) fn set_callee(&self, callee: Callee) {
        self.change(|memory| memory.callee = callee);
    }

    pub(super) fn set_undeliverable(&self, phone: String, error_code: u32) {
        self.change(|memory| memory.undeliverable.insert(phone, error_code));
    }

    /// A person has told one of our numbers to stop.
    pub(super) fn stop_sender(&self, sender: &str, phone: &str) {
        self.change(|memory| memory.stopped.stop(sender, phone));
    }

    /// And to start again.
    pub(super) fn start_sender(&self, sender: &str, phone: &str) {
        self.change(|memory| memory.stopped.start(sender, phone));
    }

    pub(super) fn new_sid(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.memory.lock().hex())
    }

    /// Moves a message on, if that is news. `None`: it is not known any more.
    pub(super) fn advance(
        &self,
        sid: &str,
        status: MessageStatus,
        error_code: Option<u32>,
    ) -> Option<Text> {
        self.change(|memory| {
            let now = memory.clock.now();
            let text = memory.store.get_mut(sid)?;
            text.advance(status, now);
            text.error_code = error_code.or(text.error_code);
            Some(text.clone())
        })
    }

    pub(super) fn text(&self, sid: &str) -> Option<Text> {
        self.memory.lock().store.get(sid).cloned()
    }

    /// Messages that `wanted` picks, newest first, a stretch of them, and whether there are more.
    pub(super) fn texts(
        &self,
        wanted: impl Fn(&Text) -> bool,
        skip: usize,
        take: usize,
    ) -> (Vec<Text>, bool) {
        let memory = self.memory.lock();
        let mut found = memory.store.newest_first().filter(|text| wanted(text)).skip(skip);
        let texts = found.by_ref().take(take).cloned().collect();
        (texts, found.next().is_some())
    }

    pub(super) fn texts_len(&self) -> usize {
        self.memory.lock().store.len()
    }

    pub(super) fn paths(&self) -> BTreeMap<String, Traffic> {
        self.memory.lock().paths.snapshot()
    }

    pub(super) fn set_spell(&self, spell: Spell) {
        self.change(|memory| memory.spell = spell);
    }

    pub(super) fn set_order(&self, order: CallbackOrder) {
        self.change(|memory| memory.order = order);
    }

    pub(super) fn opt_out(&self, phone: String) {
        self.change(|memory| memory.opted_out.insert(phone));
    }

    pub(super) fn set_clock_ahead(&self, ahead: TimeDelta) {
        self.change(|memory| memory.clock = Clock { ahead });
    }

    /// Numbers that could be bought, made up anew each time.
    pub(super) fn offers(&self, prefix: &str, count: usize) -> Vec<String> {
        let mut memory = self.memory.lock();
        let mut digits = || memory.random.random_range(0..1_000_000_u32);
        (0..count).map(|_| format!("{prefix}{:06}", digits())).collect()
    }

    /// Buys a number, or any one with an area code.
    pub(super) fn buy(
        &self,
        phone: Option<&str>,
        area_code: Option<&str>,
        change: Change,
        path: &str,
    ) -> Result<Number, Refusal> {
        let phone = match (phone, area_code) {
            (Some(phone), _) => phone.to_owned(),
            (None, Some("533")) => return Err(Refusal::of(21452, "no numbers in 'AreaCode'")),
            (None, Some(code)) => self.offers(&format!("+1{code}5"), 1).remove(0),
            (None, None) => return Err(Refusal::of(21402, "'PhoneNumber' is required")),
        };
        self.change(|memory| {
            let (now, sid) = (memory.clock.now(), format!("PN{}", memory.hex()));
            let number = memory.market.buy(&phone, sid, change, now)?;
            memory.paths.effect(path);
            Ok(number)
        })
    }

    pub(super) fn configure(&self, sid: &str, change: Change, path: &str) -> Option<Number> {
        self.change(|memory| {
            let number = memory.market.configure(sid, change)?;
            memory.paths.effect(path);
            Some(number)
        })
    }

    pub(super) fn give_back(&self, sid: &str, path: &str) -> bool {
        self.change(|memory| {
            let gone = memory.market.give_back(sid);
            if gone {
                memory.paths.effect(path);
            }
            gone
        })
    }

    pub(super) fn keep_recording(&self, sid: String) {
        self.change(|memory| memory.recordings.insert(sid));
    }

    pub(super) fn delete_recording(&self, sid: &str, path: &str) -> bool {
        self.change(|memory| {
            let gone = memory.recordings.remove(sid);
            if gone {
                memory.paths.effect(path);
            }
            gone
        })
    }

    /// Recordings that are kept, by their names.
    pub(super) fn recordings(&self) -> Vec<String> {
        self.memory.lock().recordings.iter().cloned().collect()
    }

    /// The account's numbers, oldest first.
    pub(super) fn owned(&self) -> Vec<Number> {
        self.memory.lock().market.owned().to_vec()
    }

    pub(super) fn market<T>(&self, act: impl FnOnce(&mut Market) -> T) -> T {
        self.change(|memory| act(&mut memory.market))
    }

    /// Forgets everything but the ledger.
    pub(super) fn reset(&self) {
        self.change(|memory| {
            let random = memory.random.fork();
            *memory = Memory::empty(random);
        });
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn change<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        let outcome = act(&mut self.memory.lock());
        self.changed();
        outcome
    }
}

impl Memory {
    fn empty(random: StdRng) -> Self {
        Self {
            store: Store::default(),
            spell: Spell::default(),
            order: CallbackOrder::default(),
            opted_out: HashSet::new(),
            market: Market::default(),
            stopped: Stopped::default(),
            undeliverable: HashMap::new(),
            calls: VecDeque::new(),
            live: VecDeque::new(),
            callee: Callee::default(),
            recordings: BTreeSet::new(),
            paths: Paths::default(),
            refused: HashMap::new(),
            clock: Clock::default(),
            random,
        }
    }

    /// 32 hex digits.
    fn hex(&mut self) -> String {
        format!("{:032x}", self.random.random::<u128>())
    }
}
