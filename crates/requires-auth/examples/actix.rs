//! An API behind a guard, with actix-web.
//!
//! ```console
//! $ export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
//! $ export REQUIRES_AUTH_AUDIENCE=https://api.example.com
//! $ cargo run -p requires-auth --example actix --features actix
//! $ curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/user/info
//! ```
//!
//! `REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched;
//! `REQUIRES_AUTH_ALGORITHMS` narrows the algorithms; `PORT` is 8000 unless set, and 0 takes a free one.

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use requires_auth::{AccessToken, RequiresAuth};

fn routes(auth: &RequiresAuth) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let auth = auth.clone();
    move |config| {
        let orders = web::resource("/orders")
            .route(web::get().to(list_orders).wrap(auth.requires("read:orders")))
            .route(web::post().to(create_order).wrap(auth.requires("write:orders")));
        // Any valid token will do for what stands in this scope and says no more.
        let api = web::scope("")
            .wrap(auth.middleware())
            .route("/user/info", web::get().to(user_info))
            .service(orders);
        config.route("/public", web::get().to(public)).service(api);
    }
}

async fn user_info(token: AccessToken) -> String {
    token.subject().unwrap_or("no subject").to_owned()
}

async fn list_orders() -> &'static str {
    "orders"
}

async fn create_order() -> &'static str {
    "the order was created"
}

async fn public() -> &'static str {
    "everybody may read this"
}

#[actix_web::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // A refusal is logged once, with the reason and a hint.
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();

    // With values of your own: RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?
    let auth = match RequiresAuth::from_env() {
        Ok(auth) => auth,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };

    let port = std::env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    // One guard for all workers: its clones share keys and cache.
    let server = HttpServer::new(move || App::new().configure(routes(&auth)));
    let server = server.bind((Ipv4Addr::LOCALHOST, port))?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await?;
    Ok(ExitCode::SUCCESS)
}

const USAGE: &str = "for example:
  export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
  export REQUIRES_AUTH_AUDIENCE=https://api.example.com";
