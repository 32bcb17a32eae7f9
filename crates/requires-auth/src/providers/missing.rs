//! What to write where the issuer or the audience of a provider is missing, in the words of its row.

use super::{AudienceRule, Provider, Shape};

impl Provider {
    /// What its issuer is, with an example: `the tenant id, as in https://NAME.logto.app/oidc, or the whole URL`.
    pub(crate) fn issuer_to_write(&self) -> String {
        let short = self.form.short;
        match self.form.shape {
            Shape::Fixed(issuer) => format!("{issuer}, or nothing"),
            Shape::Url(example) => format!("the whole URL, as in {example}"),
            Shape::Template(template) => {
                format!("{short}, as in {}, or the whole URL", template.replace("{}", "NAME"))
            }
            Shape::CognitoPool => {
                format!("{short}, as in https://cognito-idp.REGION.amazonaws.com/POOL, or the whole URL")
            }
        }
    }

    /// What an audience is there, with an example: `the project id, such as my-project`.
    pub(crate) fn audience_to_write(&self) -> String {
        format!("{}, such as {}", self.audience, self.audience_example)
    }
}

/// What to do about an audience that is missing, in the words of the provider where that is named.
pub(crate) fn audience_hint(provider: Option<&Provider>) -> String {
    let Some(provider) = provider else {
        return "use the identifier of this API at the issuer, such as https://api.example.com".to_owned();
    };
    let claim = match provider.audience_rule {
        AudienceRule::Claim(claim) => claim,
        AudienceRule::Aud | AudienceRule::Default(_) => "aud",
    };
    format!("write {}; it is compared with `{claim}`", provider.audience_to_write())
}
