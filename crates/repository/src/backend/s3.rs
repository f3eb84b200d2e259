//! S3 and what speaks its protocol. Never prints a credential.

use std::io;

use http::Request;
use opendal::{Buffer, HttpTransporter, OperationContext, Operator, services::S3};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqsign_aws_v4::{Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider};
use reqsign_core::{Context, OsEnv, ProvideCredentialChain, Signer};
use reqsign_file_read_tokio::TokioFileRead;
use secrecy::ExposeSecret;

use crate::{
    access::Access,
    backend::{
        object::{Container, ObjectBackend},
        remote::{Driver, client, misconfigured},
    },
    credentials::S3Credentials,
    error::{Error, Result},
};

/// Region when none is given, as in restic.
const DEFAULT_REGION: &str = "us-east-1";

/// A bucket and a folder in it.
#[derive(Clone)]
struct Bucket {
    endpoint: String,
    name: String,
    prefix: String,
    region: String,
    credentials: S3Credentials,
}

/// The backend for an S3 location.
pub(crate) fn backend(access: &Access, endpoint: &str, bucket: &str, prefix: &str) -> Result<ObjectBackend> {
    let location = access.location.to_string();
    let credentials = access.s3.clone();
    let region = credentials.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned());
    if credentials.access_key_id.is_some() != credentials.secret_access_key.is_some() {
        let reason = "the access key id and the secret access key belong together: only one is given".to_owned();
        return Err(Error::Option { option: "S3 credentials", reason });
    }
    let transport = transport(access)?;
    let bucket = Bucket {
        endpoint: regional(endpoint, &region),
        name: bucket.to_owned(),
        prefix: prefix.to_owned(),
        region,
        credentials,
    };
    let container = {
        let (bucket, transport) = (bucket.clone(), transport.clone());
        let create = Box::new(move |driver: &Driver| driver.block_on(bucket.create(&transport)));
        Container { create, is_missing: |error| error.message().contains("NoSuchBucket") }
    };
    let build = || {
        let operator = Operator::new(bucket.service()).map_err(|error| misconfigured(&location, &error))?;
        Ok(operator.with_context(OperationContext::new().with_http_transport(transport)))
    };
    ObjectBackend::new(access, build, container)
}

/// Amazon's global address only knows buckets of one region.
fn regional(endpoint: &str, region: &str) -> String {
    match endpoint {
        "https://s3.amazonaws.com" => format!("https://s3.{region}.amazonaws.com"),
        other => other.to_owned(),
    }
}

fn transport(access: &Access) -> Result<HttpTransporter> {
    let client = client(access)?.build().map_err(|error| misconfigured(&access.location.to_string(), &error))?;
    Ok(HttpTransporter::new(ReqwestTransport::new(client)))
}

impl Bucket {
    fn service(&self) -> S3 {
        // Content-MD5 lets the server refuse what was changed on its way; every S3 knows it, and object lock asks for it.
        S3::default()
            .endpoint(&self.endpoint)
            .bucket(&self.name)
            .root(&self.prefix)
            .region(&self.region)
            .checksum_algorithm("md5")
            .credential_provider_chain(self.credential_chain())
    }

    /// The given key, or else what the environment, profile, web identity or instance provides.
    fn credential_chain(&self) -> ProvideCredentialChain<Credential> {
        let S3Credentials { access_key_id, secret_access_key, session_token, region: _ } = &self.credentials;
        match (access_key_id, secret_access_key) {
            (Some(id), Some(secret)) => {
                let mut given = StaticCredentialProvider::new(id, secret.expose_secret());
                if let Some(token) = session_token {
                    given = given.with_session_token(token.expose_secret());
                }
                ProvideCredentialChain::new().push(given)
            }
            _ => ProvideCredentialChain::new().push(DefaultCredentialProvider::builder().build()),
        }
    }

    /// opendal makes no buckets, so this one request is ours.
    async fn create(&self, transport: &HttpTransporter) -> io::Result<()> {
        let body = match &*self.region {
            DEFAULT_REGION => String::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        let request = Request::put(format!("{}/{}", self.endpoint, self.name)).body(()).map_err(io::Error::other)?;
        let (mut head, ()) = request.into_parts();
        let context = Context::new().with_file_read(TokioFileRead).with_env(OsEnv).with_http_send(transport.clone());
        Signer::new(context, self.credential_chain(), RequestSigner::new("s3", &self.region))
            .sign(&mut head, None)
            .await
            .map_err(io::Error::other)?;
        let request = Request::from_parts(head, Buffer::from(body));
        let response = transport.send(request).await.map_err(io::Error::other)?;
        // 409: somebody made it in the meantime.
        if response.status().is_success() || response.status().as_u16() == 409 {
            return Ok(());
        }
        let answer = response.body().to_bytes();
        let answer = String::from_utf8_lossy(&answer[..answer.len().min(500)]).into_owned();
        Err(io::Error::other(format!("the server answered {}: {answer}", response.status())))
    }
}
