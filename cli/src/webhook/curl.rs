//! A signed request as a command for a shell. Pure.

use super::sign::Signed;

/// One line that posts it and shows the answer's head.
pub(super) fn command(signed: &Signed) -> String {
    let mut words = vec!["curl -isS".to_owned()];
    for (name, value) in &signed.headers {
        words.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
    }
    words.push(format!("--data-raw {}", quoted(&signed.body)));
    words.push(quoted(&signed.url));
    words.join(" ")
}

/// Nothing in it means anything to the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_shell_reads_every_word_as_it_is() {
        let signed = Signed {
            url: "http://127.0.0.1:1/x?a=1&b=2".to_owned(),
            headers: BTreeMap::from([("A", "b c".to_owned())]),
            body: r#"{"it's":"$HOME `ls`"}"#.to_owned(),
        };
        let line = command(&signed).replace("curl -isS", "printf '%s\\n'");
        let shell = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
        let words = String::from_utf8(shell.stdout).unwrap();
        assert_eq!(
            words.lines().collect::<Vec<_>>(),
            ["-H", "A: b c", "--data-raw", &signed.body, &signed.url]
        );
    }
}
