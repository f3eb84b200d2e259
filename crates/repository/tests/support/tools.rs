//! The real restic, the real MinIO and the real rest-server. Never skips a test for want of them: what is missing is a failure that says so.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::PASSWORD;

/// The versions of restic that are tried, oldest first.
pub const RESTICS: [&str; 2] = ["restic-0.14", "restic-0.18.1"];

/// A program, from the folder of test tools or the search path.
pub fn program(name: &str) -> PathBuf {
    let folder = env::var_os("LARDER_LAB_BIN").map_or_else(
        || Path::new(&env::var_os("HOME").expect("HOME is set")).join(".cache/larder-lab/bin"),
        PathBuf::from,
    );
    let found = folder.join(name);
    if found.exists() {
        return found;
    }
    let search = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&search)
        .map(|folder| folder.join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is neither in {} (LARDER_LAB_BIN) nor in PATH", folder.display()))
}

/// restic on one repository.
pub struct Restic {
    program: PathBuf,
    repository: String,
    options: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Restic {
    /// A version of restic (see [`RESTICS`]) on a folder or another location.
    pub fn new(version: &str, repository: impl Into<String>) -> Self {
        Self { program: program(version), repository: repository.into(), options: Vec::new(), environment: Vec::new() }
    }

    /// With credentials for S3.
    pub fn with_s3(mut self, user: &str, secret: &str) -> Self {
        self.environment.push(("AWS_ACCESS_KEY_ID".to_owned(), user.to_owned()));
        self.environment.push(("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned()));
        self
    }

    /// With an authority to trust.
    pub fn with_ca(mut self, file: &Path) -> Self {
        self.options.extend(["--cacert".to_owned(), file.to_str().unwrap().to_owned()]);
        self
    }

    /// The command, ready to be started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--no-cache", "-r", &self.repository])
            .args(&self.options)
            .args(arguments)
            .env("RESTIC_PASSWORD", PASSWORD)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Standard output of a command that succeeds.
    pub fn run(&self, arguments: &[&str]) -> String {
        let (succeeded, output) = self.try_run(arguments);
        assert!(succeeded, "{} {arguments:?}: {output}", self.program.display());
        output
    }

    /// Whether it succeeded, and its output and errors.
    pub fn try_run(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), text.concat())
    }

    /// `check --read-data`, which must find nothing.
    pub fn check(&self) {
        let output = self.run(&["check", "--read-data"]);
        assert!(output.contains("no errors were found"), "{output}");
    }
}

/// A MinIO on a free port of this machine, with its data in a temporary folder.
pub struct Minio {
    server: Child,
    port: u16,
    folder: tempfile::TempDir,
}

/// MinIO's user.
pub const MINIO_USER: &str = "larder-test";
/// That user's secret.
pub const MINIO_SECRET: &str = "larder-test-secret";
/// Longest time until MinIO answers: a loaded machine takes its time.
const MINIO_START: Duration = Duration::from_secs(90);

impl Minio {
    /// Starts one and waits until it is ready.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = serve(folder.path(), port);
        let minio = Self { server, port, folder };
        minio.wait();
        minio
    }

    /// Kills it; what it was told to store and has acknowledged stays.
    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again after [`Minio::kill`], at the same address.
    pub fn start_again(&mut self) {
        self.server = serve(self.folder.path(), self.port);
        self.wait();
    }

    fn wait(&self) {
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < MINIO_START, "MinIO is not ready after {MINIO_START:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its address, such as `http://127.0.0.1:9000`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn is_ready(&self) -> bool {
        let answer = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(b"GET /minio/health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        answer().is_ok_and(|answer| answer.lines().next().is_some_and(|line| line.contains("200")))
    }
}

fn serve(folder: &Path, port: u16) -> Child {
    Command::new(program("minio"))
        .args(["server", "--quiet", "--address", &format!("127.0.0.1:{port}"), "--console-address", "127.0.0.1:0"])
        .arg(folder.join("data"))
        .env("MINIO_ROOT_USER", MINIO_USER)
        .env("MINIO_ROOT_PASSWORD", MINIO_SECRET)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Minio {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// A rest-server on a free port of this machine, with its data in a temporary folder.
pub struct RestServer {
    server: Child,
    options: Vec<String>,
    address: String,
    folder: tempfile::TempDir,
}

/// A user of [`RestServer::with_login`].
pub const REST_USER: &str = "es";
/// That user's password.
pub const REST_PASSWORD: &str = "p/w:x@y";
/// Both, as htpasswd has them: SHA-1 of the password.
const HTPASSWD: &str = "es:{SHA}+52DdjcAHKaX0Mpe1Ii8ofLny0Y=\n";
/// Longest time until rest-server answers.
const REST_START: Duration = Duration::from_mins(1);

impl RestServer {
    /// One that anybody may use, with further options.
    pub fn open(options: &[&str]) -> Self {
        Self::start(tempfile::tempdir().unwrap(), [&["--no-auth"], options].concat())
    }

    /// One that wants [`REST_USER`], with further options.
    pub fn with_login(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("htpasswd"), HTPASSWD).unwrap();
        let file = folder.path().join("htpasswd").to_str().unwrap().to_owned();
        Self::start(folder, [&["--htpasswd-file", &file], options].concat())
    }

    fn start(folder: tempfile::TempDir, options: Vec<&str>) -> Self {
        let options: Vec<String> = options.into_iter().map(str::to_owned).collect();
        let (server, address) = serve_rest(folder.path(), &options, "127.0.0.1:0");
        Self { server, options, address, folder }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it keeps its files.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Kills it; what it was told to store and has acknowledged stays.
    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Starts it again after [`RestServer::kill`], at the same address.
    pub fn start_again(&mut self) {
        self.server = serve_rest(self.folder.path(), &self.options, &self.address).0;
    }
}

impl Drop for RestServer {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// The process, and the address on which it says that it listens.
fn serve_rest(folder: &Path, options: &[String], address: &str) -> (Child, String) {
    let log = folder.join("log");
    let output = fs::File::create(&log).unwrap();
    let mut server = Command::new(program("rest-server"))
        .args(["--listen", address, "--path"])
        .arg(folder.join("data"))
        .args(options)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let began = Instant::now();
    loop {
        let said = fs::read_to_string(&log).unwrap();
        let line = said.lines().find_map(|line| line.split_once("start server on ")).filter(|_| said.ends_with('\n'));
        if let Some((_, address)) = line {
            return (server, address.to_owned());
        }
        let gone = server.try_wait().unwrap();
        assert!(gone.is_none() && began.elapsed() < REST_START, "rest-server does not start: {said}");
        thread::sleep(Duration::from_millis(20));
    }
}
