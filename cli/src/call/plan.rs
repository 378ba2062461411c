//! Whom to call, and what to say.

use anyhow::Context;
use reqwest::Client;

use crate::{
    args::CallArgs,
    demo::{answer, play},
    dev::Ready,
};

/// What is said if nobody says otherwise.
const QUESTION: &str = "What are your opening hours?";

/// A number that somebody has; of a new demo, if nobody has one yet.
pub(super) async fn number(http: &Client, instance: &Ready) -> anyhow::Result<String> {
    if let Some(phone) = allocated(http, instance).await? {
        return Ok(phone);
    }
    eprintln!("nobody has a number yet: signing a demo up");
    play(instance).await?;
    allocated(http, instance).await?.context("the demo has no number")
}

async fn allocated(http: &Client, instance: &Ready) -> anyhow::Result<Option<String>> {
    let url = format!("{}/v1/admin/numbers?status=allocated&limit=1", instance.api);
    let numbers = answer(http.get(url).bearer_auth(&instance.admin_api_key)).await?;
    Ok(numbers["items"][0]["phone"].as_str().map(ToOwned::to_owned))
}

/// The lines of a script: a file's, or what was asked for.
pub(super) fn script(options: &CallArgs) -> anyhow::Result<Vec<String>> {
    if let Some(path) = &options.script {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        return Ok(lines(&text));
    }
    Ok(of(&options.say, options.interrupt))
}

/// Lines with something on them that is no comment.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(ToOwned::to_owned).collect()
}

/// Speaks, listens, and so on: the greeting ends with a question. Interrupts the first answer, if asked to.
fn of(say: &[String], interrupt_ms: Option<u32>) -> Vec<String> {
    let question = QUESTION.to_owned();
    let said = if say.is_empty() { std::slice::from_ref(&question) } else { say };
    let mut script = Vec::new();
    for (number, text) in said.iter().enumerate() {
        script.push(format!("say {text}"));
        if let (0, Some(ms)) = (number, interrupt_ms) {
            script.extend([format!("interrupt {ms}"), "say Wait, please.".to_owned()]);
        }
        script.push("listen".to_owned());
    }
    script.push("hang up".to_owned());
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_listens_after_each_thing_they_say_and_before_they_hang_up() {
        let said = ["One.".to_owned(), "Two.".to_owned()];
        assert_eq!(of(&said, None), ["say One.", "listen", "say Two.", "listen", "hang up"]);
        let cut = ["say One.", "interrupt 500", "say Wait, please.", "listen", "hang up"];
        assert_eq!(of(&said[..1], Some(500)), cut);
        assert!(of(&[], None)[0].starts_with("say What"));
    }

    #[test]
    fn a_script_may_have_comments() {
        assert_eq!(lines("# a call\n\n listen\nsay #1\n"), ["listen", "say #1"]);
    }
}
