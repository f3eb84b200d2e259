//! `create`: objects of what flags say, as Stash's plugin makes them. Pure: names and values are checked here, nothing is asked.

pub mod backup_configuration;
pub mod repository;
pub mod restore_session;

use api::{session::Driver, target::TargetRef};
use k8s_openapi::api::core::v1::VolumeMount;

use crate::{Error, Result};

pub use backup_configuration::NewBackupConfiguration;
pub use repository::NewRepository;
pub use restore_session::{Claim, NewRestoreSession};

/// What is backed up or restored.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// `--target-apiversion`.
    pub api_version: Option<String>,
    /// `--target-kind`.
    pub kind: Option<String>,
    /// `--target-name`.
    pub name: Option<String>,
}

impl Target {
    /// All of it, or nothing at all.
    fn reference(&self) -> Result<Option<TargetRef>> {
        match (&self.api_version, &self.kind, &self.name) {
            (None, None, None) => Ok(None),
            (Some(_), Some(_), Some(_)) => Ok(Some(TargetRef {
                api_version: self.api_version.clone(),
                kind: self.kind.clone(),
                name: self.name.clone(),
            })),
            _ => Err(Error::Flags {
                why: "--target-apiversion, --target-kind and --target-name go together: give all three (a database is \
                      appcatalog.appscode.com/v1alpha1, AppBinding, and its name)"
                    .into(),
            }),
        }
    }
}

/// `--driver`, as Stash spells it.
fn driver(text: Option<&str>) -> Result<Driver> {
    match text.unwrap_or_default() {
        "" | "Restic" => Ok(Driver::Restic),
        "VolumeSnapshotter" => Ok(Driver::VolumeSnapshotter),
        other => {
            let why = "must be Restic or VolumeSnapshotter".to_owned();
            Err(Error::Flag { flag: "--driver", value: other.to_owned(), why })
        }
    }
}

/// `--volume-mounts`: `volume:path` or `volume:path:sub-path`.
fn mounts(texts: &[String]) -> Result<Option<Vec<VolumeMount>>> {
    let mount = |text: &String| {
        let parts: Vec<&str> = text.split(':').collect();
        let (name, path, sub) = match parts[..] {
            [name, path] => (name, path, None),
            [name, path, sub] => (name, path, Some(sub.to_owned())),
            _ => ("", "", None),
        };
        if name.is_empty() || path.is_empty() {
            let why = "must be volume:path or volume:path:sub-path".to_owned();
            return Err(Error::Flag { flag: "--volume-mounts", value: text.clone(), why });
        }
        Ok(VolumeMount { name: name.into(), mount_path: path.into(), sub_path: sub, ..VolumeMount::default() })
    };
    let all = texts.iter().map(mount).collect::<Result<Vec<_>>>()?;
    Ok(some(all))
}

/// Nothing where nothing was said.
fn some<T>(all: Vec<T>) -> Option<Vec<T>> {
    Some(all).filter(|all| !all.is_empty())
}

/// Names that the API server takes, so that what is wrong is said in words of flags.
pub(crate) fn name(flag: &'static str, value: &str) -> Result<()> {
    let fine = |part: &str| {
        let ends = part.starts_with('-') || part.ends_with('-');
        !part.is_empty() && !ends && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if value.len() <= 253 && value.split('.').all(fine) {
        return Ok(());
    }
    let why = "must be of lower-case letters, digits, - and ., at most 253".to_owned();
    Err(Error::Flag { flag, value: value.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_whole_or_not_at_all() {
        assert!(Target::default().reference().expect("nothing").is_none());
        let half = Target { kind: Some("AppBinding".into()), ..Target::default() };
        assert!(half.reference().expect_err("half").to_string().contains("--target-name"));
    }

    #[test]
    fn mounts_have_two_or_three_parts() {
        let all = mounts(&["data:/source".into(), "data:/source:sub".into()]).expect("mounts").expect("two");
        assert_eq!((all[0].mount_path.as_str(), all[1].sub_path.as_deref()), ("/source", Some("sub")));
        for wrong in ["data", "data:", ":/x", "a:b:c:d"] {
            assert!(mounts(&[wrong.into()]).expect_err(wrong).to_string().contains(wrong));
        }
    }

    #[test]
    fn a_name_that_the_api_server_refuses_is_refused_with_its_flag() {
        for fine in ["es", "es-1.full"] {
            name("the name", fine).expect(fine);
        }
        for wrong in ["", "Es", "es_1", "-es", "es-", "a..b"] {
            assert!(name("the name", wrong).is_err(), "{wrong}");
        }
    }
}
