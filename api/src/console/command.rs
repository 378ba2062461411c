//! The same on the command line: beside each form stands what somebody would type instead.

/// Orders with their commands. `ID` is the thing's; capitals are for whoever types it.
const COMMANDS: &[(&str, &str)] = &[
    ("job.retry", "trunkline job retry ID"),
    ("job.run-now", "trunkline job run-now ID"),
    ("job.cancel", "trunkline job cancel ID --mode undo"),
    ("job.args", "trunkline job edit ID --args JSON"),
    ("job.redrive", "trunkline job redrive ID --from stop"),
    ("job.fork", "trunkline job fork ID --step STEP"),
    ("job.answer", "trunkline parked answer ID --claim CLAIM --answer retry"),
    ("queue.pause", "trunkline queue pause ID --for-secs 900"),
    ("queue.limit", "trunkline queue set ID --at-once-max JOBS"),
    ("queue.promise", "trunkline queue set ID --latency-target-ms MS"),
    ("queue.share", "trunkline queue set ID --fair true"),
    ("queue.resume", "trunkline queue resume ID"),
    ("schedule.pause", "trunkline schedule pause ID"),
    ("schedule.resume", "trunkline schedule resume ID"),
    ("schedule.run", "trunkline schedule run ID"),
    ("schedule.backfill", "trunkline schedule backfill ID --from INSTANT --to INSTANT"),
    ("schedule.change", "trunkline schedule change ID --cron EXPRESSION"),
    ("schedule.stop-backfill", "trunkline schedule stop-backfill ID"),
    ("worker.drain", "trunkline fleet drain ID"),
    ("worker.resume", "trunkline fleet resume ID"),
    ("switch.on", "trunkline switch on --mode ID --until INSTANT"),
    ("switch.off", "trunkline switch off --mode ID"),
    ("webhook.replay", "trunkline webhook replay ID"),
    ("operation.make", "trunkline operation preview --deed DEED --state STATE"),
    ("operation.start", "trunkline operation start ID --expect JOBS"),
    ("operation.cancel", "trunkline operation cancel ID"),
    ("operation.undo", "trunkline operation undo ID"),
];

/// What is typed for this order about this thing; none for an order that there is none for.
pub(super) fn of(order: &str, id: &str) -> Option<String> {
    let (_, command) = COMMANDS.iter().find(|(it, _)| *it == order)?;
    let typed = command.split(' ').map(|word| if word == "ID" { quoted(id) } else { word.into() });
    Some(format!("{} --reason '…'", typed.collect::<Vec<_>>().join(" ")))
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_its_thing_as_one_word() {
        let said = of("queue.resume", "sms").unwrap();
        assert_eq!(said, "trunkline queue resume sms --reason '…'");
        let said = of("queue.resume", "a b'; rm").unwrap();
        assert_eq!(said, r"trunkline queue resume 'a b'\''; rm' --reason '…'");
        assert_eq!(of("job.forget", "x"), None);
    }
}
