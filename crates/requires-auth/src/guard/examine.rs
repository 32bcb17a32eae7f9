//! What a guard finds at its issuers, for whoever wants to know why it has no keys.

use super::{Examination, Keys, RequiresAuth};
use crate::introspect::AskFailure;

impl RequiresAuth {
    /// Fetches the metadata and the key set of every issuer anew, by the guard's own rules, and tells what was found: each
    /// document, and each key with the algorithms that it serves or the reason why it is not used.
    ///
    /// It is for diagnosis. Keys that are in use stay in use, and what is found here is not kept. Issuers whose keys are
    /// given (`jwks`) are left out, since nothing is fetched for them. Of a pattern it is every tenant that is named. Each
    /// document has the time of the setting
    /// `fetch_timeout`.
    ///
    /// ```
    /// # async fn diagnose(auth: &requires_auth::RequiresAuth) {
    /// for found in auth.examine().await {
    ///     match found.failure() {
    ///         None => println!("{}: {} keys", found.issuer(), found.keys().len()),
    ///         Some(failure) => println!("{}: {failure}; {}", found.issuer(), failure.hint()),
    ///     }
    ///     for key in found.keys() {
    ///         match key.algorithms() {
    ///             Ok(algorithms) => println!("  {:?} is for {algorithms:?}", key.kid()),
    ///             Err(reason) => println!("  {:?} is not used: {reason}", key.kid()),
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn examine(&self) -> Vec<Examination> {
        let mut found = Vec::new();
        for remote in self.fixed_keys().filter_map(Keys::remote) {
            found.push(remote.examine().await);
        }
        if let Some(tenants) = &self.inner.tenants {
            for tenant in tenants.listed(self.inner.clock.now()) {
                if let Some(remote) = tenant.keys.remote() {
                    found.push(remote.examine().await);
                }
            }
        }
        found
    }

    /// Asks each issuer that is asked about tokens about one that nobody has given out, and tells whether it has answered:
    /// whether the endpoint is found, takes the credentials of this client, and says what an endpoint says.
    ///
    /// ```
    /// # async fn diagnose(auth: &requires_auth::RequiresAuth) {
    /// for (issuer, asked) in auth.examine_introspection().await {
    ///     match asked {
    ///         Ok(()) => println!("{issuer}: answers about tokens"),
    ///         Err(failure) => println!("{issuer}: {failure}; {}", failure.hint()),
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn examine_introspection(&self) -> Vec<(String, Result<(), AskFailure>)> {
        let mut found = Vec::new();
        for (place, asker) in self.inner.askers.iter().enumerate() {
            if let Some(asker) = asker {
                let answer = self.answer(asker, place, "made-up-by-requires-auth-doctor").await;
                found.push((asker.issuer().to_owned(), answer.map(drop)));
            }
        }
        found
    }
}
