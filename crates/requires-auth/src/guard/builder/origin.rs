//! Where the settings of an issuer come from, which is where their mistakes are mended.

use crate::error::ConfigProblem;
use crate::providers::Provider;
use crate::settings::{self, shown_key, variable_of};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Calls of the builder.
    Code,
    /// Variables of the environment.
    Environment,
    /// A table of a file, by its name.
    File(String),
}

/// What a message says to give where an issuer or an audience is missing; `None` for other settings.
fn value_to_give(field: &str, provider: Option<&Provider>) -> Option<String> {
    Some(match (field, provider) {
        ("issuer", Some(provider)) => provider.issuer_to_write(),
        ("audience", Some(provider)) => provider.audience_to_write(),
        ("issuer", None) => "the issuer of the tokens, such as https://tenant-id.logto.app/oidc".to_owned(),
        ("audience", None) => {
            "the identifier of this API at the issuer, such as https://api.example.com".to_owned()
        }
        _ => return None,
    })
}

impl Origin {
    /// A problem with where its setting is written, and if that is missing with all the ways to give it. `provider` is the
    /// one that the issuer names.
    pub(super) fn explain(&self, problem: ConfigProblem, provider: Option<&Provider>) -> ConfigProblem {
        let field = problem.field();
        let problem = match self {
            Self::File(name) => problem.within(format!("issuers.{}.{field}", shown_key(name))),
            Self::Environment if settings::find(field).is_some() => problem.named(variable_of(field)),
            _ => problem,
        };
        let hint = self.in_its_words(problem.hint());
        let problem = problem.with_hint(hint);
        let is_missing = ["nothing", "``"].contains(&problem.found());
        let missing = value_to_give(field, provider).filter(|_| is_missing);
        match missing.and_then(|value| self.all_ways(field, &value)) {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    }

    /// A hint that names a setting as it is written there.
    fn in_its_words(&self, hint: &str) -> String {
        let setting = settings::DANGEROUSLY_ALLOW_HTTP_ISSUER.setting;
        match self {
            Self::Code => hint.to_owned(),
            Self::Environment => {
                hint.replace("danger::allow_http_issuer", &format!("{}=true", setting.variable()))
            }
            Self::File(_) => hint.replace("danger::allow_http_issuer", &format!("{} = true", setting.key)),
        }
    }

    /// All ways to give a value, the safe ones first. A file has one way, which the problem says already.
    fn all_ways(&self, field: &str, value: &str) -> Option<String> {
        let variable = variable_of(field);
        let of_any_audience = "; only if every token of the issuer may be used here, whatever API it was made for, write \
                               Audience::Any";
        let last = if field == "audience" { of_any_audience } else { "" };
        Some(match self {
            Self::File(_) => return None,
            Self::Environment => {
                format!(
                    "set {variable} to {value}; or give it in code, with RequiresAuth::new(issuer, audience)"
                )
            }
            Self::Code => format!(
                "give {value}, as an argument, or set {variable} and use RequiresAuth::from_env(), or write it into a file \
                 for RequiresAuth::from_file(path){last}"
            ),
        })
    }
}
