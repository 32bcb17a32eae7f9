//! Scopes: their characters (RFC 6749 §3.3), and which of them there are.

use super::oauth_error::{ErrorCode, OAuthError};
use super::parameters::Parameters;

/// The scopes that a request asks for, with one space between them; `None` if it asks for none.
///
/// # Errors
///
/// `invalid_scope` for a character that scopes do not have, or for a scope that is not among the known ones, if there are
/// any.
pub(super) fn scope_of(parameters: &Parameters, known: &[String]) -> Result<Option<String>, OAuthError> {
    let Some(scope) = parameters.one("scope")? else { return Ok(None) };
    let invalid = |description: &str| OAuthError::new(ErrorCode::InvalidScope, description);
    // Quotes and backslashes are left out by RFC 6749.
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if !scope.chars().all(allowed) {
        return Err(invalid("a scope has a character that scopes cannot have"));
    }
    if !known.is_empty() && !words(scope).all(|word| known.iter().any(|known| known == word)) {
        return Err(invalid("there is no such scope here: scopes_supported of the metadata lists them"));
    }
    Ok(Some(words(scope).collect::<Vec<_>>().join(" ")))
}

/// The single scopes of a text.
pub(super) fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Parameters, scope_of};

    #[test]
    fn scopes_are_joined_by_one_space_and_have_to_be_known() {
        let of = |scope: &str, known: &[&str]| {
            let parameters = Parameters::new(vec![("scope".to_owned(), scope.to_owned())]);
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            scope_of(&parameters, &known).map_err(|error| error.code().name())
        };
        assert_eq!(of(" a  b ", &[]), Ok(Some("a b".to_owned())));
        assert_eq!(of("", &["a"]), Ok(None));
        assert_eq!(of("a", &["a", "b"]), Ok(Some("a".to_owned())));
        assert_eq!(of("a c", &["a", "b"]), Err("invalid_scope"));
        assert_eq!(of("a\"b", &[]), Err("invalid_scope"));
        assert_eq!(of("a\tb", &[]), Err("invalid_scope"));
    }
}
