use clients::audio::Mulaw;
use domain::voice::{Outcome, Speaker};
use proptest::prelude::*;
use workflows::voice_session::{
    Asked,
    tools::{END_CALL, LineAnswer},
};

use super::{Action, Begin, Call, Event, Happening};
use crate::voice::{
    limits,
    speech::{SpeechEvent, Tell},
};

fn begin(is_taken_over: bool) -> Call {
    Call::new(Begin { now_ms: 0, is_taken_over, base_ms: 0, talk_max_secs: 600 })
}

/// A call in which both sides are there.
fn talking() -> Call {
    let mut call = begin(false);
    assert_eq!(call.on(10, Event::SpeechReady), []);
    assert_eq!(call.on(20, Event::Connected), []);
    call
}

fn sound(ms: usize) -> Mulaw<'static> {
    Mulaw::encode(&vec![0; ms * 8])
}

fn says(call: &mut Call, now_ms: u64, item: &str, ms: usize) -> Vec<String> {
    let event = SpeechEvent::Audio { item: item.to_owned(), audio: sound(ms) };
    let played = call.on(now_ms, Event::Speech(event)).into_iter();
    played
        .map(|action| {
            let Action::Play(_, mark) = action else { panic!("{action:?}") };
            mark
        })
        .collect()
}

fn words(call: &mut Call, item: &str, text: &str) {
    let event = SpeechEvent::Words { item: item.to_owned(), text: text.to_owned() };
    assert_eq!(call.on(0, Event::Speech(event)), []);
}

fn frame(call: &mut Call, now_ms: u64, at_ms: u64) -> Vec<Action<'static>> {
    call.on(now_ms, Event::Frame { at_ms: Some(at_ms), audio: sound(20) })
}

fn noted<'a>(actions: &'a [Action<'_>]) -> Vec<(&'a Speaker, &'a str)> {
    let said = |action: &'a Action<'_>| {
        let Action::Note(Happening::Said(said)) = action else { return None };
        Some((&said.who, said.text.as_str()))
    };
    actions.iter().filter_map(said).collect()
}

fn asked(id: &str) -> Asked {
    Asked { id: id.to_owned(), name: "text_link".to_owned(), arguments: "{}".to_owned() }
}

#[test]
fn whoever_interrupts_is_listened_to_and_the_model_learns_what_was_heard() {
    let mut call = talking();
    frame(&mut call, 1000, 1000);
    words(&mut call, "a", "one two three four");
    says(&mut call, 1000, "a", 1000);
    frame(&mut call, 1500, 1500);
    let actions = call.on(1510, Event::Speech(SpeechEvent::CallerSpeaks));
    assert_eq!(actions[0], Action::Clear, "first of all it is silent");
    assert_eq!(noted(&actions), [(&Speaker::Assistant, "one two t —")]);
    assert!(actions.contains(&Action::Tell(Tell::Heard { item: "a".to_owned(), ms: 500 })));
    assert!(says(&mut call, 1520, "a", 100).is_empty(), "the rest of it is not played");
    assert_eq!(says(&mut call, 1530, "b", 100).len(), 1, "the next answer is");
}

#[test]
fn nobody_is_interrupted_who_is_silent() {
    let mut call = talking();
    assert_eq!(call.on(100, Event::Speech(SpeechEvent::CallerSpeaks)), []);
}

#[test]
fn what_was_heard_to_its_end_is_written_down_once() {
    let mut call = talking();
    words(&mut call, "a", "Good day.");
    let marks = says(&mut call, 100, "a", 200);
    let spoken = Event::Speech(SpeechEvent::Spoken { item: "a".to_owned() });
    assert_eq!(call.on(110, spoken), []);
    let heard = call.on(300, Event::Mark(&marks[0]));
    assert_eq!(noted(&heard), [(&Speaker::Assistant, "Good day.")]);
    assert_eq!(call.on(310, Event::Mark(&marks[0])), []);
}

#[test]
fn a_call_that_was_taken_over_is_told_so_when_both_sides_are_there() {
    for speech_first in [true, false] {
        let mut call = begin(true);
        let (one, other) = if speech_first {
            (call.on(1, Event::SpeechReady), call.on(2, Event::Connected))
        } else {
            (call.on(1, Event::Connected), call.on(2, Event::SpeechReady))
        };
        assert_eq!(one, []);
        assert_eq!(other, [Action::Tell(Tell::Speak(Some(limits::INTERRUPTED)))]);
    }
}

#[test]
fn a_service_that_is_lost_is_dialed_once_more_and_then_the_call_ends_as_failed() {
    let mut call = talking();
    assert_eq!(call.on(100, Event::SpeechLost { again: true }), [Action::Dial]);
    assert_eq!(
        call.on(200, Event::SpeechReady),
        [Action::Tell(Tell::Speak(Some(limits::INTERRUPTED)))]
    );
    let over = call.on(300, Event::SpeechLost { again: true });
    assert_eq!(over, [Action::Note(Happening::Over(Outcome::AiFailed))]);
    let mut call = talking();
    call.on(100, Event::SpeechLost { again: false });
    assert_eq!(call.over(), Some(Outcome::AiFailed), "a refusal is not asked for again");
}

#[test]
fn a_caller_who_comes_before_a_failure_is_known_hears_of_it() {
    let mut call = begin(false);
    assert_eq!(call.on(1, Event::SpeechLost { again: true }), [Action::Dial]);
    assert_eq!(call.on(2, Event::SpeechLost { again: true }), []);
    assert_eq!(call.over(), None, "its caller is still greeted");
    call.on(3, Event::Connected);
    call.on(103, Event::Tick);
    assert_eq!(call.over(), Some(Outcome::AiFailed));
}

#[test]
fn an_answer_returns_into_the_conversation_that_asked_and_as_a_remark_into_another() {
    let mut call = talking();
    let asks = SpeechEvent::Asks {
        id: "1".to_owned(),
        name: "text_link".to_owned(),
        arguments: "{}".to_owned(),
    };
    let noted = call.on(100, Event::Speech(asks));
    assert_eq!(noted, [Action::Note(Happening::Asks(asked("1")))]);
    let answer = |text: &str| LineAnswer { text: text.to_owned(), then_end: None };
    let told = call.on(200, Event::Answered(asked("1"), answer("sent")));
    let answer_told = Tell::Answer { id: "1".to_owned(), text: "sent".to_owned() };
    assert_eq!(told, [Action::Tell(answer_told), Action::Tell(Tell::Speak(None))]);
    let told = call.on(300, Event::Answered(asked("2"), answer("sent")));
    let remark = Tell::Note { by_caller: false, text: "text_link: sent".to_owned() };
    assert_eq!(told, [Action::Tell(remark)], "it says so when it is through");
    let next = call.on(400, Event::Speech(SpeechEvent::Complete { is_well: true }));
    assert_eq!(next, [Action::Tell(Tell::Speak(None))]);
}

#[test]
fn an_answer_that_comes_while_somebody_is_dialed_anew_reaches_them_as_a_remark() {
    let mut call = talking();
    let asks = SpeechEvent::Asks {
        id: "1".to_owned(),
        name: "text_link".to_owned(),
        arguments: "{}".to_owned(),
    };
    call.on(100, Event::Speech(asks));
    assert_eq!(call.on(200, Event::SpeechLost { again: true }), [Action::Dial]);
    // What they begin with was handed over with the dial, so that it lacks this.
    let answer = LineAnswer { text: "sent".to_owned(), then_end: None };
    let told = call.on(300, Event::Answered(asked("1"), answer));
    let remark = Tell::Note { by_caller: false, text: "text_link: sent".to_owned() };
    assert_eq!(told, [Action::Tell(remark)], "they do not know the question by its name");
    let ready = call.on(400, Event::SpeechReady);
    assert_eq!(ready, [Action::Tell(Tell::Speak(Some(limits::INTERRUPTED)))], "once");
    let next = call.on(500, Event::Speech(SpeechEvent::Complete { is_well: true }));
    assert_eq!(next, [], "nothing is left to say");
}

#[test]
fn a_good_bye_that_nobody_can_say_yet_is_said_by_whoever_comes() {
    let mut call = talking();
    frame(&mut call, 599_000, 599_000);
    assert_eq!(call.on(599_990, Event::SpeechLost { again: true }), [Action::Dial]);
    assert_eq!(call.on(600_030, Event::Tick), [], "there is nobody to say it");
    assert_eq!(call.over(), None);
    let interrupted = [Action::Tell(Tell::Speak(Some(limits::INTERRUPTED)))];
    assert_eq!(call.on(600_500, Event::SpeechReady), interrupted);
    let next = call.on(601_000, Event::Speech(SpeechEvent::Complete { is_well: true }));
    assert_eq!(next, [Action::Tell(Tell::Speak(Some(limits::TIME_UP)))]);
}

#[test]
fn a_call_ends_when_good_bye_was_heard() {
    let mut call = talking();
    call.on(100, Event::Speech(SpeechEvent::Begins));
    let marks = says(&mut call, 100, "a", 500);
    let end = SpeechEvent::Asks {
        id: "1".to_owned(),
        name: END_CALL.to_owned(),
        arguments: "{}".to_owned(),
    };
    call.on(110, Event::Speech(end));
    call.on(120, Event::Speech(SpeechEvent::Complete { is_well: true }));
    assert_eq!(call.over(), None);
    call.on(600, Event::Mark(&marks[0]));
    assert_eq!(call.over(), Some(Outcome::Completed));
}

#[test]
fn keys_are_told_when_the_number_is_through() {
    let mut call = talking();
    for (at, key) in [(100, '1'), (200, '2')] {
        assert_eq!(call.on(at, Event::Digit(key)), []);
    }
    frame(&mut call, 2300, 2300);
    let told = call.on(2300, Event::Tick);
    assert_eq!(noted(&told), [(&Speaker::Caller, "[pressed 12]")]);
    assert!(told.contains(&Action::Tell(Tell::Speak(None))));
}

#[test]
fn audio_that_breaks_off_may_come_back_and_otherwise_the_caller_has_hung_up() {
    let mut call = talking();
    call.on(100, Event::Disconnected);
    assert_eq!(call.over(), None);
    let back = call.on(2000, Event::Connected);
    assert_eq!(back, [Action::Tell(Tell::Speak(Some(limits::INTERRUPTED)))]);
    call.on(3000, Event::Disconnected);
    call.on(3000 + limits::BACK_WITHIN_MS, Event::Tick);
    assert_eq!(call.over(), Some(Outcome::HungUp));
}

#[test]
fn nothing_follows_on_anything_when_it_is_over() {
    let mut call = talking();
    let over = call.on(100, Event::Gone);
    assert_eq!(over, [Action::Note(Happening::Over(Outcome::HungUp))]);
    assert_eq!(frame(&mut call, 110, 110), []);
    assert_eq!(call.on(120, Event::Gone), []);
}

#[test]
fn a_call_without_its_audio_and_one_that_is_too_long_end() {
    let mut call = begin(false);
    call.on(limits::CONNECT_WITHIN_MS, Event::Tick);
    assert_eq!(call.over(), Some(Outcome::Abandoned));
    let mut call = talking();
    frame(&mut call, 600_000, 600_000);
    let told = call.on(600_030, Event::Tick);
    assert_eq!(told, [Action::Tell(Tell::Speak(Some(limits::TIME_UP)))]);
    frame(&mut call, 610_000, 610_000);
    call.on(600_030 + limits::GOOD_BYE_MS, Event::Tick);
    assert_eq!(call.over(), Some(Outcome::TimeUp));
}

#[test]
fn what_was_talked_with_another_worker_counts() {
    let before = Begin { now_ms: 0, is_taken_over: true, base_ms: 100_000, talk_max_secs: 120 };
    let mut call = Call::new(before);
    call.on(10, Event::SpeechReady);
    call.on(20, Event::Connected);
    frame(&mut call, 19_990, 19_990);
    let complete = Event::Speech(SpeechEvent::Complete { is_well: true });
    assert_eq!(call.on(19_995, complete), []);
    assert_eq!(call.on(20_010, Event::Tick), []);
    let told = call.on(20_030, Event::Tick);
    assert_eq!(told, [Action::Tell(Tell::Speak(Some(limits::TIME_UP)))]);
}

fn any_event() -> impl Strategy<Value = u8> {
    0_u8..18
}

/// An event by its number, with small differences by `n`.
fn event(kind: u8, n: u8, mark: &str) -> Event<'_> {
    let item = format!("i{}", n % 3);
    match kind {
        0 | 1 => Event::Frame { at_ms: None, audio: sound(20) },
        2 => Event::Frame { at_ms: Some(u64::from(n)), audio: sound(20) },
        3 => Event::Digit(['1', '#'][usize::from(n % 2)]),
        4 => Event::Mark(mark),
        5 => Event::Connected,
        6 => Event::Disconnected,
        7 => Event::SpeechReady,
        8 => Event::SpeechLost { again: n.is_multiple_of(2) },
        9 | 10 => Event::Speech(SpeechEvent::Audio { item, audio: sound(usize::from(n)) }),
        11 => Event::Speech(SpeechEvent::Words { item, text: "words ".to_owned() }),
        12 => Event::Speech(SpeechEvent::Spoken { item }),
        13 => Event::Speech(SpeechEvent::CallerSpeaks),
        14 => Event::Speech(SpeechEvent::Complete { is_well: n.is_multiple_of(2) }),
        15 => Event::Speech(SpeechEvent::Asks {
            id: item,
            name: "text_link".to_owned(),
            arguments: String::new(),
        }),
        16 => Event::Answered(asked(&item), LineAnswer { text: String::new(), then_end: None }),
        _ => Event::Tick,
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_call_has_one_end_and_plays_nothing_it_has_cut(
        steps in proptest::collection::vec((any_event(), any::<u8>(), 0_u64..2000), 0..120)
    ) {
        let mut call = begin(false);
        let (mut now, mut ends, mut last_mark) = (0, 0, String::new());
        let mut speaking = false;
        for (kind, n, pause) in steps {
            now += pause;
            let was_over = call.over().is_some();
            let mark = last_mark.clone();
            // An answer is through when it is told so, when the conversation is a new one, or after a while.
            speaking &= !(matches!(kind, 7 | 8 | 14) || kind == 17);
            let actions = call.on(now, event(kind, n, &mark));
            prop_assert!(!was_over || actions.is_empty());
            for action in actions {
                if let Action::Play(audio, mark) = action {
                    prop_assert!(audio.bytes() > 0);
                    last_mark = mark;
                } else if let Action::Tell(Tell::Speak(_)) = action {
                    // The model never has two answers in the making that we asked for.
                    prop_assert!(!speaking);
                    speaking = true;
                } else if let Action::Note(Happening::Over(outcome)) = action {
                    ends += 1;
                    prop_assert_eq!(call.over(), Some(outcome));
                }
            }
        }
        prop_assert_eq!(ends, usize::from(call.over().is_some()));
    }
}
