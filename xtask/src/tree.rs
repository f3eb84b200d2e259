//! The project's files and crates as plain data, read once. Never writes, and sees no file that git ignores.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A text file of the project.
pub struct SourceFile {
    /// Path from the project's root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// A crate of the workspace, as its manifest declares it.
#[derive(Deserialize)]
pub struct Package {
    /// The crate's name.
    pub name: String,
    /// Where its `Cargo.toml` is: absolute as cargo says it, from the root in [`Tree`].
    pub manifest_path: String,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
}

/// One dependency of a crate.
#[derive(Deserialize)]
pub struct Dependency {
    /// The crate depended on.
    pub name: String,
    /// `None` for a normal one, else `dev` or `build`.
    pub kind: Option<String>,
}

/// The project as tidy sees it.
pub struct Tree {
    /// All text files that git tracks or would track.
    pub files: Vec<SourceFile>,
    /// All paths, those of binary files too.
    pub paths: Vec<String>,
    /// The crates of the workspace.
    pub packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

impl Tree {
    /// Reads the project that this xtask belongs to.
    ///
    /// # Errors
    /// When git or cargo cannot be run or a file cannot be read.
    pub fn of_this_project() -> Result<Self> {
        let root = root();
        let paths: Vec<String> = listed(&root)?;
        let mut files = Vec::new();
        for path in &paths {
            let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(SourceFile { path: path.clone(), text });
            }
        }
        Ok(Self { files, paths, packages: packages(&root)? })
    }
}

/// The project's root folder: where cargo runs this program from, which may be another clone than the one that was compiled
/// into a shared target folder; without cargo, the latter.
pub fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).parent().expect("xtask lies in the project's root").to_path_buf()
}

/// Paths that git tracks or would track, without those deleted but still in the index.
fn listed(root: &Path) -> Result<Vec<String>> {
    let out = output(root, "git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut paths: Vec<String> = out.split('\0').filter(|p| root.join(p).is_file()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let out = output(root, "cargo", &["metadata", "--no-deps", "--offline", "--format-version", "1"])?;
    let mut metadata: Metadata =
        serde_json::from_str(&out).context("cargo metadata printed something else than JSON")?;
    for package in &mut metadata.packages {
        if let Ok(path) = Path::new(&package.manifest_path).strip_prefix(root) {
            package.manifest_path = path.display().to_string();
        }
    }
    Ok(metadata.packages)
}

fn output(dir: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let out = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .output()
        .with_context(|| format!("cannot run {program} {}", arguments.join(" ")))?;
    ensure!(out.status.success(), "{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).with_context(|| format!("{program} printed something else than UTF-8"))
}
