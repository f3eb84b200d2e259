//! The raw loader: makes indices and fills them through `_bulk` as fast as the server takes it. Shows what a load could cost at
//! the least; tries nothing again, and a refused document ends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::http::{Connection, beginning};

/// Put indices and `_bulk` bodies from files into a server.
#[derive(Args)]
pub struct Fill {
    /// `http://HOST:PORT`.
    #[arg(long)]
    url: String,
    /// Folder with `INDEX.index.json` for each index and any number of `*.ndjson`.
    #[arg(long)]
    folder: PathBuf,
    /// Requests under way at once.
    #[arg(long, default_value_t = WORKERS)]
    workers: usize,
}

/// Requests under way at once, unless told otherwise: two keep two cores busy.
pub const WORKERS: usize = 2;
/// What each index gets for the time of the load.
const LOADING: &str = r#"{"index":{"refresh_interval":"-1","number_of_replicas":0,"translog":{"durability":"async"}}}"#;
const INDEX_SUFFIX: &str = ".index.json";

impl Fill {
    /// Makes the indices, sends the bodies in the order of their names, refreshes.
    ///
    /// # Errors
    /// When a file cannot be read or the server refuses an index or a document.
    pub fn run(&self) -> Result<()> {
        let mut connection = Connection::open(&self.url)?;
        for file in files(&self.folder, INDEX_SUFFIX)? {
            let name = file.file_name().and_then(|name| name.to_str()?.strip_suffix(INDEX_SUFFIX));
            let name = name.with_context(|| format!("{} has no index's name", file.display()))?.to_owned();
            create(&mut connection, &name, &fs::read_to_string(&file)?)?;
        }
        let bodies = files(&self.folder, ".ndjson")?
            .into_iter()
            .map(|file| fs::read(&file).with_context(|| format!("cannot read {}", file.display())));
        let bytes = send(&self.url, bodies, self.workers)?;
        connection.json("POST", "/_refresh", "")?;
        println!("{bytes} bytes");
        Ok(())
    }
}

/// The name of the file that holds the body with which an index is made.
pub fn index_file(index: &str) -> String {
    format!("{index}{INDEX_SUFFIX}")
}

/// Makes an index, ready to be filled.
///
/// # Errors
/// When the server refuses.
pub fn create(connection: &mut Connection, index: &str, body: &str) -> Result<()> {
    connection.json("PUT", &format!("/{index}"), body)?;
    connection.json("PUT", &format!("/{index}/_settings"), LOADING).map(drop)
}

/// Sends `_bulk` bodies, `workers` at a time, and gives their bytes.
///
/// # Errors
/// When a body cannot be had, or the server refuses a document.
pub fn send(url: &str, bodies: impl Iterator<Item = Result<Vec<u8>>> + Send, workers: usize) -> Result<u64> {
    let bodies = Mutex::new(bodies);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(|| worker(url, &bodies))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker returns its errors")).sum()
    })
}

fn worker(url: &str, bodies: &Mutex<impl Iterator<Item = Result<Vec<u8>>>>) -> Result<u64> {
    let mut connection = Connection::open(url)?;
    let (mut answer, mut bytes) = (Vec::new(), 0);
    loop {
        let body = bodies.lock().expect("no worker panics").next();
        let Some(body) = body.transpose()? else { return Ok(bytes) };
        connection.ask("POST", "/_bulk?filter_path=errors,items.*.error", &body, &mut answer)?;
        ensure!(answer.starts_with(br#"{"errors":false"#), "the server refused documents: {}", beginning(&answer));
        bytes += body.len() as u64;
    }
}

fn files(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.to_str().is_some_and(|file| file.ends_with(suffix)));
    files.sort();
    Ok(files)
}
