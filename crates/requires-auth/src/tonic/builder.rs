//! From names and what they need to a layer.

use std::collections::HashMap;
use std::sync::Arc;

use super::GrpcLayer;
use super::layer::Needs;
use crate::error::{ConfigError, ConfigProblem};
use crate::guard::RequiresAuth;
use crate::policy::{Policy, Requirement};
use crate::tower::layer::Guarded;

impl RequiresAuth {
    /// Begins a layer for a gRPC server, in which services and methods may need scopes of their own. Without more, every call needs
    /// a valid token.
    ///
    /// A name is that of a service, `package.Service`, or of a method, `package.Service/Method`, as they stand in the path of a call.
    /// Of the rules for a call the narrowest counts, and no other: that of its method, that of its service, that of all others.
    ///
    /// ```
    /// use requires_auth::{Policy, RequiresAuth};
    ///
    /// # fn layer() -> Result<requires_auth::tonic::GrpcLayer, requires_auth::ConfigError> {
    /// let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
    /// let layer = auth
    ///     .grpc()
    ///     .require("shop.Orders", "read:orders")
    ///     .require("shop.Orders/Create", "write:orders")
    ///     .require_policy("shop.Admin", Policy::any_of(["admin", "support"]))
    ///     // Whoever watches over this server has no token.
    ///     .open("grpc.health.v1.Health")
    ///     .layer();
    /// # Ok(layer)
    /// # }
    /// # layer().unwrap();
    /// ```
    pub fn grpc(&self) -> GrpcLayerBuilder {
        GrpcLayerBuilder {
            auth: self.clone(),
            others: Requirement::default(),
            named: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// A layer for a gRPC server in the making: see [`RequiresAuth::grpc`].
#[derive(Clone, Debug)]
#[must_use]
pub struct GrpcLayerBuilder {
    auth: RequiresAuth,
    others: Requirement,
    named: Vec<(String, Requirement)>,
    problems: Vec<ConfigProblem>,
}

impl GrpcLayerBuilder {
    /// Calls of this service or method need every one of these scopes, separated by spaces.
    pub fn require(mut self, name: &str, scopes: &str) -> Self {
        match Policy::parse(scopes) {
            Ok(policy) => return self.require_policy(name, policy),
            Err(error) => self.problems.extend_from_slice(error.problems()),
        }
        self
    }

    /// Calls of this service or method need a token that a policy allows. `Policy::default()` allows every valid token; a
    /// [`Requirement`] says whether there has to be a token as well.
    pub fn require_policy(self, name: &str, policy: impl Into<Requirement>) -> Self {
        self.named(name, policy.into())
    }

    /// Calls of this service or method also pass without a token, as anonymous. A bad token is refused.
    pub fn optional(self, name: &str) -> Self {
        self.named(name, Requirement::optional(Policy::default()))
    }

    /// Calls of this service or method need nothing, and a token is not even looked at: for `grpc.health.v1.Health`, and for
    /// `grpc.reflection.v1.ServerReflection` where everybody may see which services there are.
    pub fn open(self, name: &str) -> Self {
        self.named(name, Requirement::none())
    }

    /// Calls that are not named need a token that a policy allows. Default: any valid token.
    pub fn others(self, policy: impl Into<Requirement>) -> Self {
        Self { others: policy.into(), ..self }
    }

    fn named(mut self, name: &str, requirement: Requirement) -> Self {
        self.named.push((name.strip_prefix('/').unwrap_or(name).to_owned(), requirement));
        self
    }

    /// The layer.
    ///
    /// # Panics
    ///
    /// If the names or scopes cannot be meant: a mistake in a route shows when the route is built. For names that come from elsewhere,
    /// see [`try_layer`](Self::try_layer).
    #[track_caller]
    pub fn layer(self) -> GrpcLayer {
        match self.try_layer() {
            Ok(layer) => layer,
            Err(error) => panic!("{error}"),
        }
    }

    /// The layer, or all mistakes at once.
    ///
    /// # Errors
    ///
    /// A name that is not one of a service or a method, or stands twice; a text that is not a list of scopes.
    pub fn try_layer(self) -> Result<GrpcLayer, ConfigError> {
        let Self { auth, others, named, mut problems } = self;
        // A server runs the handler of a call whatever its HTTP method is, so that no preflight passes.
        let guarded = |requirement| Arc::new(Guarded::new(&auth, requirement).without_preflights());
        let mut needs = Needs { named: HashMap::new(), others: guarded(others) };
        for (name, requirement) in named {
            if !is_name(&name) {
                let hint = "write package.Service or package.Service/Method, as in the .proto file: letters, digits, `_` and `.`";
                let found = format!("`{}`", name.escape_debug());
                problems.push(ConfigProblem::new("name", found, "the name of a service or a method", hint));
            } else if needs.named.insert(name.as_str().into(), guarded(requirement)).is_some() {
                let hint = "leave one of the two out";
                problems.push(ConfigProblem::new("name", format!("`{name}` twice"), "each name once", hint));
            }
        }
        ConfigError::unless_empty(problems)?;
        Ok(GrpcLayer::new(needs))
    }
}

/// Whether this is `package.Service` or `package.Service/Method`.
fn is_name(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let (service, method) =
        name.split_once('/').map_or((name, None), |(service, method)| (service, Some(method)));
    service.split('.').all(is_word) && method.is_none_or(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(named: impl FnOnce(GrpcLayerBuilder) -> GrpcLayerBuilder) -> Vec<String> {
        let auth = RequiresAuth::new("https://issuer.example", "https://api.example").expect("a guard");
        match named(auth.grpc()).try_layer() {
            Ok(_) => Vec::new(),
            Err(error) => error.problems().iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn names_are_those_of_services_and_methods() {
        for name in ["shop.Orders", "shop.v1.Orders/List_2", "Orders", "/shop.Orders/List"] {
            assert_eq!(problems(|layer| layer.open(name)), [""; 0], "{name}");
        }
        for name in [
            "",
            "/",
            "shop.Orders/",
            "/shop.Orders/List/",
            "shop..Orders",
            "//a",
            "a/b/c",
            "a b",
            "*",
            "a%2e",
        ] {
            assert_eq!(problems(|layer| layer.open(name)).len(), 1, "{name}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let found = problems(|layer| {
            layer
                .require("shop.Orders", "")
                .open("/shop.Orders")
                .require("shop.Orders", "read")
                .optional("a b")
        });
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().any(|problem| problem.contains("`shop.Orders` twice")), "{found:?}");
    }

    #[test]
    #[should_panic(expected = "each name once")]
    fn a_mistake_shows_when_the_layer_is_made() {
        let auth = RequiresAuth::new("https://issuer.example", "https://api.example").expect("a guard");
        let _layer = auth.grpc().open("shop.Orders").require("shop.Orders", "read").layer();
    }
}
