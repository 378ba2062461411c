//! How long a job may wait for its worker, by queue: what is promised to those who wait for it, as far as waiting is a part of it.
//! Written down when workers start, where nobody has said otherwise (`engine::Engine::promise_first`).

use std::time::Duration;

/// By queue. Nobody waits for `maintenance`, which runs by the clock: what is late there is seen by its schedule. Sessions of
/// callers (`voice`) are promised by those who speak them.
pub const PROMISES: [(&str, Duration); 6] = [
    // A text is to be delivered within 30 seconds, most of which are the network's.
    ("sms", Duration::from_secs(5)),
    // A person is answered within ten seconds, most of which are the model's.
    ("ai", Duration::from_secs(2)),
    // A demo is there within five seconds: its own steps, and the number's.
    ("demo", Duration::from_secs(2)),
    ("numbers", Duration::from_secs(2)),
    // Callers are put through, and texts follow calls that nobody took.
    ("calls", Duration::from_secs(5)),
    // A customer who has paid looks at the page again.
    ("billing", Duration::from_mins(1)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_that_somebody_waits_for_has_a_promise_and_there_are_no_others() {
        let mut queues = crate::registry(false).queues();
        queues.retain(|queue| queue != "maintenance" && queue != "voice");
        queues.sort();
        let mut promised = PROMISES.map(|(queue, _)| queue.to_owned());
        promised.sort();
        assert_eq!(queues, promised);
    }
}
