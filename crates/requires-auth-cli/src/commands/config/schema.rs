//! `config schema`: the file's JSON Schema (draft 2020-12). The settings of the guard come from the library's table, and
//! the names of dialects from theirs; the sections of the gateway are written by hand, and the tests hold them against
//! the parser.

use std::io::{self, Write as _};

use requires_auth::settings;
use serde_json::{Map, Value};

use crate::context::Outcome;
use crate::error::Failure;
use crate::gateway::dialect::{self, Dialect};

const SCHEMA: &str = include_str!("schema.json");

/// Runs `config schema`.
pub(super) fn run() -> Result<Outcome, Failure> {
    let text = schema().and_then(|schema| serde_json::to_string_pretty(&schema)).map_err(io::Error::from)?;
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(Outcome::Allow)
}

/// The schema of the whole file.
fn schema() -> serde_json::Result<Value> {
    let mut schema: Value = serde_json::from_str(SCHEMA)?;
    // The settings of the guard stand between its issuers and the sections of the gateway.
    if let Some(properties) = schema["properties"].as_object_mut() {
        let (issuers, sections): (Map<_, _>, Map<_, _>) =
            std::mem::take(properties).into_iter().partition(|(key, _)| key == "issuers");
        properties.extend(issuers.into_iter().chain(settings::schema(false)).chain(sections));
    }
    schema["$defs"]["issuer"]["properties"] = settings::schema(true).into();
    schema["$defs"]["dialect"]["enum"] = dialect::ALL.map(Dialect::name).as_slice().into();
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::gateway::config::Config;
    use requires_auth::client_certificate::HeaderFormat;
    use requires_auth::error::{ConfigProblem, ErrorCode, Place};
    use serde_json::{Map, Value};

    const ISSUER: &str =
        "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example\"\n";

    /// A table of the file: how its settings are called in messages, how it begins, and where its schema is.
    struct Table {
        path: &'static str,
        header: &'static str,
        pointer: &'static str,
    }

    const TABLES: [Table; 13] = [
        Table { path: "", header: "", pointer: "" },
        Table { path: "issuers.own.", header: "[issuers.own]\n", pointer: "/$defs/issuer" },
        Table { path: "server.", header: "[server]\n", pointer: "/$defs/server" },
        Table { path: "server.tls.", header: "[server.tls]\n", pointer: "/$defs/server/properties/tls" },
        Table { path: "forward_auth.", header: "[forward_auth]\n", pointer: "/$defs/forward_auth" },
        Table { path: "reverse_proxy.", header: "[reverse_proxy]\n", pointer: "/$defs/reverse_proxy" },
        Table { path: "headers.X-A.", header: "[headers.X-A]\n", pointer: "/$defs/identity" },
        Table { path: "routes.1.", header: "[[routes]]\n", pointer: "/$defs/route" },
        Table { path: "tests.1.", header: "[[tests]]\n", pointer: "/$defs/test" },
        Table {
            path: "tests.1.expect.",
            header: "[[tests]]\n[tests.expect]\n",
            pointer: "/$defs/test/properties/expect",
        },
        Table { path: "resources.1.", header: "[[resources]]\n", pointer: "/$defs/resource" },
        Table {
            path: "forward_auth.client_certificate.",
            header: "[forward_auth.client_certificate]\n",
            pointer: "/$defs/client_certificate",
        },
        Table {
            path: "reverse_proxy.client_certificate.",
            header: "[reverse_proxy.client_certificate]\n",
            pointer: "/$defs/client_certificate",
        },
    ];

    /// What `[issuers.NAME]` must say depends on the rest of the file, which only the whole schema sees.
    #[test]
    fn an_issuer_needs_an_audience_unless_a_resource_is_one() {
        let all = schema();
        let choices: Vec<_> =
            all["anyOf"].as_array().expect("choices").iter().map(Value::to_string).collect();
        let [audience, resource, resources] = choices.as_slice() else { panic!("{choices:?}") };
        assert_eq!(
            (&**resource, &**resources),
            (r#"{"required":["resource"]}"#, r#"{"required":["resources"]}"#)
        );
        assert!(audience.contains(r#"{"required":["audience"]}"#), "{audience}");
        assert!(all["$defs"]["issuer"].get("anyOf").is_none());
        // As the parser has it.
        let issuer = "[issuers.main]\nissuer = \"https://issuer.example\"\n";
        let url = "resource = \"https://api.example.com/mcp\"\n";
        for (text, is_taken) in [
            (issuer.to_owned(), false),
            (format!("{url}{issuer}"), true),
            (format!("{issuer}[[resources]]\n{url}issuers = \"main\"\n"), true),
        ] {
            assert_eq!(Config::parse(&text, "auth.toml").is_ok(), is_taken, "{text}");
        }
    }

    fn schema() -> Value {
        super::schema().expect("JSON")
    }

    impl Table {
        fn schema(&self, all: &Value) -> Value {
            all.pointer(self.pointer).expect(self.pointer).clone()
        }

        fn properties(&self, all: &Value) -> Map<String, Value> {
            self.schema(all)["properties"].as_object().expect("properties").clone()
        }

        /// What the parser says of a line in this table: setting, found and hint of each mistake.
        fn problems(&self, line: &str) -> Vec<(String, String, String)> {
            // The line stands first, so that it is in no table where it is to be in none.
            let text = if self.header.is_empty() {
                format!("{line}\n{ISSUER}")
            } else {
                format!("{ISSUER}{}{line}\n", self.header)
            };
            let Err(error) = Config::parse(&text, "auth.toml") else { return Vec::new() };
            let told = |problem: &ConfigProblem| {
                let setting = problem.place().map_or("", Place::setting);
                (setting.to_owned(), problem.found().to_owned(), problem.hint().to_owned())
            };
            error.problems().iter().map(told).collect()
        }

        /// What the parser says of this setting and of what is in it.
        fn of_setting(&self, key: &str, value: &Value) -> Vec<(String, String, String)> {
            let path = format!("{}{key}", self.path);
            let is_of = |setting: &str| setting == path || setting.starts_with(&format!("{path}."));
            let problems = self.problems(&format!("{key} = {}", toml(value)));
            problems.into_iter().filter(|(setting, ..)| is_of(setting)).collect()
        }
    }

    /// JSON as a value in TOML.
    fn toml(value: &Value) -> String {
        match value {
            Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
            Value::Object(members) => {
                let member = |(key, value): (&String, &Value)| {
                    format!("{} = {}", Value::from(key.as_str()), toml(value))
                };
                format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
            }
            value => value.to_string(),
        }
    }

    /// The schema that a reference leads to, with what stands beside the reference.
    fn resolved(all: &Value, schema: &Value) -> Map<String, Value> {
        let mut members = schema.as_object().expect("a schema").clone();
        if let Some(reference) = schema.get("$ref") {
            let pointer =
                reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference within");
            for (key, value) in resolved(all, all.pointer(pointer).expect(pointer)) {
                members.entry(key).or_insert(value);
            }
        }
        members
    }

    /// Values that the schema itself gives.
    fn examples(schema: &Map<String, Value>) -> Vec<Value> {
        let list = |key: &str| schema.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut values = [list("examples"), list("enum")].concat();
        if schema.get("type") == Some(&Value::from("boolean")) {
            values.extend([true.into(), false.into()]);
        }
        values.extend(schema.get("default").cloned());
        values
    }

    #[test]
    fn the_parser_knows_every_key_of_the_schema() {
        let all = schema();
        for table in TABLES {
            for (key, schema) in table.properties(&all) {
                let schema = resolved(&all, &schema);
                let is_table = matches!(
                    schema.get("type").and_then(Value::as_str),
                    Some("object" | "array") if !schema.contains_key("examples")
                );
                let values = examples(&schema);
                assert!(is_table || !values.is_empty(), "{}{key} has no example", table.path);
                for value in &values {
                    assert_eq!(table.of_setting(&key, value), [], "{}{key} = {value}", table.path);
                }
                // A table has its own lines in `TABLES`; here only its name is looked for.
                let known = table.of_setting(&key, &Value::from(1.5));
                assert!(
                    known
                        .iter()
                        .all(|(_, found, _)| !found.contains("unknown") && !found.contains("not supported"))
                );
                assert!(
                    !known.is_empty() || schema.get("type") == Some(&"object".into()),
                    "{}{key} takes 1.5",
                    table.path
                );
            }
        }
    }

    #[test]
    fn the_schema_has_every_key_of_the_parser() {
        let all = schema();
        for table in TABLES {
            let problems = table.problems("qqqqqqqqqqqqqqqq = 1");
            let hint = problems.iter().find_map(|(_, _, hint)| hint.strip_prefix("the keys here are "));
            let known: BTreeSet<_> = hint.expect(table.path).split(", ").map(ToOwned::to_owned).collect();
            let current =
                table.properties(&all).into_iter().filter(|(_, schema)| schema["deprecated"] != true);
            let own: BTreeSet<_> = current.map(|(key, _)| key).collect();
            assert_eq!(known, own, "{}", table.path);
        }
    }

    #[test]
    fn no_table_takes_other_keys_and_what_is_required_is_so() {
        let all = schema();
        for table in TABLES {
            let schema = table.schema(&all);
            assert_eq!(schema["additionalProperties"], false, "{}", table.path);
            let missing: BTreeSet<_> = if table.path.is_empty() {
                let error = Config::parse("", "auth.toml").expect_err("an empty file");
                error.problems().iter().map(|problem| problem.field().to_owned()).collect()
            } else {
                let problems = table.problems("").into_iter();
                let own = problems
                    .filter_map(|(setting, ..)| setting.strip_prefix(table.path).map(ToOwned::to_owned));
                own.filter(|key| !key.contains('.')).collect()
            };
            let required = schema["required"].as_array().expect("a list").iter();
            // Of what may stand instead of each other, the first is what a message asks for.
            let own = schema.pointer("/anyOf/0/required/0");
            // What an issuer needs depends on the rest of the file, so that it stands in the whole schema.
            let whole = (table.pointer == "/$defs/issuer")
                .then(|| all.pointer("/anyOf/0/properties/issuers/additionalProperties/anyOf/0/required/0"))
                .flatten();
            let either = own.into_iter().chain(whole);
            let required = required.chain(either).map(|key| key.as_str().expect("a key").to_owned());
            let required: BTreeSet<_> = required.collect();
            assert_eq!(missing, required, "{}", table.path);
        }
    }

    #[test]
    fn what_is_listed_is_all_there_is() {
        let all = schema();
        let listed = |pointer: &str| all.pointer(pointer).and_then(Value::as_array).expect("a list").clone();
        let algorithms = requires_auth::Algorithm::ALL.iter().map(|algorithm| algorithm.name());
        assert_eq!(
            listed("/$defs/algorithm/enum"),
            ["EdDSA"].into_iter().chain(algorithms).map(Value::from).collect::<Vec<_>>()
        );
        assert!(listed("/$defs/dialect/enum").contains(&"nginx".into()));
        let formats = HeaderFormat::ALL.iter().map(|format| Value::from(format.as_str()));
        let listed_formats = listed("/$defs/client_certificate/properties/format/enum");
        assert_eq!(listed_formats, formats.collect::<Vec<_>>());
        for code in ErrorCode::ALL {
            let expect = &TABLES[9];
            assert_eq!(expect.of_setting("error", &code.as_str().into()), []);
        }
    }

    #[test]
    fn each_setting_says_what_it_is_for() {
        let all = schema();
        for table in TABLES {
            for (key, schema) in table.properties(&all) {
                let description = resolved(&all, &schema).get("description").cloned();
                let text = description.as_ref().and_then(Value::as_str).expect(&key);
                assert!(
                    text.ends_with('.') && text.starts_with(char::is_alphanumeric),
                    "{}{key}: {text}",
                    table.path
                );
            }
        }
    }
}
