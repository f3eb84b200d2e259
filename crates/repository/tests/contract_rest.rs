//! REST, on a real rest-server: the backend suite, a repository that restic shares, logins, TLS, append-only mode, and errors
//! that say what is wrong.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use repository::{
    Access, Error, FileKind, ForgetOptions, Format, Id, LockKind, PruneOptions, Repository, RestCredentials,
    WriterOptions,
};
use support::{
    PASSWORD, backend_suite, log_lines, random, read, save, segment, survives_a_server_that_goes_away,
    tools::{REST_PASSWORD, REST_USER, RESTICS, RestServer, Restic},
};

fn access(location: &str) -> Access {
    Access::new(location.parse().unwrap(), PASSWORD.to_owned().into())
}

fn at(server: &RestServer, path: &str) -> Access {
    access(&format!("rest:http://{}/{path}", server.address()))
}

#[test]
fn a_server_keeps_the_contract_with_and_without_a_path() {
    let server = RestServer::open(&[]);
    backend_suite::check(&*at(&server, "deep/er").backend().unwrap());
    backend_suite::check(&*at(&server, "").backend().unwrap());
}

#[test]
fn a_repository_is_shared_with_restic() {
    let server = RestServer::open(&[]);
    let access = at(&server, "shared/one");
    assert!(matches!(Repository::open(&access), Err(Error::NotARepository { .. })));
    let repository = Repository::init(&access, Format::V2).unwrap();
    assert!(matches!(Repository::init(&access, Format::V2), Err(Error::Exists { .. })));
    let (logs, noise) = (log_lines(40 << 20, 1), random(40 << 20, 2));
    save(&repository, &[("/data/logs.json", &logs), ("/data/noise.json", &noise)]);
    assert!(read(&repository, "/data/noise.json") == noise);
    for version in RESTICS {
        let restic = Restic::new(version, access.location.to_string());
        restic.check();
        let folder = tempfile::tempdir().unwrap();
        restic.run(&["restore", "latest", "--target", folder.path().to_str().unwrap()]);
        assert!(fs::read(folder.path().join("data/logs.json")).unwrap() == logs);
        assert!(fs::read(folder.path().join("data/noise.json")).unwrap() == noise);
    }
    let report = repository.check(true, &|_| ()).unwrap();
    assert!(report.is_clean() && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn what_restic_wrote_is_read_and_its_locks_are_seen() {
    let server = RestServer::open(&[]);
    for version in RESTICS {
        let access = at(&server, version);
        let restic = Restic::new(version, access.location.to_string());
        restic.run(&["init"]);
        let repository = Repository::open(&access).unwrap();
        let content = random(20 << 20, 3);
        let mut command = restic.command(&["backup", "--stdin", "--stdin-filename", "data.json"]);
        let mut backup = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        backup.stdin.as_mut().unwrap().write_all(&content).unwrap();
        // It holds its lock until the input ends.
        let error = repository.lock(LockKind::Exclusive, Duration::ZERO).err().unwrap();
        assert_eq!(error.lock_holder().unwrap().pid, backup.id(), "{error}");
        drop(backup.stdin.take());
        assert!(backup.wait().unwrap().success());
        drop(repository.lock(LockKind::Exclusive, Duration::ZERO).unwrap());
        assert!(read(&repository, "/data.json") == content);
        assert!(repository.check(true, &|_| ()).unwrap().is_clean());
    }
}

#[test]
fn a_login_is_asked_for_and_never_told() {
    let server = RestServer::with_login(&["--private-repos"]);
    let inside = |login: &str, path: &str| access(&format!("rest:http://{login}{}/{path}", server.address()));
    let given = |user: &str, password: &str| RestCredentials {
        user: Some(user.to_owned()),
        password: Some(password.to_owned().into()),
    };
    let beside = Access { rest: given(REST_USER, REST_PASSWORD), ..inside("", "es/repo") };
    let repository = Repository::init(&beside, Format::V2).unwrap();
    save(&repository, &[("/data/a.json", b"a")]);
    // In the address, percent-encoded, it wins over the one beside.
    let encoded = format!("{REST_USER}:p%2Fw%3Ax%40y@");
    Repository::open(&Access { rest: given("es", "wrong"), ..inside(&encoded, "es/repo") }).unwrap();
    for version in RESTICS {
        Restic::new(version, format!("rest:http://{encoded}{}/es/repo", server.address())).check();
    }
    for (refused, status) in [
        (inside("", "es/repo"), "401"),
        (inside("es:not-it@", "es/repo"), "401"),
        (Access { rest: given("es", "not-it"), ..inside("", "es/repo") }, "401"),
        (inside(&encoded, "another/repo"), "401"),
    ] {
        for error in [Repository::open(&refused).err(), Repository::init(&refused, Format::V2).err()] {
            let Some(error @ Error::Unreachable { .. }) = error else { panic!("it must be unreachable: {error:?}") };
            assert!(error.chain().contains(status), "{}", error.chain());
            let told = format!("{} {error:?} {refused:?}", error.chain());
            assert!(!told.contains("not-it") && !told.contains("p/w") && !told.contains("p%2F"), "{told}");
        }
    }
}

/// An authority, and its certificate for 127.0.0.1 with its key: paths of the files.
fn certificates(folder: &Path) -> [PathBuf; 3] {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let contents =
        [("ca.crt", authority.pem()), ("public.crt", certificate.pem()), ("private.key", key.serialize_pem())];
    contents.map(|(name, content)| {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    })
}

#[test]
fn only_the_named_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let [ca, certificate, key] = certificates(folder.path());
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap());
    let server = RestServer::open(&["--tls", "--tls-cert", certificate, "--tls-key", key]);
    let location = format!("rest:https://{}/repo", server.address());
    let trusting = Access { ca_certificate: Some(fs::read(&ca).unwrap()), ..access(&location) };
    let repository = Repository::init(&trusting, Format::V2).unwrap();
    save(&repository, &[("/data/a.json", b"a")]);
    for version in RESTICS {
        Restic::new(version, location.as_str()).with_ca(&ca).check();
    }

    let other = tempfile::tempdir().unwrap();
    let [other, ..] = certificates(other.path());
    let wrong = Access { ca_certificate: Some(fs::read(other).unwrap()), ..access(&location) };
    let nonsense = Access { ca_certificate: Some(b"no PEM".to_vec()), ..access(&location) };
    for refused in [wrong, access(&location)] {
        let Err(error @ Error::Unreachable { .. }) = Repository::open(&refused) else {
            panic!("it must not be trusted")
        };
        assert!(error.chain().contains("no trusted TLS connection"), "{}", error.chain());
    }
    assert!(matches!(Repository::open(&nonsense), Err(Error::Option { .. })));
}

#[test]
fn plain_http_and_https_are_not_mistaken_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let [_, certificate, key] = certificates(folder.path());
    let [certificate, key] = [&certificate, &key].map(|path| path.to_str().unwrap());
    let secure = RestServer::open(&["--tls", "--tls-cert", certificate, "--tls-key", key]);
    let error = Repository::open(&at(&secure, "repo")).err().unwrap();
    assert!(error.chain().contains("400"), "{}", error.chain());
    let plain = RestServer::open(&[]);
    let error = Repository::open(&access(&format!("rest:https://{}/repo", plain.address()))).err().unwrap();
    assert!(error.chain().contains("no trusted TLS connection"), "{}", error.chain());
}

#[test]
fn an_append_only_server_takes_backups_and_says_that_it_removes_nothing() {
    let server = RestServer::open(&["--append-only"]);
    let access = at(&server, "repo");
    let repository = Repository::init(&access, Format::V2).unwrap();
    let (first, second) = (random(5 << 20, 1), random(5 << 20, 2));
    let saved = save(&repository, &[("/data/a.json", &first)]);
    save(&repository, &[("/data/a.json", &second)]);
    // What an abandoned run leaves behind is work for a prune.
    let writer = repository.writer(WriterOptions::default()).unwrap();
    segment(&writer, &random(5 << 20, 3));
    writer.abandon().unwrap();

    // Locks may come and go.
    let lock = repository.lock(LockKind::Exclusive, Duration::ZERO).unwrap();
    let forget = ForgetOptions { remove: vec![saved.snapshot.short_id()], ..ForgetOptions::default() };
    let forgotten = repository.forget(&forget).err().unwrap();
    let pruned = repository.prune(&lock, &PruneOptions::default()).err().unwrap();
    for error in [forgotten, pruned] {
        assert!(error.chain().contains("403 Forbidden: it may be append-only"), "{}", error.chain());
    }
    drop(lock);
    assert_eq!(access.backend().unwrap().list(FileKind::Lock).unwrap(), []);
    assert_eq!(repository.snapshots().unwrap().len(), 2);
    assert!(repository.check(true, &|_| ()).unwrap().is_clean());
}

#[test]
fn a_file_that_stays_is_listed_while_others_come_and_go() {
    let server = RestServer::open(&[]);
    let backend = at(&server, "busy").backend().unwrap();
    backend.create().unwrap();
    for kind in [FileKind::Lock, FileKind::Pack] {
        let stays = Id::of(b"stays");
        backend.write(kind, &stays, Bytes::from_static(b"stays")).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for part in 0..4_u8 {
                let (backend, done) = (&backend, &done);
                scope.spawn(move || {
                    let content = Bytes::from(vec![part; 1000]);
                    let id = Id::of(&content);
                    while !done.load(SeqCst) {
                        backend.write(kind, &id, content.clone()).unwrap();
                        backend.remove(kind, &id).unwrap();
                    }
                });
            }
            for round in 0..300 {
                let listed = backend.list(kind).unwrap().iter().any(|(id, _)| *id == stays);
                if !listed {
                    done.store(true, SeqCst);
                }
                assert!(listed, "{kind}, round {round}");
            }
            done.store(true, SeqCst);
        });
    }
}

#[test]
fn a_server_that_goes_away_for_a_moment_does_not_fail_a_backup() {
    let mut server = RestServer::open(&[]);
    let access = at(&server, "interrupted");
    survives_a_server_that_goes_away(&access, || {
        server.kill();
        server.start_again();
    });
}

#[tokio::test]
async fn a_repository_may_be_dropped_on_an_async_thread() {
    let server = tokio::task::spawn_blocking(|| RestServer::open(&[])).await.unwrap();
    let access = at(&server, "dropped");
    let repository = tokio::task::spawn_blocking(move || Repository::init(&access, Format::V2).unwrap()).await.unwrap();
    drop(Arc::new(repository));
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}
