//! A script of ours in another language: it reads requests as lines of JSON and answers each with one line.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// An interpreter that loads large libraries on a busy machine.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);

/// A running script. It ends when it is dropped, since nobody speaks to it any more.
pub(crate) struct Partner {
    _child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Partner {
    /// Starts `python/<script>.py`; what it says on stderr is shown with the test.
    pub(crate) fn start(interpreter: &Path, script: &str, arguments: &[&str]) -> Partner {
        let path = format!("{}/tests/peers/python/{script}.py", env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(interpreter)
            .arg("-u")
            .arg(path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the interpreter is installed");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Partner { _child: child, requests, answers }
    }

    /// One request, and its answer.
    pub(crate) async fn ask(&mut self, request: &Value) -> Value {
        let asked = async {
            self.requests.write_all(format!("{request}\n").as_bytes()).await.expect("it listens");
            self.answers.next_line().await.expect("it speaks").expect("it is still there")
        };
        let line = timeout(ANSWERS_WITHIN, asked).await.expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }
}
