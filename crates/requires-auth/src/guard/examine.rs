//! What a guard finds at its issuers, for whoever wants to know why it has no keys.

use super::{Examination, Keys, RequiresAuth};

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
        for remote in self.inner.keys.iter().filter_map(Keys::remote) {
            found.push(remote.examine().await);
        }
        if let Some(tenants) = &self.inner.tenants {
            for remote in tenants.patterns().filter_map(|(_, keys)| keys?.remote()) {
                found.push(remote.examine().await);
            }
            for tenant in tenants.listed(self.inner.clock.now()) {
                if let Some(remote) = tenant.keys.remote() {
                    found.push(remote.examine().await);
                }
            }
        }
        found
    }
}
