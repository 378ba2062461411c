//! What a session is: what was said, what was asked for, how it ended. Pure; made again from the checkpoints by whoever
//! takes the session over.

use domain::{
    PhoneNumber,
    voice::{Outcome, Speaker, Spoken},
};
use engine::Sealed;
use serde::{Deserialize, Serialize};

use super::tools::{Answer, Means};

/// Beside what the tenant's assistant is told.
const MANNER: &str = "You are on the telephone: answer in one or two short sentences, in the language that the caller \
    speaks, without lists or markup. The caller has been greeted already. If you cannot help, offer to take a message or to \
    have somebody call back. Say good-bye before you end the call.";

/// What the assistant is told when nobody has told it anything.
const NOBODY: &str = "You are the telephone assistant of a company. Find out what callers want.";

/// What a line has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// What the assistant is told.
    pub instructions: String,
    /// How long may be spoken.
    pub talk_max_secs: u32,
    /// What the caller can be given.
    #[serde(default)]
    pub means: Means,
}

/// What the assistant is told: the tenant's own words first.
pub(super) fn instructions(prompt: Option<&str>) -> String {
    format!("{}\n\n{MANNER}", prompt.unwrap_or(NOBODY))
}

/// Something that the assistant wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// By which its answer is known.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// JSON, as the model wrote it: it may be anything.
    pub arguments: String,
}

/// What follows on what was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// More will be said.
    More,
    /// The assistant wants something done.
    Asks(Asked),
    /// It is over.
    Over(Outcome),
}

/// What happened in a session since the last look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// How much has happened in the session with this: the number of its last happening.
    pub upto: u32,
    /// What was said, in order.
    pub said: Vec<Spoken>,
    /// What follows.
    pub then: Then,
}

impl Heard {
    /// Nothing more, but the end.
    pub fn over(upto: u32, outcome: Outcome) -> Heard {
        Heard { upto, said: Vec::new(), then: Then::Over(outcome) }
    }
}

/// What was said so far.
#[derive(Debug, Clone, Default)]
pub struct Talk {
    spoken: Vec<Spoken>,
    upto: u32,
    transfer_to: Option<Sealed<PhoneNumber>>,
}

impl Talk {
    /// Everything that was said, and what our tools have answered, in order.
    pub fn spoken(&self) -> &[Spoken] {
        &self.spoken
    }

    /// The number of the last happening that is written down.
    pub fn upto(&self) -> u32 {
        self.upto
    }

    /// Takes in what happened; gives what follows.
    pub(super) fn hear(&mut self, heard: Heard) -> Then {
        self.upto = heard.upto;
        self.spoken.extend(heard.said);
        heard.then
    }

    /// Takes in what came of what the assistant asked for.
    pub(super) fn answered(&mut self, asked: &Asked, answer: Answer) {
        let at_ms = self.spoken.last().map_or(0, |said| said.at_ms);
        let text = format!("{}: {}", asked.name, answer.text);
        self.spoken.push(Spoken { who: Speaker::Tool, text, at_ms });
        if answer.transfer_to.is_some() {
            self.transfer_to = answer.transfer_to;
        }
    }

    /// Whom the caller is to be put through to.
    pub(super) fn transfer_to(&self) -> Option<&Sealed<PhoneNumber>> {
        self.transfer_to.as_ref()
    }

    /// How it ended: put through, if a number was found for that and the line was closed for it.
    pub(super) fn outcome(&mut self, of_the_line: Outcome) -> Outcome {
        if of_the_line != Outcome::Transferred {
            self.transfer_to = None;
            return of_the_line;
        }
        // A line says so only when it was told to.
        if self.transfer_to.is_some() { of_the_line } else { Outcome::Completed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Spoken {
        Spoken { who: Speaker::Caller, text: text.to_owned(), at_ms: 5 }
    }

    #[test]
    fn what_was_heard_is_kept_in_order_with_what_came_of_it() {
        let mut talk = Talk::default();
        let asked =
            Asked { id: "1".to_owned(), name: "text_link".to_owned(), arguments: "{}".to_owned() };
        let then = Then::Asks(asked.clone());
        assert_eq!(
            talk.hear(Heard { upto: 2, said: vec![said("a"), said("b")], then: then.clone() }),
            then
        );
        talk.answered(&asked, Answer::text("sent"));
        talk.hear(Heard { upto: 4, said: vec![said("c")], then: Then::More });
        let texts: Vec<_> = talk.spoken().iter().map(|it| it.text.as_str()).collect();
        assert_eq!(
            (texts.as_slice(), talk.upto()),
            (["a", "b", "text_link: sent", "c"].as_slice(), 4)
        );
    }

    #[test]
    fn nobody_is_put_through_to_nowhere() {
        let mut talk = Talk::default();
        assert_eq!(talk.outcome(Outcome::Transferred), Outcome::Completed);
        assert_eq!(talk.outcome(Outcome::HungUp), Outcome::HungUp);
    }
}
