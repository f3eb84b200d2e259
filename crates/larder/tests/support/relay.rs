//! A relay between the program and a server that lets so many bytes through and then holds everything: who uses it is caught
//! midway, however fast the machine is. Never changes a byte.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How long a relay may take until it holds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which direction is counted. The other flows until the counted one is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// What the program sends.
    Requests,
    /// What the server sends.
    Answers,
}

/// A relay to one server. Dropping it ends all its connections.
pub struct Relay {
    /// Its own address.
    pub url: String,
    gate: Arc<Gate>,
}

/// How much may still pass.
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    left: usize,
    held: bool,
    ended: bool,
    /// The heads of requests: their first line, each.
    asked: Vec<String>,
}

impl Relay {
    /// Leads to `url`, such as `http://127.0.0.1:9200`, and holds after `bytes`.
    pub fn start(url: &str, counted: Counted, bytes: usize) -> Self {
        let server = url.strip_prefix("http://").expect("a plain server").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State { left: bytes, held: false, ended: false, asked: Vec::new() };
        let gate = Arc::new(Gate { state: Mutex::new(state), changed: Condvar::new() });
        let relayed = Arc::clone(&gate);
        // It waits for connections until the process ends.
        thread::spawn(move || {
            for program in listener.incoming() {
                let program = program.unwrap();
                // Where nobody listens any more the program learns it by the end of its connection.
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (requests, answers) = (counted == Counted::Requests, counted == Counted::Answers);
                relay(&relayed, &program, &server, requests);
                relay(&relayed, &server, &program, answers);
            }
        });
        Self { url, gate }
    }

    /// Waits until it holds.
    pub fn until_held(&self) {
        let waiting = self.gate.changed.wait_timeout_while(self.gate.state(), PATIENCE, |state| !state.held);
        assert!(waiting.unwrap_or_else(PoisonError::into_inner).0.held, "everything passed before it was held");
    }

    /// Lets everything through from now on.
    pub fn release(&self) {
        let mut state = self.gate.state();
        (state.left, state.held) = (usize::MAX, false);
        self.gate.changed.notify_all();
    }

    /// The first lines of what was sent, one for each piece that begins like a request.
    pub fn asked(&self) -> Vec<String> {
        self.gate.state().asked.clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.gate.state().ended = true;
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether these bytes may go on; waits for the end of the relay where they may not.
    fn passes(&self, bytes: &[u8], counted: bool) -> bool {
        let mut state = self.state();
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        if line.ends_with(b" HTTP/1.1") {
            state.asked.push(String::from_utf8_lossy(line).into_owned());
        }
        if counted {
            match state.left.checked_sub(bytes.len()) {
                Some(left) => state.left = left,
                None => state.held = true,
            }
            self.changed.notify_all();
        }
        !self
            .changed
            .wait_while(state, |state| state.held && !state.ended)
            .unwrap_or_else(PoisonError::into_inner)
            .ended
    }
}

fn relay(gate: &Arc<Gate>, from: &TcpStream, to: &TcpStream, counted: bool) {
    let (gate, mut from, mut to) = (Arc::clone(gate), from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if !gate.passes(&buffer[..length], counted) || to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        for stream in [from, to] {
            stream.shutdown(Shutdown::Both).ok();
        }
    });
}
