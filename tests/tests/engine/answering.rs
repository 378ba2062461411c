//! What an operator can say to a parked run, and what happens then.

use engine::{
    Answer, Cause, Error, JobId, Operator, ParkedRun, Refusal, State, UndoDeed, Workflow,
};
use serde_json::json;

use crate::toy::{Act, Plan, Rig, Script, operator};

impl Rig {
    /// Waits until a run is parked.
    async fn parks(&self, id: JobId) -> ParkedRun {
        self.becomes(id, State::Parked).await;
        self.engine.parked_run(id).await.unwrap().expect("a parked run")
    }

    /// Answers it.
    async fn answer(&self, run: &ParkedRun, answer: Answer) -> Result<(), Error> {
        let mut tx = self.engine.begin().await?;
        tx.answer(run.id, run.claim, answer, &operator()).await?;
        tx.commit().await
    }

    /// A saga of three deeds of which the middle one cannot be taken back.
    async fn stuck(&self) -> ParkedRun {
        self.world.plan("undo:y", [Plan::Permanent]);
        let id = self
            .play([Act::entry("line"), Act::deed("y"), Act::deed("z"), Act::body("undo")])
            .await;
        self.parks(id).await
    }

    /// A run of which nobody can tell whether its deed happened; it did not.
    async fn unclear(&self) -> ParkedRun {
        self.world.plan("do:y", [Plan::LostBefore]);
        self.world.plan("probe:y", [Plan::CannotTell]);
        let id = self.play([Act::deed("y"), Act::step("a")]).await;
        self.becomes(id, State::Scheduled).await;
        self.skip_pause(id).await;
        self.parks(id).await
    }
}

fn refusal(refused: Result<(), Error>) -> Refusal {
    match refused {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn states(rig: &Rig, id: JobId) -> Vec<(String, String)> {
    let deeds = rig.job(id).await.effects.into_iter();
    deeds.map(|deed| (deed.key, deed.state)).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(key, state)| ((*key).to_owned(), (*state).to_owned())).collect()
}

#[tokio::test]
async fn a_preview_says_what_would_be_done_in_which_order() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let run = rig.stuck().await;
    let plan = rig.engine.undo_plan(run.id).await.unwrap();
    let plan: Vec<_> = plan.iter().map(|step| (step.key.as_str(), step.undo)).collect();
    let expected = [
        ("deed#2", UndoDeed::Nothing),
        ("deed", UndoDeed::TakeBack),
        ("entry", UndoDeed::TakeBack),
    ];
    assert_eq!(plan, expected);
    rig.answer(&run, Answer::Retry).await.unwrap();
    rig.becomes(run.id, State::Failed).await;
}

#[tokio::test]
async fn an_undo_that_is_tried_again_goes_on_from_there() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let run = rig.stuck().await;
    rig.answer(&run, Answer::Retry).await.unwrap();
    rig.becomes(run.id, State::Failed).await;
    assert_eq!(rig.world.story("undo:"), ["z", "y", "y"]);
    assert_eq!((rig.world.deeds(), rig.ledger().await), (0, vec![("line".to_owned(), 1)]));
}

#[tokio::test]
async fn an_entry_is_skipped_or_resolved_and_the_rest_is_undone() {
    for (answer, state) in [(Answer::Skip, "skipped"), (Answer::Resolve, "resolved")] {
        let rig = Rig::new().await;
        let _worker = rig.worker().await;
        let run = rig.stuck().await;
        let mut tx = rig.engine.begin().await.unwrap();
        let nameless = Operator::new("operator:ada");
        let refused = tx.answer(run.id, run.claim, answer.clone(), &nameless).await;
        assert_eq!(refusal(refused), Refusal::NeedsReason);
        drop(tx);
        rig.answer(&run, answer).await.unwrap();
        rig.becomes_because(run.id, State::Failed, "thought better").await;
        let expected = [("entry", "undone"), ("deed", state), ("deed#2", "undone")];
        assert_eq!(states(&rig, run.id).await, pairs(&expected));
        assert_eq!(
            (rig.world.count("undo:y"), rig.ledger().await),
            (1, vec![("line".to_owned(), 1)])
        );
    }
}

#[tokio::test]
async fn an_entry_is_taken_back_with_another_input_and_the_first_one_is_kept_in_the_audit() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let run = rig.stuck().await;
    let misfit = rig.answer(&run, Answer::EditInput(json!({ "name": 7 }))).await;
    assert_eq!(refusal(misfit), Refusal::DoesNotFit { name: "deed".to_owned() });
    let nul = rig.answer(&run, Answer::EditInput(json!({ "name": "\0" }))).await;
    assert!(matches!(nul, Err(Error::BadJson(_))));
    rig.answer(&run, Answer::EditInput(json!({ "name": "better" }))).await.unwrap();
    assert_eq!(rig.job(run.id).await.summary.state, State::Parked, "until it is answered");
    rig.answer(&run, Answer::Retry).await.unwrap();
    rig.becomes(run.id, State::Failed).await;
    assert_eq!(rig.world.story("undo:"), ["z", "y", "better"]);
    let rows = rig.engine.audit(Some(run.id), None, 10).await.unwrap();
    assert_eq!(rows[1].action, "entry.input_edited");
    assert_eq!(rows[1].details["before"], json!({ "name": "y" }));
}

#[tokio::test]
async fn an_unknown_outcome_is_decided_by_a_person() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let run = rig.unclear().await;
    assert_eq!(run.cause, Some(Cause::UnknownOutcome));
    for answer in [Answer::Skip, Answer::Resolve, Answer::EditInput(json!({ "name": "z" }))] {
        assert_eq!(refusal(rig.answer(&run, answer).await), Refusal::NotUndoing);
    }
    assert_eq!(refusal(rig.answer(&run, Answer::ResumeForward).await), Refusal::GoingForward);
    let misfit = rig.answer(&run, Answer::Happened(json!({ "id": 7 }))).await;
    assert_eq!(refusal(misfit), Refusal::DoesNotFit { name: "deed".to_owned() });
    rig.answer(&run, Answer::Happened("by hand".into())).await.unwrap();
    assert_eq!(rig.succeeds(run.id).await, [json!("by hand"), json!(1)]);
    assert_eq!(rig.world.count("do:y"), 1);
    let run = rig.unclear().await;
    rig.answer(&run, Answer::DidNotHappen).await.unwrap();
    rig.succeeds(run.id).await;
    assert_eq!((rig.world.count("do:y"), rig.world.deeds()), (3, 1));
}

#[tokio::test]
async fn an_unknown_outcome_of_a_run_that_is_undone_is_decided_too() {
    for (answer, state) in [(Answer::Resolve, "resolved"), (Answer::DidNotHappen, "idle")] {
        let rig = Rig::new().await;
        rig.world.plan("do:y", [Plan::LostBefore]);
        rig.world.plan("probe:y", [Plan::CannotTell]);
        let _worker = rig.worker().await;
        let id = rig.play([Act::entry("line"), Act::deed("y")]).await;
        rig.becomes(id, State::Scheduled).await;
        rig.cancel(id).await;
        let run = rig.parks(id).await;
        assert_eq!((run.cause, run.compensating), (Some(Cause::UnknownOutcome), true));
        rig.answer(&run, answer).await.unwrap();
        rig.becomes(id, State::Cancelled).await;
        assert_eq!(states(&rig, id).await, pairs(&[("entry", "undone"), ("deed", state)]));
    }
}

#[tokio::test]
async fn a_run_of_which_nothing_is_taken_back_yet_is_resumed_forward() {
    let rig = Rig::new().await;
    rig.world.plan("undo:y", [Plan::Permanent]);
    rig.world.plan("step:a", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::entry("line"), Act::deed("y"), Act::step("a")]).await;
    let run = rig.parks(id).await;
    assert!(run.compensating);
    rig.answer(&run, Answer::ResumeForward).await.unwrap();
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("do:y"), rig.world.count("step:a"), rig.world.deeds()), (1, 2, 1));
    let run = rig.stuck().await;
    let refused = refusal(rig.answer(&run, Answer::ResumeForward).await);
    assert_eq!(refused, Refusal::IsUndone { entry: "deed#2".to_owned() });
    rig.answer(&run, Answer::Retry).await.unwrap();
    rig.becomes(run.id, State::Failed).await;
}

#[tokio::test]
async fn a_cancelled_run_that_is_resumed_forward_is_not_cancelled_again_by_the_order_of_before() {
    let rig = Rig::new().await;
    rig.world.plan("undo:y", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("y"), Act::wait("go")]).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    let run = rig.parks(id).await;
    assert!(run.compensating);
    rig.answer(&run, Answer::ResumeForward).await.unwrap();
    assert_eq!(rig.db.number("select from trunkline.cancels").await, 0);
    rig.signal(id, "go", 1.into(), None).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("do:y"), rig.world.deeds()), (1, 1));
}

#[tokio::test]
async fn of_ten_operators_one_answers_and_a_second_click_is_told_so() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let run = rig.stuck().await;
    drop(worker);
    let answers = futures::future::join_all((0..10).map(|n| {
        let answer = if n % 2 == 0 { Answer::Skip } else { Answer::Resolve };
        rig.answer(&run, answer)
    }))
    .await;
    let refused: Vec<_> = answers.into_iter().filter(Result::is_err).map(refusal).collect();
    assert_eq!(refused, vec![Refusal::MovedOn; 9]);
    assert_eq!(rig.engine.audit(Some(run.id), None, 10).await.unwrap().len(), 1);
    let missing = rig
        .engine
        .begin()
        .await
        .unwrap()
        .answer(JobId::mint(), 1, Answer::Retry, &operator())
        .await;
    assert!(matches!(missing, Err(Error::NoSuchJob)));
    let _worker = rig.worker().await;
    rig.becomes(run.id, State::Failed).await;
}

#[tokio::test]
async fn an_answer_to_an_earlier_parking_is_refused() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Permanent]);
    let _worker = rig.worker().await;
    rig.world.plan("undo:y", [Plan::Permanent]);
    let id = rig.play([Act::deed("x"), Act::deed("y"), Act::body("undo")]).await;
    let first = rig.parks(id).await;
    rig.answer(&first, Answer::Retry).await.unwrap();
    rig.claimed(id, first.claim + 1).await;
    let second = rig.parks(id).await;
    // What was meant for one entry must not hit another.
    assert_eq!(refusal(rig.answer(&first, Answer::Skip).await), Refusal::MovedOn);
    assert_eq!((first.entry.as_deref(), second.entry.as_deref()), (Some("deed#2"), Some("deed")));
    rig.answer(&second, Answer::Retry).await.unwrap();
    rig.becomes(id, State::Failed).await;
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn an_answer_survives_the_worker_that_takes_it_up() {
    let rig = Rig::new().await;
    let first = rig.worker().await;
    let run = rig.stuck().await;
    rig.world.plan("undo:y", [Plan::Gate]);
    rig.answer(&run, Answer::Retry).await.unwrap();
    rig.world.reached("undo:y", 2).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.becomes(run.id, State::Failed).await;
    assert_eq!(
        (rig.world.story("undo:"), rig.world.deeds()),
        (["z", "y", "y", "y"].map(str::to_owned).to_vec(), 0)
    );
}

#[tokio::test]
async fn a_job_that_has_not_begun_is_given_other_arguments() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("wrong")]).await;
    let right = serde_json::to_value(Script(vec![Act::step("right")])).unwrap();
    let mut tx = rig.engine.begin().await.unwrap();
    let misfit = tx.edit_args(id, json!([{ "Step": 7 }]), &operator()).await;
    assert_eq!(refusal(misfit), Refusal::DoesNotFit { name: Script::KIND.to_owned() });
    drop(tx);
    let mut tx = rig.engine.begin().await.unwrap();
    tx.edit_args(id, right.clone(), &operator()).await.unwrap();
    tx.commit().await.unwrap();
    let rows = rig.engine.audit(Some(id), None, 10).await.unwrap();
    assert_eq!(rows[0].details["before"], json!([{ "Step": "wrong" }]));
    let _worker = rig.worker().await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["right"]);
    let mut tx = rig.engine.begin().await.unwrap();
    let late = tx.edit_args(id, right, &operator()).await;
    assert!(matches!(late, Err(Error::WrongState { state: State::Succeeded, .. })));
}

#[tokio::test]
async fn a_worker_never_runs_arguments_of_which_an_edit_was_acknowledged() {
    let rig = Rig::new().await;
    let _workers = [rig.worker().await, rig.worker().await];
    let right = serde_json::to_value(Script(vec![Act::step("right")])).unwrap();
    let mut edited = 0;
    for _ in 0..40 {
        let wrong = rig.world.count("step:wrong");
        let id = rig.play([Act::step("wrong")]).await;
        let mut tx = rig.engine.begin().await.unwrap();
        let is_edited = tx.edit_args(id, right.clone(), &operator()).await.is_ok();
        if is_edited {
            tx.commit().await.unwrap();
        }
        rig.succeeds(id).await;
        edited += i32::from(is_edited);
        assert_eq!(rig.world.count("step:wrong") - wrong, usize::from(!is_edited));
    }
    assert!(edited > 0, "no edit was quick enough");
}
