//! Where the repository is, and what opens it. Understands restic's environment variables as restic does.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use clap::Args;
use repository::{Access, Location, RestCredentials, S3Credentials};
use secrecy::SecretString;

use super::{elasticsearch::secret_file, parse_time};
use crate::exit::Misused;

/// A repository.
#[derive(Debug, Args)]
#[command(next_help_heading = "Repository")]
pub struct RepositoryArguments {
    /// Where it is: a folder, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH. Also RESTIC_REPOSITORY,
    /// RESTIC_REPOSITORY_FILE
    #[arg(long, short, env = "LARDER_REPOSITORY", hide_env_values = true, value_name = "LOCATION", global = false)]
    repository: Option<String>,
    #[command(flatten)]
    password: PasswordArguments,
    /// File with certificates (PEM) to trust for the repository's server, beside the system's. Also LARDER_REPOSITORY_CA, with
    /// the certificates themselves
    #[arg(long, env = "LARDER_REPOSITORY_CA_FILE", value_name = "FILE")]
    repository_ca_file: Option<PathBuf>,
    /// How long to wait for others' locks, such as 10m
    #[arg(long, env = "LARDER_WAIT_FOR_LOCK", value_name = "TIME", default_value = "0s", value_parser = parse_time)]
    pub wait_for_lock: std::time::Duration,
}

/// The password's whereabouts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Repository")]
pub struct PasswordArguments {
    /// File that holds the password. Also LARDER_PASSWORD, RESTIC_PASSWORD, RESTIC_PASSWORD_FILE
    #[arg(long, short, env = "LARDER_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Command that prints the password. Also RESTIC_PASSWORD_COMMAND
    #[arg(
        long,
        env = "LARDER_PASSWORD_COMMAND",
        hide_env_values = true,
        value_name = "COMMAND",
        conflicts_with = "password_file"
    )]
    password_command: Option<String>,
}

impl RepositoryArguments {
    /// What opening the repository takes.
    pub fn access(&self) -> Result<Access> {
        let location = self.location()?;
        let mut access = Access::new(location, self.password.password()?);
        access.s3 = s3_credentials();
        access.rest = rest_credentials();
        if let Some(file) = &self.repository_ca_file {
            let pem =
                std::fs::read(file).with_context(|| format!("cannot read --repository-ca-file {}", file.display()))?;
            access.ca_certificate = Some(pem);
        } else {
            access.ca_certificate = variable("LARDER_REPOSITORY_CA").map(String::into_bytes);
        }
        access.user = variable("LARDER_LOCK_USER");
        Ok(access)
    }

    fn location(&self) -> Result<Location> {
        let named = self.repository.clone().or_else(|| variable("RESTIC_REPOSITORY"));
        let text = match (named, variable("RESTIC_REPOSITORY_FILE")) {
            (Some(location), _) => location,
            (None, Some(file)) => std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read RESTIC_REPOSITORY_FILE {file}"))?
                .trim()
                .to_owned(),
            (None, None) => {
                return Err(Misused("no repository: give --repository or RESTIC_REPOSITORY".into()).into());
            }
        };
        text.parse().map_err(|error: repository::Error| Misused(error.to_string()).into())
    }
}

impl PasswordArguments {
    fn password(&self) -> Result<SecretString> {
        if let Some(file) = &self.password_file {
            return secret_file(file, "--password-file");
        }
        if let Some(command) = &self.password_command {
            return from_command(command);
        }
        if let Some(password) = variable("LARDER_PASSWORD").or_else(|| variable("RESTIC_PASSWORD")) {
            return Ok(password.into());
        }
        if let Some(file) = variable("RESTIC_PASSWORD_FILE") {
            return secret_file(Path::new(&file), "RESTIC_PASSWORD_FILE");
        }
        if let Some(command) = variable("RESTIC_PASSWORD_COMMAND") {
            return from_command(&command);
        }
        Err(Misused("no password: give --password-file, --password-command, or RESTIC_PASSWORD".into()).into())
    }
}

/// The password that a new key gets.
pub fn new_password(arguments: &super::KeyAddArguments) -> Result<SecretString> {
    if let Some(file) = &arguments.new_password_file {
        return secret_file(file, "--new-password-file");
    }
    let password = variable("LARDER_NEW_PASSWORD").map(SecretString::from);
    password.ok_or_else(|| Misused("no new password: give --new-password-file or LARDER_NEW_PASSWORD".into()).into())
}

/// A variable that is set to something.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a command prints. It is split at spaces, as restic splits it, with quotes.
fn from_command(command: &str) -> Result<SecretString> {
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| Misused("the password command is empty or has an open quote".into()))?;
    let output = Command::new(&words[0])
        .args(&words[1..])
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run the password command {}", words[0]))?;
    if !output.status.success() {
        anyhow::bail!("the password command {} ended with {}", words[0], output.status);
    }
    let text = String::from_utf8(output.stdout).context("the password command printed no text")?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        anyhow::bail!("the password command {} printed nothing", words[0]);
    }
    Ok(password.into())
}

fn s3_credentials() -> S3Credentials {
    S3Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID"),
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY").map(Into::into),
        session_token: variable("AWS_SESSION_TOKEN").map(Into::into),
        region: variable("AWS_DEFAULT_REGION").or_else(|| variable("AWS_REGION")),
    }
}

fn rest_credentials() -> RestCredentials {
    RestCredentials {
        user: variable("RESTIC_REST_USERNAME"),
        password: variable("RESTIC_REST_PASSWORD").map(Into::into),
    }
}
