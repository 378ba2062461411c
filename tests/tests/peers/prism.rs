//! Prism: a proxy that lets through only what a provider's own description of its API allows, both ways.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};
use url::Url;

use crate::packages;

/// Twilio's description is two megabytes, and the machine is busy.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// A running proxy. Dropped, it is killed.
pub(crate) struct Prism {
    _child: Child,
    base: Url,
    description: PathBuf,
}

impl Drop for Prism {
    fn drop(&mut self) {
        fs::remove_file(&self.description).ok();
    }
}

impl Prism {
    /// In front of `upstream`. `None`: it is not there, and that was said.
    pub(crate) async fn in_front_of(upstream: &Url) -> Option<Prism> {
        let description = corrected(&packages::twilio_openapi()?);
        let programs = packages::node().await?;
        let port = free_port().await;
        let mut child = Command::new(programs.join("prism"))
            .args(["proxy", "--errors", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(&description)
            .arg(upstream.as_str().trim_end_matches('/'))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = said.next_line().await.unwrap() {
                if line.contains("is listening") {
                    return;
                }
            }
            panic!("Prism ended before it was ready");
        };
        timeout(READY_WITHIN, ready).await.expect("Prism gets ready");
        // It goes on talking, would stop if nobody read, and is worth reading when a test has failed.
        tokio::spawn(async move {
            while let Ok(Some(line)) = said.next_line().await {
                eprintln!("{line}");
            }
        });
        let base = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        Some(Prism { _child: child, base, description })
    }

    /// Where it listens.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }
}

/// Twilio's description calls the addresses of pages absolute (`uri`); Twilio's answers, and the examples in the same
/// description, have relative ones. Nothing else is changed.
fn corrected(description: &Path) -> PathBuf {
    let mut text: Value = serde_json::from_slice(&fs::read(description).unwrap()).unwrap();
    let paths = text["paths"].as_object_mut().unwrap();
    for answer in paths.values_mut().filter_map(|path| {
        path.pointer_mut("/get/responses/200/content/application~1json/schema/properties")
    }) {
        for name in ["uri", "first_page_uri", "next_page_uri", "previous_page_uri"] {
            if let Some(schema) = answer.get_mut(name) {
                schema["format"] = "uri-reference".into();
            }
        }
    }
    let corrected = packages::home().join(format!("twilio-{}.json", std::process::id()));
    fs::write(&corrected, text.to_string()).unwrap();
    corrected
}

/// A port that nobody listens at. (Between this and Prism's own start somebody else may take it; then Prism says so and
/// the test fails, once in a very long while.)
async fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}
