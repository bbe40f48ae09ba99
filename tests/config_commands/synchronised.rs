//! Produces the proof that a store becomes what a file says, as a whole or not at all, and that nothing else changes.

use serde_json::json;

use super::{Place, end, rows};

const BEFORE: &str = "
_format_version: '3.0'
services:
- {name: billing, host: billing.test, tags: [eu], routes: [{name: pay, paths: [/pay]}]}
- {name: search, host: search.test}
consumers:
- {username: bob, basicauth_credentials: [{username: bob, password: secret}]}
";

const AFTER: &str = "
_format_version: '3.0'
services:
- {name: billing, host: billing.test, port: 8080, tags: [eu], routes: [{name: pay, paths: [/pay, /payment]}]}
- {name: maps, url: 'https://maps.test/v1'}
consumers:
- {username: bob, basicauth_credentials: [{username: bob, password: secret}]}
";

#[test]
fn only_what_differs_changes() {
    for place in Place::each("config_sync") {
        place.write("before.yml", BEFORE);
        place.write("after.yml", AFTER);
        assert!(place.config(&["sync", "before.yml"]).with(0).ends_with("5 created, 0 updated, 0 deleted\n"));
        let before = place.exported();
        let expected = "\
~ services billing
-   port: 80
+   port: 8080
+ services maps
+   name: maps
+   protocol: https
+   host: maps.test
+   port: 443
+   path: \"/v1\"
~ routes pay (service: billing)
-   paths:
-   - \"/pay\"
+   paths:
+   - \"/pay\"
+   - \"/payment\"
- services search
1 to create, 2 to update, 1 to delete
";
        assert_eq!(place.config(&["diff", "after.yml"]).with(2), expected);
        assert_eq!(place.config(&["sync", "--dry-run", "after.yml"]).with(2), expected);
        assert_eq!(place.exported(), before, "a dry run changes nothing");
        let said = place.config(&["sync", "after.yml"]).with(0);
        assert!(said.ends_with("1 created, 2 updated, 1 deleted\n"), "{said}");
        assert_eq!(place.config(&["diff", "after.yml"]).with(0), "no difference\n");
        place.config(&["sync", "before.yml"]).with(0);
        assert_eq!(place.exported(), before);
    }
}

#[test]
fn secrets_are_not_told() {
    let place = Place::sqlite();
    place.write(
        "a.yml",
        "_format_version: '3.0'\nconsumers: [{username: bob, basicauth_credentials: [{username: b, \
                          password: hunter2}], keyauth_credentials: [{key: hunter3}]}]\n",
    );
    place.write(
        "b.yml",
        "_format_version: '3.0'\nconsumers: [{username: bob, basicauth_credentials: [{username: b, \
                          password: hunter4}], jwt_secrets: [{key: k, secret: hunter5}]}]\n",
    );
    let mut said = place.config(&["diff", "a.yml"]).with(2);
    said += &place.config(&["sync", "a.yml"]).with(0);
    said += &place.config(&["sync", "b.yml"]).with(0);
    assert!(!said.contains("hunter") && said.contains("password: \"******\""), "{said}");
}

#[test]
fn what_a_node_made_up_stays() {
    let place = Place::sqlite();
    place.write("kong.yml", "_format_version: '3.0'\nconsumers: [{username: bob, keyauth_credentials: [{tags: [a]}], \
                             jwt_secrets: [{key: k}]}]\nplugins: [{name: session}]\nroutes: [{paths: [/x]}]\n");
    place.config(&["sync", "kong.yml"]).with(0);
    let before = place.exported();
    assert_eq!(place.config(&["diff", "kong.yml"]).with(0), "no difference\n");
    place.config(&["sync", "kong.yml"]).with(0);
    assert_eq!(place.exported(), before);
}

#[test]
fn rows_made_over_the_admin_api_are_known_by_their_names() {
    for place in Place::each("config_names") {
        let process = place.start();
        let mut connection = process.connect();
        let mut post = |path: &str, body| {
            let answer = connection.json("POST", path, &body).unwrap();
            assert_eq!(answer.status, 201, "{}", answer.json());
        };
        post("/services", json!({"name": "billing", "host": "billing.test", "tags": ["eu"]}));
        post("/services/billing/routes", json!({"name": "pay", "paths": ["/pay"]}));
        post("/services", json!({"name": "search", "host": "search.test"}));
        post("/consumers", json!({"username": "bob"}));
        post("/consumers/bob/basic-auth", json!({"username": "bob", "password": "secret"}));
        end(process);
        place.write("before.yml", BEFORE);
        assert_eq!(place.config(&["diff", "before.yml"]).with(0), "no difference\n");
    }
}

#[test]
fn a_fault_leaves_nothing_behind() {
    for place in Place::each("config_faults") {
        place.write("before.yml", BEFORE);
        place.config(&["sync", "before.yml"]).with(0);
        let before = place.exported();
        // The last row takes the name of a consumer that has another id, which only the database finds.
        let id = "00000000-0000-4000-8000-000000000001";
        place.write("wrong.yml", &format!(
            "_format_version: '3.0'\nservices: [{{name: new, host: new.test}}]\nconsumers: [{{id: {id}, username: bob}}]\n"
        ));
        let said = place.config(&["db_import", "wrong.yml"]).refused();
        assert!(said.contains("consumers") && said.contains("UNIQUE violation"), "{said}");
        assert_eq!(place.exported(), before);
        // A plugin that fits no route of its service is refused by the store, after everything before it.
        place.write(
            "wrong.yml",
            "_format_version: '3.0'\nservices: [{name: new, host: new.test, plugins: [{name: cors, \
                                  protocols: [http]}], routes: [{protocols: [https], hosts: [a.test]}]}]\n",
        );
        let said = place.config(&["sync", "wrong.yml"]).refused();
        assert!(said.contains("must match the protocols"), "{said}");
        assert_eq!(place.exported(), before);
    }
}

#[test]
fn one_row_among_many_is_told() {
    for place in Place::each("config_many") {
        let file = |rows: &str| format!("_format_version: '3.0'\n{rows}");
        let services = |numbers: std::ops::Range<usize>, port: usize| -> String {
            let service = |i| {
                format!("- {{name: s{i}, host: s{i}.test, port: {port}, tags: [a, 'p{port}', 't{i}']}}\n")
            };
            format!("services:\n{}", numbers.map(service).collect::<String>())
        };
        let consumers = |odd: &str| -> String {
            let consumer = |i| match i {
                450 => odd.to_owned(),
                i => format!("- {{username: c{i}}}\n"),
            };
            format!("consumers:\n{}", (0..700).map(consumer).collect::<String>())
        };
        place.write("before.yml", &file("consumers: [{username: bob}]"));
        place.config(&["db_import", "before.yml"]).with(0);
        let before = place.exported();
        // The name is another row's already: rows before and behind it are new, and none of them is written.
        let id = "00000000-0000-4000-8000-000000000001";
        place.write("many.yml", &file(&consumers(&format!("- {{id: {id}, username: bob}}\n"))));
        let said = place.config(&["db_import", "many.yml"]).refused();
        assert!(said.contains(&format!("consumers {id}: UNIQUE violation detected on")), "{said}");
        assert_eq!(place.exported(), before);
        // A plugin in the midst of others fits no route of its service.
        let plugins = |odd: &str| -> String {
            let plugin = |i| {
                let protocols = if i == 300 { odd } else { "https" };
                format!("- {{name: cors, service: s{i}, protocols: [{protocols}]}}\n")
            };
            let route = |i| format!("- {{hosts: [a.test], protocols: [https], service: s{i}}}\n");
            let (plugins, routes): (String, String) =
                ((0..400).map(plugin).collect(), (0..400).map(route).collect());
            format!("{}routes:\n{routes}plugins:\n{plugins}", services(0..400, 80))
        };
        place.write("many.yml", &file(&plugins("http")));
        let said = place.config(&["db_import", "many.yml"]).refused();
        assert!(said.contains("plugins ") && said.contains("must match the protocols"), "{said}");
        assert_eq!(place.exported(), before);
        place.write("many.yml", &file(&plugins("https")));
        place.config(&["db_import", "many.yml"]).with(0);
        // Some rows are there already, with other tags; others are new between them.
        place.write("more.yml", &file(&services(200..600, 81)));
        place.config(&["db_import", "more.yml"]).with(0);
        assert_eq!(place.config(&["diff", "more.yml", "--select-tag", "p81"]).with(0), "no difference\n");
        let process = place.start();
        for (tag, count) in [("p80", 200), ("p81", 400), ("a", 600), ("t250", 1), ("t599", 1)] {
            assert_eq!(rows(&process, &format!("/services?tags={tag}&size=1000")).len(), count, "{tag}");
        }
        end(process);
    }
}

#[test]
fn names_move_between_rows() {
    for place in Place::each("config_moves") {
        let file = |one: &str, other: &str| {
            format!(
                "_format_version: '3.0'\nservices:\n- {{id: 00000000-0000-4000-8000-000000000001, name: {one}, host: \
                 a.test, routes: [{{name: of-one, paths: [/1]}}]}}\n- {{id: 00000000-0000-4000-8000-000000000002, \
                 name: {other}, host: b.test, plugins: [{{name: cors}}]}}\n"
            )
        };
        place.write("a.yml", &file("a", "b"));
        place.write("b.yml", &file("b", "a"));
        place.config(&["sync", "a.yml"]).with(0);
        let said = place.config(&["sync", "b.yml"]).with(0);
        assert!(said.ends_with("0 created, 2 updated, 0 deleted\n"), "{said}");
        assert_eq!(place.config(&["diff", "b.yml"]).with(0), "no difference\n");
        // Another row takes the place of the first, under its name.
        place.write("c.yml", &file("b", "a").replace("000000000001", "000000000003"));
        let said = place.config(&["sync", "c.yml"]).with(0);
        assert!(said.ends_with("1 created, 1 updated, 1 deleted\n"), "{said}");
        assert_eq!(place.config(&["diff", "c.yml"]).with(0), "no difference\n");
    }
}

#[test]
fn a_selection_leaves_other_rows_alone() {
    for place in Place::each("config_select") {
        place.write("before.yml", BEFORE);
        place.config(&["sync", "before.yml"]).with(0);
        place.write(
            "mine.yml",
            "_format_version: '3.0'\nservices: [{name: mine, host: mine.test, tags: [x]}]\n",
        );
        let said = place.config(&["sync", "mine.yml", "--select-tag", "team"]).with(0);
        assert!(said.ends_with("1 created, 0 updated, 0 deleted\n"), "{said}");
        let dump = place.config(&["dump", "--select-tag", "team"]).with(0);
        assert_eq!(
            dump,
            "_format_version: \"3.0\"\n_info:\n  select_tags:\n  - team\nservices:\n- host: mine.test\n  name: mine\n  \
             tags:\n  - x\n  - team\n"
        );
        // The head of the file says the same as the option.
        place.write("dump.yml", &dump);
        assert_eq!(place.config(&["diff", "dump.yml"]).with(0), "no difference\n");
        place.write("none.yml", "_format_version: '3.0'\n_info: {select_tags: [team]}\n");
        let said = place.config(&["sync", "none.yml"]).with(0);
        assert!(said.ends_with("0 created, 0 updated, 1 deleted\n"), "{said}");
        assert_eq!(place.config(&["diff", "before.yml"]).with(0), "no difference\n");
        // What is selected may refer to what is not, by name or by id.
        place.write(
            "plugin.yml",
            "_format_version: '3.0'\nplugins: [{name: cors, route: pay}, {name: cors, service: {name: search}}]\n",
        );
        let said = place.config(&["sync", "plugin.yml", "--select-tag", "team"]).with(0);
        assert!(said.ends_with("2 created, 0 updated, 0 deleted\n"), "{said}");
        assert!(said.starts_with("+ plugins cors (route: pay)"), "{said}");
        let dump = place.config(&["dump", "--select-tag", "team"]).with(0);
        place.write("dump.yml", &dump);
        assert_eq!(place.config(&["diff", "dump.yml"]).with(0), "no difference\n");
        place.config(&["parse", "dump.yml"]).refused();
        place.config(&["sync", "none.yml"]).with(0);
        assert_eq!(place.config(&["diff", "before.yml"]).with(0), "no difference\n");
        // A name that a row has which is not selected is taken; a dry run says so.
        place.write("taken.yml", "_format_version: '3.0'\nservices: [{name: search, host: mine.test}]\n");
        for command in ["diff", "sync"] {
            let said = place.config(&[command, "taken.yml", "--select-tag", "team"]).refused();
            assert!(said.contains("UNIQUE violation detected on '{name=\"search\"}'"), "{said}");
        }
        // Only rows with all of the tags are meant.
        place.write("none.yml", "_format_version: '3.0'\n");
        let said = place.config(&["sync", "none.yml", "--select-tag", "eu", "--select-tag", "team"]).with(0);
        assert_eq!(said, "no difference\n");
        // What is not selected and hangs on a row keeps it from going.
        let said = place.config(&["diff", "none.yml", "--select-tag", "eu"]).refused();
        assert!(said.contains("an existing 'routes' entity references this 'services' entity"), "{said}");
    }
}
