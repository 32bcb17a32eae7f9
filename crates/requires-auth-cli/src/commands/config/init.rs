//! `config init`: an example that says what each setting is for. An issuer that is not filled in is a mistake, so that
//! nobody runs somebody else's.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use requires_auth::providers::Provider;

use super::starter;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::error::located;
use crate::gateway::config::Config;
use crate::output::{print_json, say};
use crate::verdict::provider;

const EXAMPLE: &str = include_str!("example.toml");

const EXAMPLES: &str = "\
Examples:
  requires-auth config init
  requires-auth config init --provider logto --issuer TENANT \\
    --audience https://api.example.com
  requires-auth config init gateway.toml --issuer https://id.example.com \\
    --audience https://api.example.com
  requires-auth check gateway.toml";

/// The flags of `config init`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct InitArgs {
    /// The file to write; one that is there is left alone. `-` is stdout
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,

    /// The make of the issuer, such as logto: its settings and tests are those of this provider
    #[arg(long, value_name = "NAME", value_parser = provider)]
    provider: Option<&'static Provider>,

    /// Whose tokens to take, as in `iss`; with --provider also its short name [default: left to fill in]
    #[arg(long, value_name = "ISS")]
    issuer: Option<String>,

    /// This API's identifier at the issuer, as in `aud` [default: left to fill in]
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
}

impl InitArgs {
    /// Runs `config init`.
    pub(super) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let (issuer, audience) = (self.issuer.as_deref(), self.audience.as_deref());
        let text = match self.provider {
            Some(provider) => starter::of_provider(EXAMPLE, provider, issuer, audience),
            None => EXAMPLE.to_owned(),
        };
        let text = filled(&text, issuer.unwrap_or_default(), audience.unwrap_or_default());
        let missing: Vec<_> = [("issuer", "\nissuer = \"\""), ("audience", "\naudience = \"\"")]
            .into_iter()
            .filter(|(_, line)| text.contains(line))
            .map(|(key, _)| key)
            .collect();
        if missing.is_empty() {
            // What cannot work is not written.
            Config::parse(&text, &self.file)
                .and_then(|config| config.guard.build())
                .map_err(|error| located(&error))?;
        }
        if self.file == Path::new("-") {
            std::io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(Outcome::Allow);
        }
        write_new(&self.file, &text)?;
        match context.format {
            Format::Json => print_json(&serde_json::json!({ "file": self.file }))?,
            Format::Text => {
                let file = self.file.display();
                say(&format!("{file} is written"));
                for key in missing {
                    say(&format!("fill in {key} in [issuers.main]"));
                }
                say(&format!("then run `requires-auth check {file}`"));
            }
        }
        Ok(Outcome::Allow)
    }
}

/// The example with these values. A text in JSON is one in TOML, but for the delete character, which the check of the
/// whole refuses.
fn filled(example: &str, issuer: &str, audience: &str) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    example.replace("\"ISSUER\"", &quoted(issuer)).replace("\"AUDIENCE\"", &quoted(audience))
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let path = path.display();
        if error.kind() == ErrorKind::AlreadyExists {
            return Failure::new(format!("`{path}` is there already, and is left as it is"))
                .hint("name another file, or `-` for stdout");
        }
        Failure::new(format!("`{path}` cannot be written: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use requires_auth::error::ConfigProblem;
    use requires_auth::providers;

    use super::*;
    use crate::gateway::self_test::run_tests;
    use crate::runtime::block_on;

    fn example(issuer: &str, audience: &str) -> String {
        filled(EXAMPLE, issuer, audience)
    }

    #[test]
    fn the_example_of_every_provider_is_right_and_its_tests_hold() {
        for provider in providers::ALL {
            let issuer = starter::issuer_to_try(provider);
            let text = starter::of_provider(EXAMPLE, provider, issuer, Some("https://api.example.com"));
            let text = filled(&text, issuer.unwrap_or_default(), "https://api.example.com");
            let config =
                Config::parse(&text, "requires-auth.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
            config.guard.build().unwrap_or_else(|error| panic!("{}: {error}", provider.name));
            let results = block_on(run_tests(&config)).expect("a runtime").expect("tests");
            assert!(results.len() >= 4, "{}", provider.name);
            for result in results {
                let told = format!("line {}: {} got {}", result.line, result.request, result.found);
                assert!(result.holds, "{}: {told}\n{text}", provider.name);
            }
        }
    }

    #[test]
    fn the_example_is_right_and_its_tests_hold() {
        let text = example("https://issuer.example", "https://api.example.com");
        let config = Config::parse(&text, "requires-auth.toml").expect("no mistakes");
        config.guard.build().expect("a guard");
        let results = block_on(run_tests(&config)).expect("a runtime").expect("tests");
        assert!(results.len() >= 4);
        for result in results {
            assert!(result.holds, "line {}: {} got {}", result.line, result.request, result.found);
        }
    }

    #[test]
    fn what_is_commented_out_is_right_too() {
        let text = example("https://issuer.example", "https://api.example.com");
        let is_setting = |line: &&str| line.starts_with("# ") && line.contains(" = ");
        let settings: Vec<_> = text.lines().filter(is_setting).collect();
        assert!(settings.len() >= 5, "{settings:?}");
        let all: Vec<_> =
            text.lines().map(|line| if is_setting(&line) { &line[2..] } else { line }).collect();
        Config::parse(&all.join("\n"), "requires-auth.toml").expect("no mistakes");
    }

    #[test]
    fn what_is_not_filled_in_is_a_mistake() {
        for (issuer, audience) in [("", ""), ("", "https://api.example.com"), ("https://issuer.example", "")]
        {
            let text = example(issuer, audience);
            let built = Config::parse(&text, "requires-auth.toml").and_then(|config| config.guard.build());
            assert!(built.is_err(), "{issuer:?} {audience:?}");
        }
    }

    /// Each key that is left to fill in is told once, with the example of its provider, and nothing else is told.
    #[test]
    fn what_is_not_filled_in_is_told_once_in_the_words_of_the_provider() {
        for provider in providers::ALL {
            let text = filled(&starter::of_provider(EXAMPLE, provider, None, None), "", "");
            let left: Vec<_> = ["issuer", "audience"]
                .into_iter()
                .filter(|key| text.contains(&format!("\n{key} = \"\"")))
                .collect();
            let built = Config::parse(&text, "requires-auth.toml").and_then(|config| config.guard.build());
            let error = built.expect_err(provider.name);
            let told: Vec<_> = error.problems().iter().map(ConfigProblem::field).collect();
            assert_eq!(told, left, "{}: {error}", provider.name);
            for problem in error.problems().iter().filter(|problem| problem.field() == "audience") {
                assert!(problem.hint().contains(provider.audience_example), "{}: {error}", provider.name);
            }
        }
    }

    #[test]
    fn a_value_does_not_leave_its_quotes() {
        let audience = "a\"\nb\\ü\t";
        let text = example("https://issuer.example", audience);
        let config = Config::parse(&text, "requires-auth.toml").expect("no mistakes");
        assert_eq!(config.guard.issuers[0].audience(), [audience]);
        assert!(Config::parse(&example("\u{7f}", "a"), "requires-auth.toml").is_err());
    }
}
