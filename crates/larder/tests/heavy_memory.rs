//! Memory does not grow with the data: backup and restore of one large index, and of very many small ones, stay below
//! the bound, and put no document on the disk of the machine that they run on.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod heavy_support;

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::Child,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Instant,
};

use heavy_support::{
    larder::{self, Ended, Larder},
    server::Server,
};
use samples::Set;
use serde_json::json;
use wait4::Wait4 as _;

/// The most memory that a run may have had at any moment.
const BOUND: u64 = 256 << 20;

/// Bytes of the large index.
const LARGE: u64 = 5_000_000_000;
/// Products in one of its documents: 9 KB.
const PRODUCTS: u64 = 9;
/// Different products.
const POOL: u64 = 3_000;

/// Small indices, and documents in each.
const MANY: u64 = 1_000;
const SMALL: u64 = 1_000;

/// Bytes of one `_bulk` request, and requests at once.
const BULK: usize = 8 << 20;
const SENDERS: u64 = 4;

#[test]
fn five_gigabytes_fit_into_the_bound() {
    let server = Server::version("7.14");
    server.create("memory-large", 1, &json!({ "enabled": false }));
    let (began, documents) = (Instant::now(), fill_large(&server, "memory-large"));
    println!("5 GB: {documents} documents indexed in {:?}", began.elapsed());
    round_trip(&server, "memory-large", documents, "5 GB");
}

#[test]
fn a_thousand_indices_fit_into_the_bound() {
    let server = Server::version("7.17");
    // The default allows hardly more than these, and the server has some of its own.
    let room = json!({ "transient": { "cluster.max_shards_per_node": 3_000 } });
    server.connect().put("/_cluster/settings", room.to_string()).good();
    server.remove("memory-small-*");
    let began = Instant::now();
    fill_many(&server);
    println!("1,000 indices: filled in {:?}", began.elapsed());
    round_trip(&server, "memory-small-*", MANY * SMALL, "1,000 indices");
}

fn round_trip(server: &Server, pattern: &str, documents: u64, what: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let larder = Larder::init(folder.path(), "repository", &server.url);
    for (command, arguments) in [("backup", &["backup", "--index", pattern][..]), ("restore", &["restore"])] {
        let began = Instant::now();
        let (ended, peak) = run(&larder, folder.path(), arguments);
        let ended = ended.good();
        println!("{what}: {command} took {:?}, peak {} MiB", began.elapsed(), peak >> 20);
        assert_eq!(ended.number("documents"), documents);
        assert!(peak <= BOUND, "{what}: {command} took {} MiB of memory", peak >> 20);
        server.remove(pattern);
    }
}

/// Runs it in an empty folder with an empty folder for temporary files, both of which must stay empty; gives the most
/// memory that it had, as the kernel counts it.
fn run(larder: &Larder, folder: &Path, arguments: &[&str]) -> (Ended, u64) {
    let (here, temporary) = (folder.join("here"), folder.join("temporary"));
    for folder in [&here, &temporary] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let mut command = larder.command(arguments);
    command.current_dir(&here).env("TMPDIR", &temporary).env("HOME", &here).env("XDG_CACHE_HOME", &here);
    let mut child = command.spawn().expect("larder starts");
    let reading = read(&mut child);
    let mut most = 0;
    while !reading.is_finished() {
        most = most.max(files(&here) + files(&temporary));
        thread::sleep(std::time::Duration::from_millis(20));
    }
    let (stdout, stderr) = reading.join().expect("output");
    let ended = child.wait4().expect("an end");
    assert_eq!(most + files(&here) + files(&temporary), 0, "larder {arguments:?} left or made files");
    let output = std::process::Output { status: ended.status, stdout, stderr };
    (larder::ended(arguments, output), ended.rusage.maxrss)
}

/// Reads all that a run says, so that it never waits for us.
fn read(child: &mut Child) -> thread::JoinHandle<(Vec<u8>, Vec<u8>)> {
    let (mut out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    thread::spawn(move || {
        let errors = thread::spawn(move || {
            let mut bytes = Vec::new();
            err.read_to_end(&mut bytes).map(|_| bytes).expect("a pipe can be read")
        });
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).expect("a pipe can be read");
        (bytes, errors.join().expect("output"))
    })
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

/// Documents of some products each, no two the same; gives their number.
fn fill_large(server: &Server, index: &str) -> u64 {
    let pool: Vec<Vec<u8>> = (0..POOL).map(product).collect();
    let (sent, next) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let mut http = server.connect();
                while sent.load(Relaxed) < LARGE {
                    let (mut body, mut bytes) = (Vec::with_capacity(BULK + (64 << 10)), 0);
                    while body.len() < BULK {
                        let n = next.fetch_add(1, Relaxed);
                        body.extend_from_slice(format!("{{\"index\":{{\"_id\":\"{n}\"}}}}\n").as_bytes());
                        let from = body.len();
                        body.extend_from_slice(format!("{{\"n\":{n},\"products\":[").as_bytes());
                        for part in 0..PRODUCTS {
                            let number = (n * PRODUCTS + part).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                            body.extend_from_slice(
                                &pool[usize::try_from(number % POOL).expect("below a small number")],
                            );
                            body.push(b',');
                        }
                        body.pop();
                        body.extend_from_slice(b"]}");
                        bytes += (body.len() - from) as u64;
                        body.push(b'\n');
                    }
                    bulk(server, &mut http, index, &body);
                    sent.fetch_add(bytes, Relaxed);
                }
            });
        }
    });
    next.load(Relaxed)
}

fn product(n: u64) -> Vec<u8> {
    let mut document = Vec::new();
    Set::Products.document(1, n, &mut document);
    document
}

fn fill_many(server: &Server) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let mut http = server.connect();
                while let number = next.fetch_add(1, Relaxed)
                    && number < MANY
                {
                    let index = format!("memory-small-{number:04}");
                    server.create(&index, 1, &json!({ "enabled": false }));
                    let mut body = Vec::new();
                    for n in 0..SMALL {
                        let of = n * 0x9E37_79B9 % 0xFFFF_FFFB;
                        let line = format!(
                            "{{\"index\":{{\"_id\":\"{n}\"}}}}\n{{\"n\":{n},\"of\":{number},\"x\":\"{of:x}\"}}\n"
                        );
                        body.extend_from_slice(line.as_bytes());
                    }
                    bulk(server, &mut http, &index, &body);
                }
            });
        }
    });
}

fn bulk(server: &Server, http: &mut heavy_support::http::Http, index: &str, body: &[u8]) {
    let answer = http.bulk(&format!("{}?filter_path=errors", server.bulk_target(index)), body).good();
    assert_eq!(answer.json(), json!({ "errors": false }));
}
