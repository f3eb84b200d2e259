//! restic in a root folder of its own: saves from paths that this machine does not have, as a pod's are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{PASSWORD, tools::program};

/// A root folder of its own, in which restic sees absolute paths that this machine does not have.
pub struct Root {
    folder: tempfile::TempDir,
    enter: Vec<&'static str>,
}

impl Root {
    /// A new one, that holds nothing but restic.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let restic = program("restic-0.14");
        fs::create_dir(folder.path().join("tmp")).unwrap();
        fs::copy(&restic, folder.path().join("restic")).unwrap();
        for library in libraries(&restic) {
            let place = folder.path().join(library.strip_prefix("/").unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(&library, place).unwrap();
        }
        let mut root = Self { folder, enter: vec!["chroot"] };
        // Root may change its root folder; others may where a user namespace makes root of them.
        if !root.command(&["version"]).output().is_ok_and(|output| output.status.success()) {
            root.enter = vec!["unshare", "--map-root-user", "chroot"];
        }
        root
    }

    /// Where a path inside lies outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.enter[0]);
        command
            .args(&self.enter[1..])
            .arg(self.folder.path())
            .args(["/restic", "--no-cache", "-r", "/repository"])
            .args(arguments)
            .env("RESTIC_PASSWORD", PASSWORD)
            .stdin(Stdio::null());
        command
    }

    /// Runs restic inside, on `/repository`; it must do everything.
    pub fn restic(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

/// The shared libraries that a program needs; none where it needs none.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
