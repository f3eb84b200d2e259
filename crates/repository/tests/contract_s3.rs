//! S3, on a real MinIO: the backend suite, a repository that restic shares, and errors that say what is wrong.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test that cannot go on fails")]

mod support;

use std::{io::Read, sync::Arc};

use repository::{Access, Error, Format, Location, Repository, S3Credentials, SnapshotQuery};
use support::{
    PASSWORD, backend_suite, log_lines, one_of_several_makes_it, random, save, survives_a_server_that_goes_away,
    tools::{MINIO_SECRET, MINIO_USER, Minio, RESTICS, Restic},
};

fn access(minio: &Minio, bucket: &str, prefix: &str) -> Access {
    let location = Location::S3 { endpoint: minio.endpoint(), bucket: bucket.to_owned(), prefix: prefix.to_owned() };
    Access {
        s3: S3Credentials {
            access_key_id: Some(MINIO_USER.to_owned()),
            secret_access_key: Some(MINIO_SECRET.to_owned().into()),
            ..S3Credentials::default()
        },
        ..Access::new(location, PASSWORD.to_owned().into())
    }
}

#[test]
fn a_bucket_keeps_the_contract_with_and_without_a_prefix() {
    let minio = Minio::start();
    backend_suite::check(&*access(&minio, "plain", "").backend().unwrap());
    backend_suite::check(&*access(&minio, "deep", "a/b").backend().unwrap());
}

#[test]
fn of_many_who_make_a_repository_at_once_one_does() {
    let minio = Minio::start();
    one_of_several_makes_it(&access(&minio, "raced", "one"));
}

#[test]
fn a_repository_in_a_bucket_is_shared_with_restic() {
    let minio = Minio::start();
    let access = access(&minio, "shared", "backups/one");
    assert!(matches!(Repository::open(&access), Err(Error::NotARepository { .. })));
    let repository = Repository::init(&access, Format::V2).unwrap();
    assert!(matches!(Repository::init(&access, Format::V2), Err(Error::Exists { .. })));
    let (logs, noise) = (log_lines(40 << 20, 1), random(40 << 20, 2));
    save(&repository, &[("/data/logs.json", &logs), ("/data/noise.json", &noise)]);

    for version in RESTICS {
        let restic = Restic::new(version, access.location.to_string()).with_s3(MINIO_USER, MINIO_SECRET);
        restic.check();
        let folder = tempfile::tempdir().unwrap();
        restic.run(&["restore", "latest", "--target", folder.path().to_str().unwrap()]);
        assert!(std::fs::read(folder.path().join("data/logs.json")).unwrap() == logs);
        assert!(std::fs::read(folder.path().join("data/noise.json")).unwrap() == noise);
    }
    let reader = repository.reader().unwrap();
    let snapshot = repository.find(&SnapshotQuery::latest()).unwrap();
    let mut content = Vec::new();
    reader.open(&reader.file(&snapshot, "/data/noise.json").unwrap()).read_to_end(&mut content).unwrap();
    assert!(content == noise);
    let report = repository.check(true, &|_| ()).unwrap();
    assert!(report.is_clean() && report.warnings.is_empty(), "{report:?}");
}

#[test]
fn wrong_credentials_are_told_from_a_missing_repository() {
    let minio = Minio::start();
    let good = access(&minio, "locked", "");
    Repository::init(&good, Format::V2).unwrap();
    let wrong = Access {
        s3: S3Credentials { secret_access_key: Some("not the secret".to_owned().into()), ..good.s3.clone() },
        ..good.clone()
    };
    let Err(error @ Error::Unreachable { .. }) = Repository::open(&wrong) else { panic!("it must be unreachable") };
    assert!(!error.chain().contains("not the secret"), "{}", error.chain());
    let half = Access { s3: S3Credentials { secret_access_key: None, ..good.s3.clone() }, ..good };
    assert!(matches!(Repository::open(&half), Err(Error::Option { .. })));
}

#[test]
fn a_server_that_goes_away_for_a_moment_does_not_fail_a_backup() {
    let mut minio = Minio::start();
    let access = access(&minio, "interrupted", "");
    survives_a_server_that_goes_away(&access, || {
        minio.kill();
        minio.start_again();
    });
}

#[tokio::test]
async fn a_repository_may_be_dropped_on_an_async_thread() {
    let minio = tokio::task::spawn_blocking(Minio::start).await.unwrap();
    let access = access(&minio, "dropped", "");
    let repository = tokio::task::spawn_blocking(move || Repository::init(&access, Format::V2).unwrap()).await.unwrap();
    drop(Arc::new(repository));
    tokio::task::spawn_blocking(move || drop(minio)).await.unwrap();
}
