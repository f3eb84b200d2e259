//! Takes connections over TLS. Shakes hands with many at once, and asks each for a certificate, without judging it: whoever answers
//! a request does, since what may be asked without one is answered to everybody.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
        client::danger::HandshakeSignatureValid,
        crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
        server::danger::{ClientCertVerified, ClientCertVerifier},
    },
    server::TlsStream,
};

use super::{certificate::Material, keeper::Current};

/// Connections at once. The API server keeps a few open.
const CONNECTIONS: usize = 256;
/// How long shaking hands may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection is kept on which nothing comes. Clients that mean to go on open another one.
const IDLE: Duration = Duration::from_mins(3);
/// After a connection could not be taken, such as when there are too many open files.
const AGAIN: Duration = Duration::from_millis(500);

/// What a certificate makes of a connection.
pub(crate) fn config(material: &Material) -> Result<ServerConfig, Error> {
    let unreadable = |error: tokio_rustls::rustls::pki_types::pem::Error| Error::General(error.to_string());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(material.chain.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(material.key.as_bytes()).map_err(unreadable)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut config = builder
        .with_client_cert_verifier(Arc::new(AnyCertificate { provider }))
        .with_single_cert(chain.map_err(unreadable)?, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Whoever shows a certificate must have its key. Whose it is, is looked at with each request.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificates that who calls us has shown, its own first; not judged.
#[derive(Clone, Default)]
pub(crate) struct Shown(pub(crate) Arc<[CertificateDer<'static>]>);

impl Connected<IncomingStream<'_, TlsListener>> for Shown {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let (_, connection) = stream.io().stream.get_ref();
        let shown = connection.peer_certificates().unwrap_or_default();
        Self(shown.iter().map(|certificate| certificate.clone().into_owned()).collect())
    }
}

/// Gives connections with whom hands were shaken.
pub(crate) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(Connection, SocketAddr)>,
}

/// A connection, and its place among those that there may be.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    /// When it is given up, unless something comes.
    idle: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl TlsListener {
    /// Listens on `address`; those who come before there is a certificate wait.
    pub(crate) async fn bind(address: SocketAddr, current: Current) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (done, ready) = mpsc::channel(1);
        tokio::spawn(take(listener, current, done));
        Ok(Self { address, ready })
    }
}

/// Takes connections until nobody wants them any more.
async fn take(listener: TcpListener, mut current: Current, done: mpsc::Sender<(Connection, SocketAddr)>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    if current.wait_for(Option::is_some).await.is_err() {
        return;
    }
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let accepted = tokio::select! {
            () = done.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                sleep(AGAIN).await;
                continue;
            }
        };
        let Some(config) = current.borrow().clone() else { continue };
        let done = done.clone();
        tokio::spawn(async move {
            match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
                Ok(Ok(stream)) => {
                    // Where nobody takes it, we are on our way out.
                    let connection = Connection { stream, idle: Box::pin(sleep(IDLE)), _place: place };
                    let _ = done.send((connection, address)).await;
                }
                Ok(Err(error)) => tracing::debug!(%address, %error, "no handshake"),
                Err(_) => tracing::debug!(%address, "no handshake in time"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, to);
        if read.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
        } else if self.idle.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use tokio::sync::watch;
    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
    };

    use super::{super::certificate, *};

    /// Whether a client that trusts `bundle` shakes hands.
    async fn trusted(address: SocketAddr, bundle: &str) -> bool {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(authority.expect("PEM")).expect("an authority");
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let connector = TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()));
        let stream = TcpStream::connect(address).await.expect("a connection");
        connector.connect(ServerName::try_from("larder.backup.svc").expect("a name"), stream).await.is_ok()
    }

    #[tokio::test]
    async fn who_comes_after_a_change_sees_the_new_certificate() {
        let made = || {
            let names = ["larder.backup.svc".to_owned()];
            certificate::make(&names, Timestamp::now(), Duration::from_hours(1)).expect("made")
        };
        let (old, new) = (made(), made());
        let (show, current) = watch::channel(None);
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut listener = TlsListener::bind(local, current).await.expect("bound");
        let address = Listener::local_addr(&listener).expect("an address");
        tokio::spawn(async move {
            loop {
                listener.accept().await;
            }
        });
        show.send_replace(Some(Arc::new(config(&old).expect("a configuration"))));
        assert!(trusted(address, &old.bundle).await && !trusted(address, &new.bundle).await);
        show.send_replace(Some(Arc::new(config(&new).expect("a configuration"))));
        let both = certificate::joined(&new.bundle, &old.bundle, Timestamp::now());
        assert!(trusted(address, &both).await && !trusted(address, &old.bundle).await);
    }
}
