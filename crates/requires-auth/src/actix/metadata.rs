//! The metadata document of a resource as a route.

use actix_web::guard::fn_guard;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::request::view;
use super::response::metadata;
use crate::guard::RequiresAuth;

impl RequiresAuth {
    /// A route of actix-web that serves the metadata document of the [`resource`](Self::resource), for
    /// [`App::configure`](actix_web::App::configure).
    ///
    /// Middleware around the whole application serves the document itself. Where it stands around scopes, resources and routes,
    /// it does not see requests for the document: configure the application with this, before any route that takes every path.
    /// Without a resource there is no such route.
    ///
    /// ```
    /// use actix_web::{App, test, web};
    /// use requires_auth::RequiresAuth;
    ///
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example.com/mcp")?;
    /// let app = App::new()
    ///     .configure(auth.metadata_service())
    ///     .route("/mcp", web::post().to(async || "called").wrap(auth.middleware()));
    ///
    /// let app = test::init_service(app).await;
    /// let request = test::TestRequest::get().uri("/.well-known/oauth-protected-resource/mcp");
    /// assert_eq!(test::call_service(&app, request.to_request()).await.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata_service(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let auth = self.clone();
        move |config| {
            if auth.resource().is_none() {
                return;
            }
            let guarded = auth.clone();
            let is_asked_for = fn_guard(move |context| guarded.metadata(&view(context.head())).is_some());
            let serve = move |request: HttpRequest| {
                let answer = metadata(&auth, request.head());
                std::future::ready(answer.unwrap_or_else(|| HttpResponse::NotFound().finish()))
            };
            config.service(web::resource("/{path:.*}").guard(is_asked_for).to(serve));
        }
    }
}
