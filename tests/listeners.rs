//! The addresses that the server listens on: TLS and what is agreed on in its handshake, certificates that are made,
//! chosen, asked for and read again, and flags that are refused.

use std::fs;
use std::io::Result;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use rustls::version::{TLS12, TLS13};
use serde_json::Value;

use crate::support::client::{Answer, Connection};
use crate::support::http2;
use crate::support::process::{Folder, Process, command};
use crate::support::tls::{Authority, Client, Pair, Stream, der, shown};

const EC: &rcgen::SignatureAlgorithm = &PKCS_ECDSA_P256_SHA256;

/// The settings of a server without a database that listens there, and these.
fn settings(listen: &str, more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let mut all = vec![("KONG_DATABASE", "off".to_owned()), ("KONG_ADMIN_LISTEN", listen.to_owned())];
    all.extend_from_slice(more);
    all
}

/// A server with a plain listener and one with TLS and these flags.
fn start(folder: &Folder, flags: &str, more: &[(&'static str, String)]) -> (Process, SocketAddr) {
    let process =
        Process::start(folder.path(), &settings(&format!("127.0.0.1:0, 127.0.0.1:0 {flags}"), more));
    let address = process.tls_addresses()[0];
    (process, address)
}

/// What a server says that does not start.
fn refused(more: &[(&'static str, String)], listen: &str) -> String {
    let folder = Folder::new();
    match Process::try_start(folder.path(), &settings(listen, more)) {
        Ok(_) => panic!("the server starts with {listen}"),
        Err(said) => said,
    }
}

/// The settings that name this pair, written into files.
fn files(folder: &Path, pair: &Pair) -> Vec<(&'static str, String)> {
    let (certificate, key) = (folder.join("own.crt"), folder.join("own.key"));
    fs::write(&certificate, &pair.certificate).unwrap();
    fs::write(&key, &pair.key).unwrap();
    vec![
        ("KONG_ADMIN_SSL_CERT", certificate.display().to_string()),
        ("KONG_ADMIN_SSL_CERT_KEY", key.display().to_string()),
    ]
}

fn status(stream: Stream) -> Result<Answer> {
    Connection::over(stream).json("GET", "/status", &Value::Null)
}

#[test]
fn a_plain_and_a_tls_listener_serve_the_same() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let pair = authority.sign(&["localhost"], EC);
    let (process, address) = start(&folder, "ssl http2", &files(folder.path(), &pair));
    for version in [&TLS12, &TLS13] {
        let client = Client { version, ..Client::trusting(authority.certificate()) };
        let stream = client.connect(address).unwrap();
        assert_eq!(shown(&stream), der(&pair.certificate));
        assert_eq!(stream.conn.alpn_protocol(), None);
        let mut connection = Connection::over(stream);
        for _ in 0..3 {
            let answer = connection.json("GET", "/services", &Value::Null).unwrap();
            assert_eq!(
                answer.json(),
                process.connect().json("GET", "/services", &Value::Null).unwrap().json()
            );
        }
    }
    // Who trusts somebody else does not connect; who speaks no TLS gets no answer, and disturbs nobody.
    assert!(Client::trusting(Authority::new().certificate()).connect(address).is_err());
    assert!(Connection::open(address).unwrap().json("GET", "/status", &Value::Null).is_err());
    let client = Client::trusting(authority.certificate());
    assert_eq!(status(client.connect(address).unwrap()).unwrap().status, 200);
    let shown = process.connect().json("GET", "/", &Value::Null).unwrap().json()["configuration"].clone();
    assert_eq!(shown["admin_ssl_enabled"], true);
    assert_eq!(shown["admin_listeners"].as_array().unwrap().len(), 2);
    assert_eq!(shown["admin_ssl_cert_key"], "******");
}

#[test]
fn the_protocol_is_agreed_on_in_the_handshake() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let pair = authority.sign(&["localhost"], EC);
    let listen = "127.0.0.1:0 ssl http2, 127.0.0.1:0, 127.0.0.1:0 ssl";
    let process = Process::start(folder.path(), &settings(listen, &files(folder.path(), &pair)));
    let [both, http1] = process.tls_addresses()[..] else { panic!("{}", process.said()) };
    let connect = |protocols, address| {
        let client = Client { protocols, ..Client::trusting(authority.certificate()) };
        client.connect(address)
    };
    for (protocols, address, agreed) in [
        (&["h2", "http/1.1"][..], both, Some("h2")),
        (&["http/1.1"][..], both, Some("http/1.1")),
        (&["h2", "http/1.1"][..], http1, Some("http/1.1")),
        (&[][..], http1, None),
    ] {
        let mut stream = connect(protocols, address).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), agreed.map(str::as_bytes), "{protocols:?}");
        if agreed == Some("h2") {
            let body: Value = serde_json::from_slice(&http2::get(&mut stream, "/status").unwrap()).unwrap();
            assert!(body["server"].is_object(), "{body}");
        } else {
            assert_eq!(status(stream).unwrap().status, 200);
        }
    }
    // Who insists on HTTP/2 where it is not offered is told so in the handshake.
    assert!(connect(&["h2"], http1).is_err());
    // Plain listeners understand it as they always have.
    let mut plain = std::net::TcpStream::connect(process.address).unwrap();
    let body: Value = serde_json::from_slice(&http2::get(&mut plain, "/status").unwrap()).unwrap();
    assert!(body["server"].is_object(), "{body}");
}

#[test]
fn a_certificate_is_made_once_and_kept() {
    let folder = Folder::new();
    let (certificate, key) =
        (folder.path().join("ssl/admin-kong-default.crt"), folder.path().join("ssl/admin-kong-default.key"));
    let (mut process, address) = start(&folder, "ssl", &[]);
    let made = fs::read_to_string(&certificate).unwrap();
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(shown(&Client::trusting(made.clone()).connect(address).unwrap()), der(&made));
    let by_address = Client { name: "127.0.0.1", ..Client::trusting(made.clone()) };
    assert_eq!(status(by_address.connect(address).unwrap()).unwrap().status, 200);
    process.terminate();
    assert!(process.wait().success());

    let (mut process, address) = start(&folder, "ssl", &[]);
    assert_eq!(shown(&Client::trusting(made.clone()).connect(address).unwrap()), der(&made));
    process.terminate();
    assert!(process.wait().success());

    // Half a pair is of no use.
    fs::remove_file(&key).unwrap();
    let (_process, address) = start(&folder, "ssl", &[]);
    let again = fs::read_to_string(&certificate).unwrap();
    assert_ne!(again, made);
    assert_eq!(status(Client::trusting(again).connect(address).unwrap()).unwrap().status, 200);
}

#[test]
fn commands_speak_to_a_node_over_tls() {
    let folder = Folder::new();
    let (_process, address) = start(&folder, "ssl", &[]);
    let own = folder.path().join("ssl/admin-kong-default.crt");
    let dump = |arguments: &[&str]| {
        let address = format!("https://localhost:{}", address.port());
        let mut command = command(folder.path(), &[]);
        command.args(["config", "dump", "-c", "/dev/null", "--address", &address]).args(arguments);
        let output = command.output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), said(&output.stdout), said(&output.stderr))
    };
    let (done, document, why) = dump(&["--ca-cert", own.to_str().unwrap()]);
    assert!(done && document.contains("_format_version"), "{why}");
    // Nobody vouches for a certificate that signs itself.
    let (done, _, why) = dump(&[]);
    assert!(!done && why.contains("cannot be reached"), "{why}");
    let (done, _, why) = dump(&["--ca-cert", "/dev/null"]);
    assert!(!done && why.contains("no certificates in PEM"), "{why}");
}

#[test]
fn certificates_are_text_too_and_chosen_by_name_and_kind() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (first, second) = (authority.sign(&["a.test", "localhost"], EC), authority.sign(&["b.test"], EC));
    let other_kind = authority.sign(&["a.test"], &PKCS_ED25519);
    let packed = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let file = files(folder.path(), &second);
    let more = [
        (
            "KONG_ADMIN_SSL_CERT",
            [first.certificate.clone(), packed(&other_kind.certificate), file[0].1.clone()].join(","),
        ),
        (
            "KONG_ADMIN_SSL_CERT_KEY",
            [first.key.clone(), packed(&other_kind.key), file[1].1.clone()].join(","),
        ),
    ];
    let (process, address) = start(&folder, "ssl", &more);
    for (name, pair) in [("a.test", &first), ("b.test", &second), ("localhost", &first)] {
        let client = Client { name, ..Client::trusting(authority.certificate()) };
        assert_eq!(shown(&client.connect(address).unwrap()), der(&pair.certificate), "{name}");
    }
    let client = Client { name: "unknown.test", ..Client::trusting(authority.certificate()) };
    assert!(client.connect(address).is_err(), "the first certificate is for another name");
    let all = process.said() + &process.connect().json("GET", "/", &Value::Null).unwrap().json().to_string();
    for secret in [&first.key, &other_kind.key, &packed(&other_kind.key)] {
        assert!(!all.contains(secret.get(40..80).unwrap()), "a key is shown");
    }
}

#[test]
fn a_client_shows_a_certificate_where_one_is_asked_for() {
    let (folder, authority, of_clients) = (Folder::new(), Authority::new(), Authority::new());
    let mut more = files(folder.path(), &authority.sign(&["localhost"], EC));
    let file = folder.path().join("clients.pem");
    fs::write(&file, of_clients.certificate() + &Authority::new().certificate()).unwrap();
    more.push(("KONG_ADMIN_CLIENT_CERTIFICATE", file.display().to_string()));
    let (process, address) = start(&folder, "ssl", &more);
    let ask = |shows: Option<Pair>, version| {
        let client = Client { shows, version, ..Client::trusting(authority.certificate()) };
        client.connect(address).and_then(status).map(|answer| answer.status)
    };
    for version in [&TLS12, &TLS13] {
        assert!(ask(None, version).is_err(), "no certificate");
        assert!(ask(Some(authority.sign(&["client"], EC)), version).is_err(), "somebody else's");
        assert_eq!(ask(Some(of_clients.sign(&["client"], EC)), version).unwrap(), 200);
    }
    // The plain listener asks nobody.
    assert_eq!(process.connect().json("GET", "/status", &Value::Null).unwrap().status, 200);

    // Others are trusted from the next handshake on.
    fs::write(&file, authority.certificate()).unwrap();
    hang_up(&process, "the settings were read again");
    assert!(ask(Some(of_clients.sign(&["client"], EC)), &TLS13).is_err());
    assert_eq!(ask(Some(authority.sign(&["client"], EC)), &TLS13).unwrap(), 200);
}

/// Tells the server to read its settings again, and waits until it has said so much more of this.
fn hang_up(process: &Process, said: &str) {
    let before = process.said().matches(said).count();
    process.hang_up();
    let deadline = Instant::now() + Duration::from_secs(10);
    while process.said().matches(said).count() == before {
        assert!(Instant::now() < deadline, "'{said}' is not in:\n{}", process.said());
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn certificates_are_read_again_and_no_connection_ends() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (first, second) = (authority.sign(&["localhost"], EC), authority.sign(&["localhost"], EC));
    let more = files(folder.path(), &first);
    let (process, address) = start(&folder, "ssl http2", &more);
    let client = Client::trusting(authority.certificate());
    let shown_now = || shown(&client.connect(address).unwrap());
    let mut open = Connection::over(client.connect(address).unwrap());

    // A certificate without its key: nothing changes, and the log says why.
    fs::write(folder.path().join("own.crt"), &second.certificate).unwrap();
    hang_up(&process, "the settings stay as they are");
    let said = process.said();
    assert!(
        said.contains("admin_ssl_cert_key, entry 1: this key does not belong to the certificate"),
        "{said}"
    );
    assert_eq!(shown_now(), der(&first.certificate));

    files(folder.path(), &second);
    hang_up(&process, "the settings were read again");
    assert_eq!(shown_now(), der(&second.certificate));
    assert_eq!(open.json("GET", "/status", &Value::Null).unwrap().status, 200);

    fs::remove_file(folder.path().join("own.key")).unwrap();
    hang_up(&process, "the settings stay as they are");
    assert_eq!(shown_now(), der(&second.certificate));
}

#[test]
fn a_server_stops_over_tls_as_without() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (mut process, address) =
        start(&folder, "ssl http2", &files(folder.path(), &authority.sign(&["localhost"], EC)));
    let client = Client::trusting(authority.certificate());
    let mut idle = Connection::over(client.connect(address).unwrap());
    assert_eq!(idle.json("GET", "/status", &Value::Null).unwrap().status, 200);
    let mut http2 = Client { protocols: &["h2"], ..client }.connect(address).unwrap();
    http2::get(&mut http2, "/status").unwrap();
    // Somebody who never shakes hands, and half a head, keep nobody waiting.
    let _silent = std::net::TcpStream::connect(address).unwrap();
    let mut half = process.connect();
    half.send(b"GET / HTTP/1.1\r\nHo").unwrap();
    let began = Instant::now();
    process.terminate();
    assert!(process.wait().success(), "{}", process.said());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn what_cannot_be_served_is_said_at_the_start() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let pair = authority.sign(&["localhost"], EC);
    let named = |certificate: &str, key: &str| {
        vec![("KONG_ADMIN_SSL_CERT", certificate.to_owned()), ("KONG_ADMIN_SSL_CERT_KEY", key.to_owned())]
    };
    let file = files(folder.path(), &pair);
    let other = authority.sign(&["localhost"], EC);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (more, listen, sentence) in [
        (vec![], "127.0.0.1:0 proxy_protocol", "asks for proxy_protocol, which this server does not speak"),
        (vec![], "127.0.0.1:0, 127.0.0.1:0 so_keepalive=1y::", "'so_keepalive=1y::' is not of the form"),
        (file[..1].to_vec(), "127.0.0.1:0 ssl", "admin_ssl_cert has 1 entries and admin_ssl_cert_key has 0"),
        (
            named("/no/such.crt", &pair.key),
            "127.0.0.1:0 ssl",
            "admin_ssl_cert, entry 1: neither PEM nor a file that can be read",
        ),
        (named(&pair.key, &pair.key), "127.0.0.1:0 ssl", "admin_ssl_cert, entry 1: there is no certificate"),
        (
            named(&pair.certificate, encrypted),
            "127.0.0.1:0 ssl",
            "admin_ssl_cert_key, entry 1: there is no private key in it that can be read without a password",
        ),
        (
            named(&pair.certificate, "c3VwZXJzZWNyZXQ="),
            "127.0.0.1:0 ssl",
            "admin_ssl_cert_key, entry 1: neither PEM nor a file that can be read",
        ),
        (
            named(&pair.certificate, &other.key),
            "127.0.0.1:0 ssl",
            "admin_ssl_cert_key, entry 1: this key does not belong to the certificate",
        ),
        (
            vec![("KONG_ADMIN_CLIENT_CERTIFICATE", pair.key.clone())],
            "127.0.0.1:0 ssl",
            "admin_client_certificate, entry 1: there is no certificate in it",
        ),
    ] {
        let said = refused(&more, listen);
        assert!(said.contains(sentence), "{said}");
        assert!(!said.contains("c3VwZXJzZWNyZXQ"), "a secret is shown: {said}");
    }
    // Without a listener that needs them, certificates are of no concern.
    let folder = Folder::new();
    Process::start(folder.path(), &settings("127.0.0.1:0", &file[..1]));
    assert!(!folder.path().join("ssl").exists());
}
