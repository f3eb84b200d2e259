//! Whom the client trusts, and to whom it shows its own certificate. Certificates are made anew for each run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use elasticsearch::{Client, Connection, Error, Need, Retry};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

use crate::support::{self, ROOT_7_14};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for `name`, and its key.
    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (params.signed_by(&key, &self.0).expect("a certificate"), key)
    }
}

/// A server with a certificate for `name` by `authority`; it wants a client certificate by `clients`, if given.
async fn server(authority: &Authority, name: &str, clients: Option<&Authority>) -> String {
    let (certificate, key) = authority.sign(name);
    let chain = vec![certificate.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.0.der().clone()).expect("a root");
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).expect("a configuration")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let length = ROOT_7_14.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
                    );
                    if stream.write_all(format!("{head}{ROOT_7_14}").as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

fn to(url: &str) -> Connection {
    let mut connection = Connection::new(vec![url.parse().expect("a URL")]);
    connection.timeouts = support::quick();
    connection
}

async fn refused(connection: Connection) -> Error {
    Client::connect(connection).await.err().expect("no connection")
}

#[tokio::test]
async fn only_the_named_authority_is_trusted() {
    let (ours, other) = (Authority::new(), Authority::new());
    let url = server(&ours, "127.0.0.1", None).await;

    let mut connection = to(&url);
    connection.tls.ca = Some(ours.pem());
    Client::connect(connection).await.expect("connected");

    let mut connection = to(&url);
    connection.tls.ca = Some(other.pem());
    let error = refused(connection).await;
    assert!(matches!(error, Error::Tls { .. }) && error.retry() == Retry::Never, "{error}");

    let error = refused(to(&url)).await;
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert!(error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn no_time_is_spent_on_waiting_for_trust() {
    let mut connection = to(&server(&Authority::new(), "127.0.0.1", None).await);
    connection.tls.ca = Some(Authority::new().pem());
    let began = Instant::now();
    let refused = Client::connect_when_ready(connection, &Need::Load, Duration::from_mins(1)).await;
    assert!(matches!(refused, Err(Error::Tls { .. })));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let ours = Authority::new();
    let mut connection = to(&server(&ours, "elsewhere.example", None).await);
    connection.tls.ca = Some(ours.pem());
    let error = refused(connection).await;
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

#[tokio::test]
async fn verification_ends_only_where_a_person_ends_it() {
    let mut connection = to(&server(&Authority::new(), "elsewhere.example", None).await);
    connection.tls.verify = false;
    Client::connect(connection).await.expect("connected");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_wanted() {
    let ours = Authority::new();
    let url = server(&ours, "127.0.0.1", Some(&ours)).await;
    let (certificate, key) = ours.sign("larder");

    let mut connection = to(&url);
    connection.tls.ca = Some(ours.pem());
    let error = refused(connection.clone()).await;
    assert!(matches!(error, Error::Tls { .. }), "{error}");

    connection.tls.client = Some((certificate.pem().into_bytes(), key.serialize_pem().into()));
    Client::connect(connection).await.expect("connected");
}
