//! Produces answers with as little work as possible: an HTTP/1.1 client on one kept-alive connection that
//! sends bytes made elsewhere and reads until the stated length is there. It deliberately understands no
//! chunks, no redirects and no second connection: a server that needs them fails.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Worker;
use crate::requests::Maker;

/// An answer's head never comes near this many bytes.
const HEAD: usize = 64 * 1024;

/// A connection and the last answer that came over it.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the body begins in the buffer.
    body: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(HEAD), body: 0 })
    }

    /// Sends one request and reads its answer; gives the status.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut searched = 0;
        let head = loop {
            self.more().await?;
            let unseen = &self.buffer[searched..];
            if let Some(end) = unseen.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break searched + end + 4;
            }
            ensure!(self.buffer.len() < HEAD, "no end of the head in {HEAD} bytes");
            searched = self.buffer.len().saturating_sub(3);
        };
        self.body = head;
        let status = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok()).context("not an HTTP answer")?;
        let length = match self.header("content-length") {
            Some(length) => length.parse::<usize>().context("content-length")?,
            None if status == 204 => 0,
            None => bail!("an answer with status {status} does not state its length"),
        };
        self.buffer.reserve((head + length).saturating_sub(self.buffer.len()));
        while self.buffer.len() < head + length {
            self.more().await?;
        }
        Ok(status)
    }

    async fn more(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
        Ok(())
    }

    /// A header of the last answer; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.buffer[..self.body].split(|byte| *byte == b'\n').skip(1);
        for line in lines {
            let Some(value) = line.get(name.len()..).and_then(|rest| rest.strip_prefix(b":")) else {
                continue;
            };
            if line[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
                return std::str::from_utf8(value.trim_ascii()).ok();
            }
        }
        None
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.buffer[self.body..]
    }

    /// The beginning of the last body, for a message.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(self.body()).chars().take(300).collect()
    }
}

/// A worker that sends the requests of a maker and insists on one status.
pub struct Requester {
    connection: Connection,
    maker: Maker,
    status: u16,
    request: Vec<u8>,
}

impl Requester {
    /// As many connected workers as requests shall be under way at once.
    pub async fn several(
        address: SocketAddr,
        count: usize,
        status: u16,
        maker: &Maker,
    ) -> Result<Vec<Requester>> {
        let mut requesters = Vec::with_capacity(count);
        for _ in 0..count {
            let connection = Connection::open(address).await?;
            requesters.push(Requester { connection, maker: maker.clone(), status, request: Vec::new() });
        }
        Ok(requesters)
    }
}

impl Worker for Requester {
    async fn step(&mut self, serial: usize) -> Result<bool> {
        self.request.clear();
        if !(self.maker)(serial, &mut self.request) {
            return Ok(false);
        }
        let status = self.connection.exchange(&self.request).await?;
        if status != self.status {
            let line = self.request.split(|byte| *byte == b'\r').next().unwrap_or_default();
            bail!("{}: {status} {}", String::from_utf8_lossy(line), self.connection.body_text());
        }
        Ok(true)
    }
}
