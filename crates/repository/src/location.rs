//! Where a repository is, in restic's words. Never prints a secret: what an address holds of them goes into a type of its own.

use std::{fmt, path::PathBuf, str::FromStr};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::{credentials::RestCredentials, error::Error};

/// A repository's place.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A server that speaks restic's REST protocol.
    Rest {
        /// Where it is, such as `https://host:8000/path/`: with a slash at its end and without a login.
        url: Url,
        /// The login that the address had in it.
        login: RestCredentials,
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

    fn parse_rest(rest: &str) -> Result<Self, String> {
        let mut url = Url::parse(rest).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("rest: is followed by http:// or https://".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("the address has a query or a fragment".to_owned());
        }
        let login = RestCredentials {
            user: Some(decoded(url.username())?).filter(|user| !user.is_empty()),
            password: url.password().map(decoded).transpose()?.map(Into::into),
        };
        url.set_username("").and_then(|()| url.set_password(None)).expect("an address with a host may have a login");
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self::Rest { url, login })
    }
}

/// Text from a URL.
fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "the login is not UTF-8".to_owned())?;
    Ok(text.into_owned())
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
            Some(("rest", rest)) => Self::parse_rest(rest).map_err(|reason| refused(&reason)),
            Some((scheme @ ("sftp" | "b2" | "azure" | "gs" | "swift" | "rclone"), _)) => {
                Err(refused(&format!("backend {scheme:?} is not supported; local folders, s3 and rest are")))
            }
            _ => Ok(Self::Local(value.into())),
        }
    }
}

/// The text with user and password of an address left out.
fn without_secrets(value: &str) -> String {
    let start = value.find("://").map(|scheme| scheme + 3).or_else(|| value.find(':').map(|colon| colon + 1));
    match (start, value.rfind('@')) {
        (Some(start), Some(at)) if at >= start => format!("{}***@{}", &value[..start], &value[at + 1..]),
        _ => value.to_owned(),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(formatter, "{}", path.display()),
            Self::S3 { endpoint, bucket, prefix } if prefix.is_empty() => write!(formatter, "s3:{endpoint}/{bucket}"),
            Self::S3 { endpoint, bucket, prefix } => write!(formatter, "s3:{endpoint}/{bucket}/{prefix}"),
            Self::Rest { url, login: _ } => write!(formatter, "rest:{url}"),
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
        let rest = |url: &str| Location::Rest { url: url.parse().unwrap(), login: RestCredentials::default() };
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
            ("rest:http://localhost:8000", rest("http://localhost:8000/")),
            ("rest:https://host/es/one", rest("https://host/es/one/")),
            ("rest:https://[::1]:8000/a%20b/", rest("https://[::1]:8000/a%20b/")),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location, expected, "{text}");
            assert_eq!(location.to_string().parse::<Location>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_location_that_is_not_understood_is_named_without_its_secrets() {
        for text in [
            "",
            "local:",
            "s3:",
            "s3:https://host",
            "s3:ftp://host/bucket",
            "s3://",
            "sftp:host:/x",
            "rest:",
            "rest:host:8000/",
            "rest:http+unix:///socket:/path/",
            "rest:https://host/?a=b",
            "rest:http:///",
        ] {
            let error = text.parse::<Location>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
        for text in [
            "s3:https://user:pass@host/bucket",
            "s3:user:pass@host/bucket",
            "rest:user:pass@host/",
            "rest:https://user:pass@host/?query",
            "rest:https://user:pass%FF@host/",
            "rest:https://user:pass/word@host/",
            "sftp:user:pass@host:/path",
        ] {
            let error = text.parse::<Location>().unwrap_err().to_string();
            assert!(!error.contains("pass") && error.contains("***@host"), "{error}");
        }
    }

    #[test]
    fn the_login_in_an_address_is_kept_and_not_shown() {
        for (text, user, password) in [
            ("rest:https://es:p%2Fw%3A%40x@host/path", Some("es"), Some("p/w:@x")),
            ("rest:https://es@host/path", Some("es"), None),
            ("rest:https://:secret@host/path", None, Some("secret")),
            ("rest:https://host/path", None, None),
        ] {
            let location: Location = text.parse().unwrap();
            let login = RestCredentials {
                user: user.map(str::to_owned),
                password: password.map(|text| text.to_owned().into()),
            };
            let expected = Location::Rest { url: "https://host/path/".parse().unwrap(), login };
            assert_eq!(location, expected, "{text}");
            assert_eq!(location.to_string(), "rest:https://host/path/");
            assert!(password.is_none_or(|secret| !format!("{location:?}").contains(secret)), "{location:?}");
        }
    }
}
