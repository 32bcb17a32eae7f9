//! The metadata document of a resource as routes.

use ::axum::Router;
use ::axum::body::Body;
use ::axum::extract::Request;
use ::axum::response::IntoResponse;
use ::axum::response::Response;
use ::axum::routing::any;
use http::StatusCode;

use crate::guard::RequiresAuth;
use crate::metadata::Metadata;
use crate::tower::response::metadata;

impl RequiresAuth {
    /// Routes that serve the metadata document of the [`resource`](Self::resource): for routers that are merged.
    ///
    /// A layer of a router answers requests for the document also where there is no route, since it stands around the fallback, too.
    /// But of two routers that are merged one alone keeps its fallback, a router that is nested loses its own, and a layer of a single
    /// route sees requests for that route alone. These routes are there in any case, and need no token, whatever is layered around
    /// them later. Merge them into the outermost router, and not into one that is nested, so that their paths are those that clients
    /// ask for. A path is compared as it was sent, also where the resource has escapes in it. Without a resource there are none.
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::post};
    /// use http::Request;
    /// use requires_auth::RequiresAuth;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example.com/mcp")?;
    /// let app: Router = Router::new()
    ///     .route("/mcp", post(async || "called").layer(auth.layer()))
    ///     .merge(auth.metadata_router());
    ///
    /// let request = Request::get("/.well-known/oauth-protected-resource/mcp").body(Body::empty())?;
    /// assert_eq!(app.clone().oneshot(request).await?.status(), 200);
    /// assert_eq!(app.oneshot(Request::post("/mcp").body(Body::empty())?).await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        // A path is taken as it is, whatever stands in it.
        let mut router = Router::new().without_v07_checks();
        for path in self.resource_metadata().map(Metadata::paths).unwrap_or_default() {
            let auth = self.clone();
            let serve = async move |request: Request| answer(&auth, &request);
            router = router.route(&path.replace('{', "{{").replace('}', "}}"), any(serve));
        }
        router
    }
}

/// The document, or for a place that is another resource's as well, nothing.
fn answer(auth: &RequiresAuth, request: &Request) -> Response {
    metadata::<Body, _>(auth, request).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}
