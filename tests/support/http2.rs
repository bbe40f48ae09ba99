//! Produces one exchange over HTTP/2, spoken by hand, so that what a server says can be read frame by frame. It
//! deliberately knows no header but those that a GET needs, and reads none.

use std::io::{Error, ErrorKind, Read, Result, Write};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Asks for a path on a connection on which nothing was sent yet; gives the body of the answer.
pub fn get(stream: &mut (impl Read + Write), path: &str) -> Result<Vec<u8>> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    // From HPACK's static table: `:method: GET`, `:scheme: https`, and the names `:path` and `:authority`.
    let mut head = vec![0x82, 0x87];
    for (name, value) in [(0x04, path), (0x01, "localhost")] {
        head.extend([name, u8::try_from(value.len()).unwrap()]);
        head.extend(value.as_bytes());
    }
    bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &head));
    stream.write_all(&bytes)?;
    stream.flush()?;
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        if length > 1 << 24 {
            return Err(Error::new(ErrorKind::InvalidData, "not a frame of HTTP/2"));
        }
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload)?;
        let (kind, flags, of) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        if kind == DATA && of == 1 {
            body.extend(payload);
            if flags & END_STREAM != 0 {
                return Ok(body);
            }
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}
