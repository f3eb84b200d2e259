//! Where a repository is, in restic's words. Never holds a secret: credentials have their own type.

use std::{fmt, path::PathBuf, str::FromStr};

use url::Url;

use crate::error::Error;

/// A repository's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A folder of this machine.
    Local(PathBuf),
    /// A bucket of S3 or of a server that speaks its protocol.
    S3 {
        /// Scheme, host and port, such as `https://s3.amazonaws.com`.
        endpoint: String,
        /// The bucket.
        bucket: String,
        /// Folder in the bucket, without slashes at its ends; may be empty.
        prefix: String,
    },
}

/// Host of `s3://bucket/…`, which names none, as restic has it.
const DEFAULT_S3_HOST: &str = "s3.amazonaws.com";

impl Location {
    fn parse_s3(value: &str, rest: &str) -> Result<Self, Error> {
        let refused = |reason: String| Error::Location { value: value.to_owned(), reason };
        let (endpoint, path) = if let Some(path) = rest.strip_prefix("//") {
            (format!("https://{DEFAULT_S3_HOST}"), path.to_owned())
        } else {
            let text = if rest.contains("://") { rest.to_owned() } else { format!("https://{rest}") };
            let url = Url::parse(&text).map_err(|error| refused(error.to_string()))?;
            split_url(&url).map_err(refused)?
        };
        let (bucket, prefix) = path.split_once('/').unwrap_or((&path, ""));
        if bucket.is_empty() {
            return Err(refused("the bucket's name is missing".to_owned()));
        }
        Ok(Self::S3 { endpoint, bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}

/// Endpoint and path of an S3 address.
fn split_url(url: &Url) -> Result<(String, String), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("scheme {:?} is not http or https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into the address: use AWS_ACCESS_KEY_ID and the like".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the address has a query or a fragment".to_owned());
    }
    let host = url.host_str().ok_or("the host is missing")?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok((format!("{}://{host}{port}", url.scheme()), url.path().trim_start_matches('/').to_owned()))
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        let refused = |reason: &str| Error::Location { value: without_secrets(value), reason: reason.to_owned() };
        if value.is_empty() {
            return Err(refused("it is empty"));
        }
        match value.split_once(':') {
            Some(("local", "")) => Err(refused("the folder is missing")),
            Some(("local", path)) => Ok(Self::Local(path.into())),
            Some(("s3", rest)) => Self::parse_s3(&without_secrets(value), rest),
            Some((scheme @ ("rest" | "sftp" | "b2" | "azure" | "gs" | "swift" | "rclone"), _)) => {
                Err(refused(&format!("backend {scheme:?} is not supported; local folders and s3 are")))
            }
            _ => Ok(Self::Local(value.into())),
        }
    }
}

/// The text with user and password of an address left out.
fn without_secrets(value: &str) -> String {
    match (value.find("://"), value.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://***@{}", &value[..scheme], &value[at + 1..]),
        _ => value.to_owned(),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(formatter, "{}", path.display()),
            Self::S3 { endpoint, bucket, prefix } if prefix.is_empty() => write!(formatter, "s3:{endpoint}/{bucket}"),
            Self::S3 { endpoint, bucket, prefix } => write!(formatter, "s3:{endpoint}/{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_as_restic_reads_them_and_printed_so_that_they_can_be_read_again() {
        let s3 = |endpoint: &str, bucket: &str, prefix: &str| Location::S3 {
            endpoint: endpoint.to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        for (text, expected) in [
            ("/srv/repo", Location::Local("/srv/repo".into())),
            ("local:/srv/repo", Location::Local("/srv/repo".into())),
            ("local:relative", Location::Local("relative".into())),
            ("some/folder", Location::Local("some/folder".into())),
            ("s3:https://minio.local:9000/bucket/a/b/", s3("https://minio.local:9000", "bucket", "a/b")),
            ("s3:http://127.0.0.1:9000/bucket", s3("http://127.0.0.1:9000", "bucket", "")),
            ("s3:s3.amazonaws.com/bucket/dir", s3("https://s3.amazonaws.com", "bucket", "dir")),
            ("s3:host:9000/bucket", s3("https://host:9000", "bucket", "")),
            ("s3://bucket/dir", s3("https://s3.amazonaws.com", "bucket", "dir")),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location, expected, "{text}");
            assert_eq!(location.to_string().parse::<Location>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_location_that_is_not_understood_is_named_without_its_secrets() {
        for text in ["", "local:", "s3:", "s3:https://host", "s3:ftp://host/bucket", "rest:http://host/", "s3://"] {
            let error = text.parse::<Location>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
        let error = "s3:https://user:pass@host/bucket".parse::<Location>().unwrap_err().to_string();
        assert!(!error.contains("pass@") && !error.contains("user:"), "{error}");
    }
}
