//! Who may use the Admin API: listeners that are refused, tokens, roles, and the trail of who wrote what. The nodes are
//! processes of their own, on either store; what patterns of paths mean is tested where they are read.

use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::Answer;
use crate::support::process::{self, Folder, Process};
use crate::support::{block_on, shared_postgresql};

const OWN: &str = "a-token-that-only-the-settings-know";
/// How long a node may take to hear of what another one wrote.
const PATIENCE: Duration = Duration::from_secs(10);

/// A store, and a folder for what stands beside it.
struct Place {
    folder: Folder,
    settings: Vec<(&'static str, String)>,
}

impl Place {
    fn sqlite() -> Place {
        let folder = Folder::new();
        let settings = process::sqlite(folder.path());
        Place { folder, settings }.enforcing()
    }

    fn postgres(name: &str) -> Option<Place> {
        let database = block_on(shared_postgresql()?.database(name)).unwrap();
        Some(Place { folder: Folder::new(), settings: process::postgres(&database) }.enforcing())
    }

    fn enforcing(mut self) -> Place {
        self.settings.push(("KONG_ENFORCE_RBAC", "on".to_owned()));
        self
    }

    fn start(&self) -> Process {
        Process::start(self.folder.path(), &self.settings)
    }

    /// Runs `silverback token` with these arguments.
    fn token(&self, arguments: &[&str]) -> Output {
        let mut command = process::command(self.folder.path(), &self.settings);
        command.arg("token").args(arguments).args(["-c", "/dev/null"]).output().unwrap()
    }

    /// A new token, made in the store.
    fn create(&self, name: &str, role: &str) -> String {
        printed(&self.token(&["create", name, "--role", role]))
    }
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn ask(node: &Process, token: &str, request: &str, body: &Value) -> Answer {
    let (method, path) = request.split_once(' ').unwrap();
    let headers = [("Kong-Admin-Token", token), ("Content-Type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    node.connect().exchange(method, path, &headers, body.as_bytes()).unwrap()
}

fn get(node: &Process, token: &str, path: &str) -> Answer {
    ask(node, token, &format!("GET {path}"), &Value::Null)
}

/// The names in a list.
fn names(answer: &Answer, field: &str) -> Vec<String> {
    let list = answer.json()["data"].as_array().cloned().unwrap_or_default();
    list.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn other_machines_are_not_served_unless_they_are_known_or_wanted() {
    let folder = Folder::new();
    let said = |subcommand: &[&str], settings: &[(&str, &str)]| {
        let mut command = process::command(folder.path(), &process::sqlite(folder.path()));
        let output = command.args(subcommand).envs(settings.iter().copied()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let check = |settings: &[(&str, &str)]| said(&["check", "/dev/null"], settings);
    for address in
        ["0.0.0.0:8001", "[::]:8001", "192.0.2.1:8001", "admin.test:8001", "127.0.0.1:1, 0.0.0.0:2 ssl"]
    {
        let listen = ("KONG_ADMIN_LISTEN", address);
        for subcommand in [&["check", "/dev/null"][..], &["start", "-c", "/dev/null"]] {
            let (fine, why) = said(subcommand, &[listen]);
            assert!(!fine && why.contains("other machines reach"), "{address}: {why}");
        }
        assert!(check(&[listen, ("KONG_ENFORCE_RBAC", "on")]).0, "{address}");
        assert!(check(&[listen, ("KONG_ADMIN_ALLOW_UNAUTHENTICATED", "on")]).0, "{address}");
    }
    let (fine, why) = check(&[("KONG_ADMIN_TOKEN", "too-short-a-token")]);
    assert!(!fine && why.contains("at least 20 characters") && !why.contains("too-short"), "{why}");
    for address in ["127.0.0.1:8001", "127.1.2.3:8001", "[::1]:8001", "localhost:8001", "off"] {
        assert!(check(&[("KONG_ADMIN_LISTEN", address)]).0, "{address}");
    }
}

#[test]
fn nobody_is_let_in_without_a_token() {
    let place = Place::sqlite();
    let token = place.create("ops", "admin");
    let node = place.start();
    for path in ["/", "/services", "/nowhere", "/status", "/admin-tokens", "/default/services"] {
        for headers in [
            &[][..],
            &[("Kong-Admin-Token", "")],
            &[("Kong-Admin-Token", "wrong")],
            &[("Authorization", "Basic b3BzOm9wcw==")],
            &[("Authorization", "Bearer wrong")],
        ] {
            let answer = node.connect().exchange("GET", path, headers, b"").unwrap();
            assert_eq!(answer.status, 401, "{path} {headers:?}");
            assert_eq!(answer.message(), "Invalid credentials. Token or User credentials required");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    let bearer = format!("Bearer {token}");
    let answer = node.connect().exchange("GET", "/services", &[("Authorization", &bearer)], b"").unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(get(&node, &token, "/nowhere").status, 404);
    // Before its token, a browser asks what it may ask.
    assert_eq!(node.connect().json("OPTIONS", "/services", &Value::Null).unwrap().status, 204);
    assert_eq!(node.connect().json("OPTIONS", "/certificates/some.sni", &Value::Null).unwrap().status, 204);
    // The page in which the API is tried holds nothing of the node.
    assert_eq!(node.connect().json("GET", "/docs", &Value::Null).unwrap().status, 200);
    // A body that comes without a token is not read.
    let answer =
        node.connect().exchange("POST", "/services", &[("Content-Type", "text/plain")], b"x").unwrap();
    assert_eq!(answer.status, 401);
    assert!(!node.said().contains(&token) && !get(&node, &token, "/").json().to_string().contains(&token));
}

#[test]
fn tokens_and_roles_on_sqlite() {
    play(&Place::sqlite());
}

#[test]
fn tokens_and_roles_on_postgres() {
    if let Some(place) = Place::postgres("access_roles") {
        play(&place);
    }
}

fn play(place: &Place) {
    let (admin, reader) = (place.create("ops", "admin"), place.create("viewer", "read-only"));
    assert!(!place.token(&["create", "ops"]).status.success(), "a name is one token's");
    let node = place.start();
    let create = |token: &str, path: &str, body: Value| ask(&node, token, &format!("POST {path}"), &body);

    // Built-in roles.
    assert_eq!(create(&admin, "/services", json!({"host": "a.test", "name": "a"})).status, 201);
    assert_eq!(get(&node, &reader, "/services/a").status, 200);
    assert_eq!(ask(&node, &reader, "HEAD /services/a", &Value::Null).status, 200);
    let refused = create(&reader, "/services", json!({"host": "b.test"}));
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (403, "you do not have permissions to create this resource")
    );
    let refused = ask(&node, &reader, "DELETE /services/a", &Value::Null);
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (403, "you do not have permissions to delete this resource")
    );

    // Roles of one's own: methods and paths.
    let role = json!({"name": "router", "permissions": [
        {"methods": ["GET", "POST"], "paths": ["/services/*/routes"]}, {"paths": ["/services/*"]},
    ]});
    assert_eq!(create(&admin, "/admin-roles", role).status, 201);
    let given = "a-token-of-more-than-twenty-characters";
    let token = json!({"name": "ci", "roles": ["router"], "token": given});
    let answer = create(&admin, "/admin-tokens", token);
    assert_eq!(answer.status, 201, "{}", answer.json());
    assert!(!answer.json().to_string().contains(given));
    assert_eq!(create(given, "/services/a/routes", json!({"paths": ["/a"]})).status, 201);
    for (path, status) in [
        ("/services/a", 200),
        ("/default/services/a", 200),
        ("/services/%61", 200),
        ("/services/a/routes", 200),
        ("/services", 403),
        ("/routes", 403),
        ("/", 403),
        ("/admin-tokens", 403),
        ("/services/a/plugins", 403),
        ("/blue/services/a", 403),
    ] {
        assert_eq!(get(&node, given, path).status, status, "{path}");
    }

    // What a role allows changes at once, and so does who has it.
    let wider = json!({"permissions": [{"paths": ["/**"]}]});
    assert_eq!(ask(&node, &admin, "PATCH /admin-roles/router", &wider).status, 200);
    assert_eq!(get(&node, given, "/routes").status, 200);
    let ended = json!({"expires_at": 1000});
    assert_eq!(ask(&node, &admin, "PATCH /admin-tokens/ci", &ended).status, 200);
    assert_eq!(get(&node, given, "/routes").status, 401);
    assert_eq!(
        ask(&node, &admin, "PATCH /admin-tokens/ci", &json!({"expires_at": null, "roles": ["gone"]})).status,
        200
    );
    assert_eq!(get(&node, given, "/routes").status, 403);
    assert_eq!(ask(&node, &admin, "DELETE /admin-tokens/ci", &Value::Null).status, 204);
    assert_eq!(get(&node, given, "/routes").status, 401);

    // What is no token, and no role.
    for (path, body) in [
        ("/admin-tokens", json!({"name": "x", "roles": ["admin"]})),
        ("/admin-tokens", json!({"name": "x", "roles": ["admin"], "token": "short"})),
        ("/admin-tokens", json!({"name": "x", "token": given})),
        ("/admin-tokens", json!({"name": "x", "roles": ["admin"], "digest": "zz"})),
        ("/admin-roles", json!({"name": "admin"})),
        ("/admin-roles", json!({"name": "x", "permissions": [{"paths": ["services"]}]})),
        ("/admin-roles", json!({"name": "x", "permissions": [{"paths": []}]})),
        ("/admin-roles", json!({"name": "x", "permissions": [{"paths": ["/**/routes"]}]})),
        ("/admin-roles", json!({"name": "x", "permissions": [{"paths": ["/"], "methods": ["TRACE"]}]})),
    ] {
        let answer = create(&admin, path, body.clone());
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(2)), "{body}: {}", answer.json());
    }
    assert_eq!(names(&get(&node, &admin, "/admin-roles"), "name"), ["router"]);

    // Who wrote what.
    let trail = get(&node, &reader, "/audit/objects?dao_name=services").json();
    let line = &trail["data"][0];
    assert_eq!((&line["rbac_user_name"], &line["operation"]), (&json!("ops"), &json!("create")));
    assert!(line["fields"].as_array().unwrap().contains(&json!("host")), "{line}");
    let first = get(&node, &admin, "/audit/objects?size=1&dao_name=admin_roles").json();
    assert_eq!(first["data"][0]["operation"], "update");
    let next = get(&node, &admin, first["next"].as_str().unwrap()).json();
    assert_eq!((&next["data"][0]["operation"], &next["next"]), (&json!("create"), &Value::Null));
    assert_eq!(names(&get(&node, &admin, "/audit/objects?rbac_user_name=ci"), "dao_name"), ["routes"]);
    assert_eq!(get(&node, &admin, "/audit/objects?offset=%25").status, 400);

    // Through a running node, with the token from the environment.
    let address = format!("http://{}", node.address);
    let through = |arguments: &[&str]| {
        let mut command = process::command(place.folder.path(), &place.settings);
        command.env("KONG_ADMIN_TOKEN", &admin);
        command
            .arg("token")
            .args(arguments)
            .args(["-c", "/dev/null", "--address", &address])
            .output()
            .unwrap()
    };
    let made = printed(&through(&["create", "remote", "--expires-in", "3600"]));
    assert_eq!(get(&node, &made, "/services").status, 200);
    assert!(printed(&through(&["list"])).contains("\tremote\tread-only\t"));
    printed(&through(&["revoke", "remote"]));
    assert_eq!(get(&node, &made, "/services").status, 401);
    assert!(!through(&["revoke", "remote"]).status.success());
}

#[test]
fn tags_limit_what_is_seen_and_written() {
    let mut place = Place::sqlite();
    place.settings.push(("KONG_ADMIN_TOKEN", OWN.to_owned()));
    let node = place.start();
    let by = |token: &str, request: &str, body: Value| ask(&node, token, request, &body);
    for (name, tags) in
        [("ours", json!(["team-a", "x"])), ("theirs", json!(["team-b"])), ("plain", json!(null))]
    {
        let body = json!({"host": "h.test", "name": name, "tags": tags});
        assert_eq!(by(OWN, "POST /services", body).status, 201);
    }
    let every = json!(["GET", "POST", "PUT", "PATCH", "DELETE"]);
    let role =
        json!({"name": "team-a", "permissions": [{"methods": every, "paths": ["/**"], "tags": ["team-a"]}]});
    assert_eq!(by(OWN, "POST /admin-roles", role).status, 201);
    let team = "the-token-of-team-a-which-is-long";
    let row = json!({"name": "team-a", "roles": ["team-a"], "token": team});
    assert_eq!(by(OWN, "POST /admin-tokens", row).status, 201);

    assert_eq!(names(&by(team, "GET /services", Value::Null), "name"), ["ours"]);
    assert_eq!(names(&by(OWN, "GET /services", Value::Null), "name").len(), 3);
    assert_eq!(names(&by(team, "GET /services", Value::Null), "name"), ["ours"]);
    assert_eq!(by(team, "GET /services/ours", Value::Null).status, 200);
    let wanted = "you do not have permissions to write rows that carry none of the tags of your roles";
    for (request, body, status) in [
        ("GET /services/theirs", Value::Null, 404),
        ("GET /services/plain", Value::Null, 404),
        ("PATCH /services/ours", json!({"host": "i.test"}), 200),
        ("PATCH /services/ours", json!({"tags": ["team-b"]}), 403),
        ("PATCH /services/theirs", json!({"host": "i.test"}), 403),
        ("PUT /services/theirs", json!({"host": "i.test", "tags": ["team-a"]}), 403),
        ("DELETE /services/theirs", Value::Null, 403),
        ("POST /services", json!({"host": "h.test", "name": "new"}), 403),
        ("POST /services", json!({"host": "h.test", "name": "new", "tags": ["team-a"]}), 201),
        ("PUT /services/newer", json!({"host": "h.test", "tags": ["team-a"]}), 200),
        ("PUT /services/newest", json!({"host": "h.test"}), 403),
        ("DELETE /services/new", Value::Null, 204),
        ("GET /status", Value::Null, 403),
        ("PUT /configuration", json!({"_format_version": "3.0"}), 403),
    ] {
        let answer = by(team, request, body.clone());
        assert_eq!(answer.status, status, "{request} {body}: {}", answer.json());
        if status == 403 && request.contains("services") {
            assert_eq!(answer.message(), wanted);
        }
    }
    assert_eq!(by(OWN, "GET /services/theirs", Value::Null).json()["host"], "h.test");
    assert_eq!(by(OWN, "GET /services/newest", Value::Null).status, 404);
    assert_eq!(names(&by(OWN, "GET /audit/objects?size=1", Value::Null), "rbac_user_name"), ["team-a"]);
}

#[test]
fn a_node_without_a_database_knows_the_token_of_its_settings() {
    let folder = Folder::new();
    let settings = [
        ("KONG_DATABASE", "off".to_owned()),
        ("KONG_ENFORCE_RBAC", "on".to_owned()),
        ("KONG_ADMIN_TOKEN", OWN.to_owned()),
    ];
    let node = Process::start(folder.path(), &settings);
    let document = json!({"_format_version": "3.0", "services": [{"name": "a", "host": "a.test"}]});
    assert_eq!(ask(&node, OWN, "POST /config", &document).status, 201);
    assert_eq!(ask(&node, "wrong", "POST /config", &document).status, 401);
    assert_eq!(get(&node, OWN, "/services/a").status, 200);
    assert!(!node.said().contains(OWN) && !get(&node, OWN, "/").json().to_string().contains(OWN));
    let token = json!({"name": "x", "roles": ["admin"], "token": "a-token-that-is-long-enough"});
    assert_eq!(ask(&node, OWN, "POST /admin-tokens", &token).status, 405);
}

#[test]
fn another_node_hears_of_it() {
    let Some(place) = Place::postgres("access_nodes") else { return };
    let admin = place.create("ops", "admin");
    let (one, other) = (place.start(), place.start());
    let token = "a-token-that-is-about-to-be-revoked";
    let row = json!({"name": "x", "roles": ["read-only"], "token": token});
    assert_eq!(ask(&one, &admin, "POST /admin-tokens", &row).status, 201);
    assert_eq!(get(&other, token, "/services").status, 200);
    assert_eq!(ask(&one, &admin, "DELETE /admin-tokens/x", &Value::Null).status, 204);
    let deadline = Instant::now() + PATIENCE;
    while get(&other, token, "/services").status != 401 {
        assert!(Instant::now() < deadline, "the other node still knows the token");
        sleep(Duration::from_millis(5));
    }
    // The command on the database is heard as well.
    let made = place.create("y", "read-only");
    assert_eq!(get(&one, &made, "/services").status, 200);
    printed(&place.token(&["revoke", "y"]));
    let deadline = Instant::now() + PATIENCE;
    while get(&one, &made, "/services").status != 401 {
        assert!(Instant::now() < deadline, "the node still knows the token");
        sleep(Duration::from_millis(5));
    }
}
