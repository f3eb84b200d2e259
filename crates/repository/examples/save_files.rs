//! Saves files of this machine as one snapshot, each on a thread of its own: `save_files REPOSITORY PASSWORD FILE…`.
//! For trying out and measuring.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::{fs::File, io, thread, time::Instant};

use repository::{Access, FileSpec, Format, Repository, SnapshotSpec, WriterOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(location), Some(password)) = (arguments.next(), arguments.next()) else {
        return Err("save_files REPOSITORY PASSWORD FILE…".into());
    };
    let access = Access::new(location.parse()?, password.into());
    let repository = match Repository::open(&access) {
        Err(repository::Error::NotARepository { .. }) => Repository::init(&access, Format::V2)?,
        other => other?,
    };
    let began = Instant::now();
    let writer = repository.writer(WriterOptions::default())?;
    let save = |path: String| -> Result<FileSpec, Box<dyn std::error::Error + Send + Sync>> {
        let mut stream = writer.stream()?;
        io::copy(&mut File::open(&path)?, &mut stream)?;
        Ok(FileSpec { path: format!("/data/{}", path.trim_start_matches('/')), segments: vec![stream.finish()?] })
    };
    let files = thread::scope(|scope| {
        let threads: Vec<_> = arguments.map(|path| scope.spawn(|| save(path))).collect();
        let files = threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?);
        files.collect::<Result<Vec<_>, _>>()
    })
    .map_err(|error| error as Box<dyn std::error::Error>)?;
    let saved = writer.finish(SnapshotSpec {
        files,
        paths: vec!["/data".to_owned()],
        hostname: "example".to_owned(),
        username: String::new(),
        tags: Vec::new(),
        time: jiff::Zoned::now(),
        parent: None,
        program_version: "larder example".to_owned(),
    })?;
    println!("{saved:#?} in {:?}", began.elapsed());
    Ok(())
}
