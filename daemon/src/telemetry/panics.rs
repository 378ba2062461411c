//! A panic is a log line like any other, but without data: a formatted message may hold a phone number.

use std::{any::Any, panic::PanicHookInfo};

/// Replaces std's hook, which would print the message whatever is in it.
pub(super) fn install() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    tracing::error!(
        panic.location = location,
        panic.thread = thread,
        "panic: {}",
        message(info.payload())
    );
}

/// A literal is source code and safe to show. A formatted message is data, and is not.
fn message(payload: &dyn Any) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(the message holds data and is not logged)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_panic_message_is_not_logged() {
        assert_eq!(message(&"the list is never empty"), "the list is never empty");
        assert!(!message(&String::from("no user +4366412345678")).contains('6'));
    }
}
