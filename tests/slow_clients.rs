//! Clients that take their time, or more than their share: thousands who send nothing or little, who do not read what
//! they asked for, and who ask for too much. The others must not notice, and the server must not grow.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::{Connection, request};
use crate::support::process::{self, Folder, Process, sqlite};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The memory that a process holds, in megabytes.
fn megabytes(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// How many connections the server has open, beside the one that asks.
fn others(connection: &mut Connection) -> u64 {
    let status = connection.json("GET", "/status", &Value::Null).unwrap().json();
    status["server"]["connections_active"].as_u64().unwrap() - 1
}

/// Whether the server has closed a connection, whatever it said before.
fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(cause) => return cause.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Waits until something holds.
fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn thousands_of_slow_clients_keep_nobody_waiting() {
    const SILENT: usize = 1000;
    const TRICKLING: usize = 500;
    rlimit::increase_nofile_limit(8192).unwrap();
    let folder = Folder::new();
    let file = folder.path().join("kong.conf");
    fs::write(&file, "request_timeout = 10000\n").unwrap();
    let mut process = Process::spawn_with(&file, folder.path(), &sqlite(folder.path()));
    process.wait_until_it_answers().unwrap();
    let mut normal = process.connect();
    let before = megabytes(&process);
    let connect = || TcpStream::connect(process.address).unwrap();
    let silent: Vec<_> = (0..SILENT).map(|_| connect()).collect();
    let heads: Vec<_> = (0..TRICKLING).map(|_| connect()).collect();
    let bodies: Vec<_> = (0..TRICKLING).map(|_| connect()).collect();
    let body = format!("{{\"name\": \"{}\"}}", "a".repeat(10_000));
    let mut begun = request("POST", "/services", &[JSON], body.as_bytes());
    begun.truncate(begun.len() - body.len());
    bodies.iter().for_each(|mut stream| stream.write_all(&begun).unwrap());
    eventually("all are connected", Duration::from_secs(20), || {
        others(&mut normal) >= (SILENT + 2 * TRICKLING) as u64
    });

    let (over, mut longest, mut most) = (AtomicBool::new(false), Duration::ZERO, 0);
    scope(|scope| {
        scope.spawn(|| {
            // A byte to each of them again and again; who was closed does not take it.
            while !over.load(Ordering::Relaxed) {
                heads.iter().for_each(|mut stream| drop(stream.write(b"X")));
                bodies.iter().for_each(|mut stream| drop(stream.write(b"a")));
                sleep(Duration::from_millis(200));
            }
        });
        for number in 0..100 {
            let began = Instant::now();
            let name = format!("s{number}");
            let answer = normal.json("POST", "/services", &json!({"name": name, "host": "h.test"})).unwrap();
            assert_eq!(answer.status, 201);
            let answer = normal.json("GET", &format!("/services/{name}"), &Value::Null).unwrap();
            assert_eq!(answer.status, 200);
            longest = longest.max(began.elapsed());
            most = most.max(megabytes(&process));
        }
        assert!(others(&mut normal) >= (SILENT + TRICKLING) as u64, "nobody had his time yet");
        // Their time is shorter from now on, and what is left of it is over.
        fs::write(&file, "admin_header_timeout = 1000\nadmin_keepalive_timeout = 60000\n").unwrap();
        process.hang_up();
        eventually("the slow ones are closed", Duration::from_secs(30), || others(&mut normal) == 0);
        over.store(true, Ordering::Relaxed);
    });
    assert!(longest < Duration::from_secs(2), "a client waited for {longest:?}");
    assert!(most - before < 150, "{before} MB have become {most}");
    assert!(silent.iter().chain(&heads).chain(&bodies).all(is_closed));
}

#[test]
fn an_answer_that_nobody_reads_is_not_kept() {
    let (_folder, process) = process::on_sqlite(&[("KONG_ADMIN_SEND_TIMEOUT", "1500")]);
    let mut normal = process.connect();
    for number in 0..100 {
        let tags: Vec<_> = (0..100).map(|tag| format!("{tag}-{}", "t".repeat(200))).collect();
        let row = json!({"name": format!("s{number}"), "host": "h.test", "tags": tags});
        assert_eq!(normal.json("POST", "/services", &row).unwrap().status, 201);
    }
    let whole = normal.json("GET", "/services?size=100", &Value::Null).unwrap().body.len();
    assert!(whole > 2_000_000, "{whole}");
    let before = megabytes(&process);
    let many = request("GET", "/services?size=100", &[], b"").repeat(100);
    let deaf: Vec<_> = (0..20).map(|_| TcpStream::connect(process.address).unwrap()).collect();
    deaf.iter().for_each(|mut stream| stream.write_all(&many).unwrap());
    let mut most = 0;
    eventually("they are closed", Duration::from_secs(30), || {
        most = most.max(megabytes(&process));
        others(&mut normal) == 0
    });
    // All that was asked for is twenty times as much as this.
    assert!(most - before < 200, "{before} MB have become {most}");
    // Who reads slowly, but reads, is served to the end.
    let mut slow = TcpStream::connect(process.address).unwrap();
    slow.write_all(&request("GET", "/services?size=100", &[("Connection", "close")], b"")).unwrap();
    let (mut buffer, mut read) = (vec![0; 256 * 1024], 0);
    loop {
        match slow.read(&mut buffer).unwrap() {
            0 => break,
            count => read += count,
        }
        sleep(Duration::from_millis(100));
    }
    assert!(read > whole, "{read} of {whole}");
}

#[test]
fn connections_between_requests_have_their_time_too() {
    let (_folder, process) = process::on_sqlite(&[
        ("KONG_ADMIN_KEEPALIVE_TIMEOUT", "2500"),
        ("KONG_ADMIN_HEADER_TIMEOUT", "1000"),
    ]);
    let mut idle = process.connect();
    let began = Instant::now();
    // Each request begins the time anew.
    while began.elapsed() < Duration::from_millis(3500) {
        assert_eq!(idle.json("GET", "/status", &Value::Null).unwrap().status, 200);
        sleep(Duration::from_millis(300));
    }
    let began = Instant::now();
    assert!(idle.answer("GET").is_err());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // Half a head has less.
    let mut half = process.connect();
    half.json("GET", "/status", &Value::Null).unwrap();
    half.send(b"GET / HTTP/1.1\r\n").unwrap();
    assert!(half.answer("GET").is_err());
}

#[test]
fn there_are_no_more_connections_than_there_may_be() {
    // The shortest time that is allowed says how exactly idle connections are told apart.
    let (_folder, process) =
        process::on_sqlite(&[("KONG_ADMIN_MAX_CONNECTIONS", "8"), ("KONG_ADMIN_SEND_TIMEOUT", "800")]);
    let mut open = vec![process.connect()];
    // Whoever waited for the server to start is gone.
    eventually("there is one", Duration::from_secs(10), || others(&mut open[0]) == 0);
    open.extend((0..7).map(|_| process.connect()));
    for connection in &mut open {
        assert_eq!(connection.json("GET", "/status", &Value::Null).unwrap().status, 200);
        // So that the first of them is the one that has been idle for longest.
        sleep(Duration::from_millis(250));
    }
    let mut ninth = process.connect();
    assert!(others(&mut ninth) <= 8);
    assert!(open[0].json("GET", "/status", &Value::Null).is_err());
    assert!(open[1..].iter_mut().all(|own| own.json("GET", "/status", &Value::Null).is_ok()));
    // Where all are busy, the new one is.
    let whole = request("POST", "/services", &[JSON], b"{\"host\": \"h.test\"}");
    open[0] = ninth;
    for connection in &mut open {
        connection.send(&whole[..whole.len() - 5]).unwrap();
    }
    sleep(Duration::from_millis(300));
    assert!(process.connect().json("GET", "/status", &Value::Null).is_err());
    open[3].send(&whole[whole.len() - 5..]).unwrap();
    assert_eq!(open[3].answer("POST").unwrap().status, 201);
    assert_eq!(process.connect().json("GET", "/status", &Value::Null).unwrap().status, 200);
}

#[test]
fn a_client_asks_no_more_than_it_may() {
    let folder = Folder::new();
    let file = folder.path().join("kong.conf");
    fs::write(&file, "admin_rate_limit = 1\nadmin_rate_limit_burst = 3\n").unwrap();
    let settings: Vec<_> = sqlite(folder.path());
    let mut process = Process::spawn_with(&file, folder.path(), &settings);
    process.wait_until_it_answers().unwrap();
    let mut connection = process.connect();
    let answers: Vec<_> =
        (0..5).map(|_| connection.json("GET", "/services", &Value::Null).unwrap()).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("all are answered");
    assert_eq!(refused.json(), json!({"message": "API rate limit exceeded"}));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.header("server").is_some() && refused.header("x-kong-admin-latency").is_some());
    eventually("it may ask again", Duration::from_secs(10), || {
        connection.json("GET", "/services", &Value::Null).unwrap().status == 200
    });

    // The limit is another when the settings are read again.
    fs::write(&file, "admin_concurrency_limit = 2\n").unwrap();
    process.hang_up();
    eventually("the limit is gone", Duration::from_secs(10), || {
        (0..10).all(|_| connection.json("GET", "/services", &Value::Null).unwrap().status == 200)
    });
    let whole = request("POST", "/services", &[JSON], b"{\"host\": \"h.test\"}");
    let mut begun = Vec::new();
    // Where the third comes before the second, it is the second that is too many.
    eventually("a third is too many", Duration::from_secs(30), || {
        begun = (0..2).map(|_| process.connect()).collect();
        begun.iter_mut().for_each(|own| own.send(&whole[..whole.len() - 5]).unwrap());
        sleep(Duration::from_millis(200));
        let answer = connection.json("GET", "/services", &Value::Null).unwrap();
        answer.status == 429 && answer.message() == "too many requests at once"
    });
    for own in &mut begun {
        own.send(&whole[whole.len() - 5..]).unwrap();
        assert_eq!(own.answer("POST").unwrap().status, 201);
    }
    assert_eq!(connection.json("GET", "/services", &Value::Null).unwrap().status, 200);
}
