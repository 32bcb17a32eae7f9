//! Where the settings of an issuer come from, which is where their mistakes are mended.

use crate::error::ConfigProblem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Arguments, or a file that knows its lines.
    Code,
    /// Variables of the environment.
    Environment,
}

/// The variable of each setting, and what to set it to.
const VARIABLES: [(&str, &str, &str); 2] = [
    ("issuer", "REQUIRES_AUTH_ISSUER", "the issuer of the tokens, such as https://tenant-id.logto.app/oidc"),
    (
        "audience",
        "REQUIRES_AUTH_AUDIENCE",
        "the identifier of this API at the issuer, such as https://api.example.com",
    ),
];

impl Origin {
    /// A problem that names the variable to set. `is_unset` says whether there was anything in it.
    pub(super) fn explain(self, problem: ConfigProblem, is_unset: impl Fn(&str) -> bool) -> ConfigProblem {
        let variable = VARIABLES.iter().find(|(field, ..)| *field == problem.field());
        match (self, variable) {
            (Self::Environment, Some((field, variable, value))) if is_unset(field) => {
                let hint = format!("set {variable} to {value}");
                ConfigProblem::new(problem.field(), "nothing", problem.expected(), hint)
            }
            (Self::Environment, Some((_, variable, _))) => {
                let hint = format!("mend {variable}: {}", problem.hint());
                ConfigProblem::new(problem.field(), problem.found(), problem.expected(), hint)
            }
            _ => problem,
        }
    }
}
