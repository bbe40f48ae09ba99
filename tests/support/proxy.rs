//! Produces a network between a server and its database that a test can cut: it may fall silent, lose connections, or
//! refuse new ones. It deliberately understands nothing of what it carries.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// How often a connection looks whether it may go on.
const TICK: Duration = Duration::from_millis(2);

/// A way to an address; dropping it cuts it for good.
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    silent: AtomicBool,
    refusing: AtomicBool,
    /// Counts the times at which every connection was lost.
    losses: AtomicU64,
}

impl Proxy {
    /// A way to that address.
    pub fn open(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(State::default()));
        let own = Arc::clone(&state);
        spawn(move || {
            for near in listener.incoming().flatten() {
                if own.refusing.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(target) else { continue };
                for (from, to) in [(near.try_clone(), far.try_clone()), (far.try_clone(), near.try_clone())] {
                    let (Ok(from), Ok(to), state) = (from, to, Arc::clone(&own)) else { continue };
                    let losses = state.losses.load(Ordering::SeqCst);
                    spawn(move || carry(from, to, &state, losses));
                }
            }
        });
        Proxy { address, state }
    }

    /// From now on nothing arrives, and nobody is told.
    pub fn fall_silent(&self) {
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// Loses every connection and refuses new ones.
    pub fn refuse(&self) {
        self.state.refusing.store(true, Ordering::SeqCst);
        self.lose();
    }

    /// Loses every connection; new ones are welcome.
    pub fn lose(&self) {
        self.state.losses.fetch_add(1, Ordering::SeqCst);
    }

    /// All is well again. Connections that were silent speak on.
    pub fn heal(&self) {
        self.state.silent.store(false, Ordering::SeqCst);
        self.state.refusing.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse();
    }
}

/// Carries bytes one way until an end closes or the connection is lost.
fn carry(mut from: TcpStream, mut to: TcpStream, state: &State, losses: u64) {
    let mut buffer = [0; 16 * 1024];
    let _ = (from.set_read_timeout(Some(TICK)), to.set_nodelay(true));
    while state.losses.load(Ordering::SeqCst) == losses {
        if state.silent.load(Ordering::SeqCst) {
            sleep(TICK);
            continue;
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                // What was read before the silence began does not arrive within it.
                while state.silent.load(Ordering::SeqCst) && state.losses.load(Ordering::SeqCst) == losses {
                    sleep(TICK);
                }
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            Err(cause) if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
