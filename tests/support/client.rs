//! Produces answers over a socket: an HTTP/1.1 client on one kept-alive connection, which blocks its thread. It
//! deliberately follows nothing, reads no chunks, and adds no header that it was not given but `Host` and
//! `Content-Length`.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server.
pub struct Connection<S = TcpStream> {
    stream: BufReader<S>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The sentence of a refusal.
    pub fn message(&self) -> String {
        self.json().get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection::over(stream))
    }
}

impl<S: Read + Write> Connection<S> {
    /// A connection over a stream that is open.
    pub fn over(stream: S) -> Connection<S> {
        Connection { stream: BufReader::new(stream) }
    }

    /// Sends a request with a JSON body, or without any where it is null, and reads the answer.
    pub fn json(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        if body.is_null() {
            return self.exchange(method, path, &[], b"");
        }
        self.exchange(method, path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// Sends a request and reads the answer.
    pub fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        self.send(&request(method, path, headers, body))?;
        self.answer(method)
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the answer to a request of that method.
    pub fn answer(&mut self, method: &str) -> Result<Answer> {
        let broken = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
        let mut line = || -> Result<String> {
            let mut line = String::new();
            match self.stream.read_line(&mut line)? {
                0 => Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
                _ => Ok(line.trim_end().to_owned()),
            }
        };
        let status = line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| broken("not an HTTP answer"))?;
        let mut headers = Vec::new();
        loop {
            let line = line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        if method != "HEAD" && status != 204 {
            let length = answer.header("content-length").and_then(|length| length.parse().ok());
            answer.body = vec![0; length.ok_or_else(|| broken("an answer without a length"))?];
            self.stream.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !body.is_empty() {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
