//! Produces the configurations that are loaded: services with a route and a plugin each, and consumers, as JSON and as
//! YAML, the same in every run. It deliberately writes text and builds no values, so that the largest fits anywhere.

use std::fmt::Write;

/// How a document is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Yaml,
}

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Form::Json => "JSON",
            Form::Yaml => "YAML",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Form::Json => "application/json",
            Form::Yaml => "application/yaml",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Yaml => "yml",
        }
    }
}

/// The name of a service that every document has.
pub const SERVICE: &str = "service-0";

/// A document with so many entities, a multiple of four.
pub fn document(form: Form, entities: usize) -> String {
    let mut text = String::with_capacity(entities * 96);
    let each = 0..entities / 4;
    // Writing to a text cannot fail.
    let _ = match form {
        Form::Json => json(&mut text, each),
        Form::Yaml => yaml(&mut text, each),
    };
    text
}

fn json(text: &mut String, each: std::ops::Range<usize>) -> std::fmt::Result {
    text.push_str(r#"{"_format_version":"3.0","services":["#);
    for i in each.clone() {
        let comma = if i > 0 { "," } else { "" };
        write!(
            text,
            r#"{comma}{{"name":"service-{i}","host":"s{i}.internal","port":8080,"path":"/v1","tags":["bench"],"#
        )?;
        write!(text, r#""routes":[{{"name":"route-{i}","paths":["/r{i}"],"methods":["GET","POST"]}}],"#)?;
        write!(text, r#""plugins":[{{"name":"key-auth","config":{{"key_names":["apikey"]}}}}]}}"#)?;
    }
    text.push_str(r#"],"consumers":["#);
    for i in each {
        let comma = if i > 0 { "," } else { "" };
        write!(text, r#"{comma}{{"username":"consumer-{i}","custom_id":"{i}"}}"#)?;
    }
    text.push_str("]}");
    Ok(())
}

fn yaml(text: &mut String, each: std::ops::Range<usize>) -> std::fmt::Result {
    text.push_str("_format_version: '3.0'\nservices:\n");
    for i in each.clone() {
        writeln!(
            text,
            "- name: service-{i}\n  host: s{i}.internal\n  port: 8080\n  path: /v1\n  tags: [bench]"
        )?;
        writeln!(text, "  routes:\n  - name: route-{i}\n    paths: [/r{i}]\n    methods: [GET, POST]")?;
        writeln!(text, "  plugins:\n  - name: key-auth\n    config:\n      key_names: [apikey]")?;
    }
    text.push_str("consumers:\n");
    for i in each {
        writeln!(text, "- username: consumer-{i}\n  custom_id: '{i}'")?;
    }
    Ok(())
}
