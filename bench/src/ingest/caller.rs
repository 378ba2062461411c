//! A connection that posts signed webhooks, one after the other. As little HTTP as will do: what is measured is the other
//! side.

use anyhow::ensure;
use clients::twilio::signature;
use secrecy::SecretString;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::api::{ACCOUNT, PUBLIC_BASE_URL, TOKEN};

const PATH: &str = "/telephony/sms-status";

/// An answer to a webhook has no body.
const NO_CONTENT: &str = "HTTP/1.1 204";

pub(super) struct Caller {
    stream: BufReader<TcpStream>,
    token: SecretString,
}

impl Caller {
    pub(super) async fn connect(address: &str) -> anyhow::Result<Caller> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Caller { stream: BufReader::new(stream), token: TOKEN.into() })
    }

    /// Posts one that nobody has posted before, and reads the answer.
    pub(super) async fn post(&mut self) -> anyhow::Result<()> {
        // (An engine's id is 32 hex digits that nobody else has.)
        let sid = format!("SM{}", engine::JobId::mint().as_uuid().simple());
        let form = [("AccountSid", ACCOUNT), ("MessageSid", &sid), ("MessageStatus", "delivered")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let signed = signature::sign(&format!("{PUBLIC_BASE_URL}{PATH}"), &form, &self.token);
        let body = format!("AccountSid={ACCOUNT}&MessageSid={sid}&MessageStatus=delivered");
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: bench\r\nX-Twilio-Signature: {signed}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut status = String::new();
        self.stream.read_line(&mut status).await?;
        ensure!(status.starts_with(NO_CONTENT), "a webhook was answered with {status:?}");
        let mut line = String::new();
        while line.trim_end() != "" || line.is_empty() {
            line.clear();
            let read = self.stream.read_line(&mut line).await?;
            ensure!(read > 0, "the connection was closed within an answer");
        }
        Ok(())
    }
}
