//! A real API server that passes on to an operator of this machine, and kubectl as people use it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::tools::program;

/// What the API server calls the operator by; of each there is one on a server.
pub const API_SERVICE: &str = "apiservice/v1alpha1.repositories.stash.appscode.com";
/// The same for its questions about objects.
pub const WEBHOOK: &str = "validatingwebhookconfiguration/admission.stash.appscode.com";

/// How long anything may take that the API server has to notice first.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a call of kubectl ended.
#[derive(Debug)]
pub struct Said {
    pub well: bool,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Standard output, where it went well.
    pub fn out(self) -> String {
        assert!(self.well, "{self:?}");
        self.out
    }

    /// Standard error, where it did not.
    pub fn refused(self) -> String {
        assert!(!self.well, "{self:?}");
        self.err
    }
}

fn kubeconfig() -> String {
    std::env::var("LARDER_TEST_KUBECONFIG").expect("LARDER_TEST_KUBECONFIG: lab/lab start kubernetes")
}

/// kubectl, with all rights.
pub fn kubectl(arguments: &[&str]) -> Said {
    let mut command = Command::new(program("kubectl"));
    let out = command.env("KUBECONFIG", kubeconfig()).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { well: out.status.success(), out: text(out.stdout), err: text(out.stderr) }
}

/// What kubectl prints as JSON.
pub fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&kubectl(&[arguments, &["-o", "json"]].concat()).out()).unwrap()
}

/// Makes objects, or says why the API server does not take them.
pub fn apply(manifest: &str) -> Said {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(manifest.as_bytes()).unwrap();
    kubectl(&["apply", "-f", file.path().to_str().unwrap()])
}

/// Waits for a fact.
pub fn becomes(what: &str, fact: impl Fn() -> bool) {
    let begun = Instant::now();
    while !fact() {
        assert!(begun.elapsed() < PATIENCE, "it did not come to this: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An operator, by a Service that leads to this machine.
pub struct Operator {
    process: Child,
    pub namespace: String,
    pub port: u16,
    health: u16,
    log: tempfile::NamedTempFile,
    lifetime: String,
    first: bool,
}

fn base64(text: &str) -> Vec<u8> {
    let mut decoder = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    decoder.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    decoder.wait_with_output().unwrap().stdout
}

impl Operator {
    /// Starts one in a namespace of its own, whose certificates last `lifetime`, and waits until the API server passes on to it.
    pub fn start(name: &str, lifetime: &str) -> Self {
        let namespace = format!("{name}-{}", std::process::id());
        let (port, health) = (free_port(), free_port());
        let crds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/larder/crds");
        kubectl(&["apply", "--server-side", "--force-conflicts", "-f", crds]).out();
        let objects = include_str!("objects.yaml").replace("NAMESPACE", &namespace).replace("PORT", &port.to_string());
        apply(&objects).out();
        let log = tempfile::NamedTempFile::new().unwrap();
        let process = spawn(&namespace, "first", [port, health], lifetime, &log);
        let operator = Self { process, namespace, port, health, log, lifetime: lifetime.to_owned(), first: true };
        operator.serves();
        operator
    }

    /// Starts another replica of it.
    pub fn another(&self) -> Self {
        let (port, health) = (free_port(), free_port());
        let log = tempfile::NamedTempFile::new().unwrap();
        let namespace = self.namespace.clone();
        let process = spawn(&namespace, "second", [port, health], &self.lifetime, &log);
        Self { process, namespace, port, health, log, lifetime: self.lifetime.clone(), first: false }
    }

    /// Whether it shows a certificate that the API server was told to trust.
    pub fn is_trusted(&self) -> bool {
        let bundle = kubectl(&["get", API_SERVICE, "-o", "jsonpath={.spec.caBundle}"]).out();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&base64(&bundle)).unwrap();
        let (name, port) = (format!("larder.{}.svc", self.namespace), self.port);
        let mut curl = Command::new("curl");
        curl.args(["-fsS", "-m", "5", "--cacert", file.path().to_str().unwrap()]);
        curl.args(["--resolve", &format!("{name}:{port}:127.0.0.1"), &format!("https://{name}:{port}/healthz")]);
        curl.output().unwrap().status.success()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Whether it says that it is ready.
    pub fn is_ready(&self) -> bool {
        let asked = Command::new("curl")
            .args(["-fsS", "-m", "5", &format!("http://127.0.0.1:{}/readyz", self.health)])
            .output();
        asked.is_ok_and(|out| out.status.success())
    }

    /// Those of its own namespace, where no other test leaves anything.
    fn snapshots(&self) -> String {
        format!("/apis/repositories.stash.appscode.com/v1alpha1/namespaces/{}/snapshots", self.namespace)
    }

    fn serves(&self) {
        let list = ["get", "--raw", &self.snapshots()];
        let begun = Instant::now();
        while !kubectl(&list).well {
            let log = || fs::read_to_string(self.log.path()).unwrap();
            assert!(begun.elapsed() < PATIENCE, "{:?}: {}", kubectl(&list), log());
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn spawn(namespace: &str, pod: &str, [port, health]: [u16; 2], lifetime: &str, log: &tempfile::NamedTempFile) -> Child {
    Command::new(env!("CARGO_BIN_EXE_larder"))
        .env("KUBECONFIG", kubeconfig())
        .args(["operator", "--image=none", "--manage-crds=false", "--snapshots-api=true", "--webhook=true"])
        .args([format!("--lease-namespace={namespace}"), format!("--pod-name={pod}")])
        .args([format!("--serve=127.0.0.1:{port}"), format!("--listen=127.0.0.1:{health}")])
        .arg(format!("--serving-lifetime={lifetime}"))
        .stdin(Stdio::null())
        .stdout(log.reopen().unwrap())
        .stderr(log.reopen().unwrap())
        .spawn()
        .unwrap()
}

impl Drop for Operator {
    /// What the API server would go on asking is taken away.
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        if self.first {
            kubectl(&["delete", API_SERVICE, WEBHOOK, "--ignore-not-found", "--wait=false"]);
        }
    }
}
