//! How each proxy asks whether a request may pass: what its question says, how it is answered, and what stands in the
//! proxy's own file. A new proxy is a file here, a line in [`ALL`], and the file that is shipped for it.

mod original;
mod proxy_side;
mod interface;
mod caddy;
mod envoy_template;
mod envoy;
mod envoy_grpc;
mod haproxy;
mod nginx;
mod traefik;

pub(crate) use self::envoy_grpc::EnvoyGrpc;
pub(crate) use self::interface::{Answer, Dialect, Part, Question, Transport, Wanted};
pub(crate) use self::original::{METHOD_OVERRIDES, Original, has_body};
pub(crate) use self::proxy_side::{
    NOT_FOR_MCP, OfResources, Place, ProxySide, UNJUDGED, WELL_KNOWN, title_case,
};

/// Every dialect, in the order of their names.
pub(crate) const ALL: [&dyn Dialect; 6] =
    [&caddy::Caddy, &envoy::Envoy, &EnvoyGrpc, &haproxy::Haproxy, &nginx::Nginx, &traefik::Traefik];

/// The dialect of this name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Dialect> {
    ALL.into_iter().find(|dialect| dialect.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_one_dialect() {
        let names = ALL.map(Dialect::name);
        assert!(names.is_sorted() && names.iter().all(|name| named(name).is_some()));
        for wrong in ["", "Nginx", "nginx ", "envoy-"] {
            assert!(named(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn each_reads_the_question_that_its_proxy_asks_and_no_others() {
        let request = |asks: &dyn Dialect| {
            let (target, headers) = asks.ask("PUT", "/a?b", Some("a.test"));
            let mut request = http::Request::builder().method("PUT").uri(target);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.body(()).expect("a request")
        };
        for asked in ALL {
            let request = request(asked);
            for dialect in ALL {
                let target = request.uri().path_and_query().expect("a target").as_str();
                let endpoint = format!("/forward-auth/{}", asked.name());
                let rest = target.strip_prefix(&endpoint).unwrap_or_default();
                let host = request.headers().get("host").and_then(|host| host.to_str().ok());
                let question = Question { method: request.method(), headers: request.headers(), host, rest };
                let read = dialect
                    .read(&question)
                    .ok()
                    .map(|original| (original.method, original.target, original.host));
                let is_own = asked.name() == dialect.name() && dialect.transport() == Transport::Http;
                if is_own {
                    assert_eq!(read, Some(("PUT", "/a?b", Some("a.test"))), "{dialect:?}");
                }
                if dialect.transport() == Transport::Grpc {
                    assert_eq!(read, None, "{dialect:?}");
                }
            }
        }
    }
}
