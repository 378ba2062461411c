//! A moment of the call, for a person.

use serde_json::Value;

/// Prints a moment: when, who, what.
#[expect(clippy::print_stdout, reason = "the call is what was asked for")]
pub(super) fn show(moment: &Value) {
    let at = moment["at_ms"].as_f64().unwrap_or_default() / 1_000.0;
    println!("{at:>8.3} s  {}", words(moment));
}

fn words(moment: &Value) -> String {
    let text = |field: &str| moment[field].as_str().unwrap_or_default();
    let number = |field: &str| moment[field].as_f64().unwrap_or_default();
    match text("what") {
        "webhook" => {
            let verbs = moment["verbs"].as_array().into_iter().flatten();
            let verbs: Vec<_> = verbs.filter_map(Value::as_str).collect();
            let (path, status, took) = (text("path"), &moment["status"], number("took_ms"));
            format!("           POST {path} → {status} in {took:.1} ms  {}", verbs.join(", "))
        }
        "announced" => format!("announcer  {}", text("text")),
        "heard" if moment["cut"] == true => format!("assistant  {} —", text("text")),
        "heard" => format!("assistant  {}", text("text")),
        "said" => format!("caller     {}", text("text")),
        "pressed" => format!("caller     presses {}", text("key")),
        "cleared" => format!(
            "           what was being said is cleared, {} marks come back",
            moment["marks"]
        ),
        "stream_opened" => {
            format!("           the stream is open after {:.1} ms", number("took_ms"))
        }
        "stream_refused" => format!("           the stream is refused: error {}", moment["error"]),
        "first_audio" => {
            format!("           the first audio comes {:.1} ms after that", number("after_ms"))
        }
        "stream_closed" => format!("           the stream is over ({})", text("by")),
        "dialled" => format!("           somebody is rung: {}", text("status")),
        "recorded" => "caller     leaves a message".to_owned(),
        "ended" => format!("           the call is over: {}", text("status")),
        other => format!("           {other}"),
    }
}

/// Prints what the call took.
#[expect(clippy::print_stdout, reason = "the call is what was asked for")]
pub(super) fn times(story: &Value) {
    let delay = &story["delay_ms"];
    println!();
    println!("call        {}", story["sid"].as_str().unwrap_or_default());
    println!("frames      {} out, {} in", story["frames_out"], story["frames_in"]);
    if delay["p50"].is_number() {
        let ms = |name: &str| delay[name].as_f64().unwrap_or_default();
        println!(
            "model → phone, each part of an answer: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms",
            ms("p50"),
            ms("p99"),
            ms("max")
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_spoke_stands_before_what_was_said() {
        let heard = json!({ "what": "heard", "text": "Hello", "cut": true });
        assert_eq!(words(&heard), "assistant  Hello —");
        assert_eq!(words(&json!({ "what": "said", "text": "Hi" })), "caller     Hi");
        let post = json!({ "what": "webhook", "path": "/x", "status": 200, "took_ms": 1.25, "verbs": ["Say", "Redirect"] });
        assert_eq!(words(&post), "           POST /x → 200 in 1.2 ms  Say, Redirect");
    }
}
