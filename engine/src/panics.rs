//! A panic in a handler is a failed attempt with a message and a place.

use std::{any::Any, cell::RefCell, panic, sync::Once};

thread_local! {
    /// Where the latest panic of this thread happened; the payload does not say.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static REMEMBER: Once = Once::new();

/// From now on, panics leave their place for [`describe`]. Keeps the hook that was there.
pub(crate) fn remember_places() {
    REMEMBER.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PLACE.set(info.location().map(|place| format!("{}:{}", place.file(), place.line())));
            before(info);
        }));
    });
}

/// What a caught panic said, and where.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    match PLACE.take() {
        Some(place) => format!("panicked at {place}: {text}"),
        None => format!("panicked: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_described_with_its_message_and_its_place() {
        remember_places();
        let caught = panic::catch_unwind(|| panic!("out of paper")).unwrap_err();
        let text = describe(caught.as_ref());
        assert!(text.contains("out of paper") && text.contains("panics.rs"), "{text}");
    }
}
